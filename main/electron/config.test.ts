import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { readConfig } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'gantry-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const installed = { mainServer: 'https://gantry.example', ca: '/etc/gantry/ca.pem' }
const installedFile = join(folder, 'gantry.json')
const named = join(folder, 'other.json')
function write(file: string, value: unknown): void {
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))
}
function failureOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error instanceof AppError ? { code: error.code, details: error.details } : error
  }
}

describe('what the desktop app trusts is installed with it (T10)', () => {
  test('a package reads gantry.json beside it', () => {
    write(installedFile, installed)
    const config = readConfig({ argv: ['gantry-desktop'], resourcesPath: folder, isPackaged: true })
    expect(config).toEqual({ ...installed, otherNames: [], profileDir: null, updates: null, sandboxDir: null, stopWithStdin: false })
  })

  test.each(['--config=', '--config'])('a package refuses %s, whatever it names', (option) => {
    write(installedFile, installed)
    write(named, { ...installed, mainServer: 'https://rogue.example' })
    const argv = ['gantry-desktop', ...(option.endsWith('=') ? [`${option}${named}`] : [option, named])]
    expect(failureOf(() => readConfig({ argv, resourcesPath: folder, isPackaged: true }))).toEqual({
      code: 'usage.not-in-package',
      details: { option: '--config' },
    })
  })

  test('a package has no sandbox: its secrets go to the keychain and nowhere else', () => {
    write(installedFile, { ...installed, sandboxDir: '/tmp/sandbox' })
    expect(failureOf(() => readConfig({ argv: [], resourcesPath: folder, isPackaged: true }))).toMatchObject({ code: 'state.unreadable' })
  })

  test('in development the file that is named counts, with its sandbox', () => {
    write(named, { ...installed, sandboxDir: '/tmp/sandbox' })
    const config = readConfig({ argv: ['electron', 'main.cjs', `--config=${named}`], resourcesPath: folder, isPackaged: false })
    expect(config.sandboxDir).toBe('/tmp/sandbox')
  })

  test.each([
    ['missing', null],
    ['no JSON', 'hello'],
    ['a field too many', { ...installed, more: 1 }],
    ['no address', { ...installed, mainServer: 'gantry' }],
  ])('a file that is %s is told by its path', (_what, value) => {
    rmSync(named, { force: true })
    if (value !== null) write(named, value)
    expect(failureOf(() => readConfig({ argv: [`--config=${named}`], resourcesPath: folder, isPackaged: false }))).toEqual({
      code: 'state.unreadable',
      details: { path: named },
    })
  })
})
