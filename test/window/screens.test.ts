import type { Language } from '@gantry/shared/words/errors.ts'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { allScenes } from './support/all-scenes.ts'
import { closeBrowser, type Look } from './support/open-window.ts'
import { faultsOf, openStage, spillsOf } from './support/stage.ts'

/**
 * Every screen, and the states in which it is most often seen, each in one dress here; `npm run screens` has all states in all dresses. It is drawn, nothing on it breaks the
 * content policy, no word is cut off, and axe finds nothing against WCAG 2.2 AA (R077).
 */
const often = new Set(['sign-in', 'request-form', 'request-asking-typed', 'session-files', 'session-split'])
const scenes = Object.entries(allScenes).filter(([name]) => !name.includes('-') || often.has(name))
const dresses: (Look & { language: Language })[] = [
  { language: 'en', theme: 'light' },
  { language: 'fr', theme: 'dark' },
  { language: 'en', theme: 'contrast' },
  { language: 'fr', theme: 'light', width: 720, height: 720 },
  { language: 'en', theme: 'dark', width: 720, height: 720 },
]
afterAll(closeBrowser)

describe('each screen can be used by everyone', () => {
  test.for(scenes.map(([name, scene], at) => [name, scene, dresses[at % dresses.length]] as const))('%s', async ([_name, scene, dress]) => {
    const stage = await openStage(scene, dress ?? { language: 'en' })
    onTestFinished(() => stage.close())
    expect(await faultsOf(stage.page)).toEqual([])
    expect(await spillsOf(stage.page)).toEqual([])
    expect(stage.errors).toEqual([])
  })
})
