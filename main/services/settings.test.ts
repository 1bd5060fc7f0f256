import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSettings } from './settings.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-settings-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the settings of a profile', () => {
  test('speak the system’s language until somebody chooses another, which then stays', async () => {
    expect(openSettings(folder, 'fr').read().language).toBe('fr')
    expect(openSettings(folder, 'en').read().language).toBe('en')
    await openSettings(folder, 'fr').change({ language: 'en' })
    expect(openSettings(folder, 'fr').read().language).toBe('en')
  })

  test('a file that cannot be read counts as none, and the next change writes a whole one', async () => {
    const path = join(folder, 'settings.json')
    for (const text of ['{"language":', '{"language":"tlh"}', '[]']) {
      writeFileSync(path, text)
      const settings = openSettings(folder, 'fr')
      expect(settings.read()).toMatchObject({ language: 'fr', theme: 'system' })
      await settings.change({ theme: 'dark' })
      expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ language: 'fr', theme: 'dark', density: 'comfortable' })
    }
  })

  test('a setting that is not given keeps what it has', async () => {
    const settings = openSettings(folder, 'en')
    await settings.change({ terminalFontSize: 17, theme: undefined })
    expect(settings.read()).toMatchObject({ terminalFontSize: 17, theme: 'system' })
  })
})
