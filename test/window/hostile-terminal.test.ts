import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { corpus } from '../support/hostile-terminal/corpus.ts'
import { closeBrowser } from './support/open-window.ts'
import { openWatched, type Watched } from './support/watched-terminal.ts'

const opened: Watched[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

describe('goal D19: whatever a device prints, it reaches nothing but its own screen', () => {
  test('no clipboard, title, link or window, no answer beyond three; the button brings the terminal back', async () => {
    const watched = await openWatched()
    opened.push(watched)
    for (const { tries, sequences } of corpus) {
      // Some of each; all of them, and a look after each, in `npm run prove -- desktop --only terminal`.
      for (const [, octets] of sequences.filter((_, at) => at % 3 === 0)) {
        await watched.print(octets)
        await watched.reset()
      }
      expect(await watched.breaches(), tries).toEqual([])
      expect(await watched.looksRestored(), tries).toBe('restored')
    }
    expect(await watched.window.page.evaluate('own_readText()')).toBe('what the person copied')
  })
})
