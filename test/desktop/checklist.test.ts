import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { contentPolicy } from '@gantry/shared/content-policy.ts'
import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isSignInPage } from '../../main/electron/sign-in-page.ts'
import { webPreferences } from '../../main/electron/web-preferences.ts'
import { absent, builtApp, hasShell, host, isShort, newHome, type Started } from './support/host.ts'
import { startShell } from './support/shell.ts'

/**
 * Electron's own security checklist (electronjs.org/docs/latest/tutorial/security), item by item and by its numbers. What the running app shows is asked of it; what
 * it cannot show (a preference that is off) is read from the one place that says it. `shell.test.ts` tries to get around them.
 */
const root = join(import.meta.dirname, '../..')
const home = newHome()
const isHere = hasShell && !isShort
let shell: Started
let page: Page
let built = ''
beforeAll(async () => {
  if (!isHere) return
  built = readFileSync(builtApp(), 'utf8')
  shell = await startShell(home.path)
  page = shell.page
})
afterAll(async () => {
  await shell?.close()
  home.remove()
})

const preferences = webPreferences({ preload: '', isPackaged: true, argv: [] })
const timesIn = (text: string, find: RegExp) => [...text.matchAll(find)].length
const stateOf = (name: string) => page.evaluate(`navigator.permissions.query({ name: '${name}' }).then(({ state }) => state)`)

describe.skipIf(!isHere)(`Electron’s security checklist in the ${host} host${absent}`, () => {
  test('1. only secure content is loaded: the window’s own files, over app:', async () => {
    expect(timesIn(built, /\.loadURL\(/g)).toBe(1)
    expect(timesIn(built, /\.loadFile\(/g)).toBe(0)
    expect(await shell.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL())).toBe('app://gantry/index.html')
    const loaded = (await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => new URL(name).origin === location.origin)")) as boolean[]
    expect(loaded.length).toBeGreaterThan(1)
    expect(loaded.every(Boolean)).toBe(true)
  })

  test('2. pages have no Node', async () => {
    expect(preferences).toMatchObject({ nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false })
    expect(await page.evaluate('[typeof require, typeof process, typeof module, typeof Buffer].join()')).toBe('undefined,undefined,undefined,undefined')
  })

  test('3. the bridge’s world is apart from the page’s', async () => {
    expect([timesIn(built, /contextIsolation: true/g), 'contextIsolation' in preferences]).toEqual([1, false])
    // What a page does to its own objects does not reach the bridge.
    const answer = await page.evaluate(`(async () => {
      const { stringify } = JSON
      JSON.stringify = () => { throw new Error('the page got into the bridge') }
      try { return (await window.api.call('app.describe', {})).ok } finally { JSON.stringify = stringify }
    })()`)
    expect(answer).toBe(true)
  })

  test('4. every window is sandboxed', () => {
    expect([timesIn(built, /sandbox: true/g), 'sandbox' in preferences]).toEqual([1, false])
    expect(timesIn(built, /app\.enableSandbox\(\)/g)).toBe(1)
    expect(timesIn(built, /new electron\.(BrowserWindow|BrowserView|WebContentsView|BaseWindow)\(/g)).toBe(1)
  })

  test('5. permission requests are decided, and refused but for the clipboard', async () => {
    for (const name of ['geolocation', 'notifications', 'camera', 'microphone', 'midi']) expect(await stateOf(name), name).toBe('denied')
  })

  test('6. web security is on', () => expect(preferences.webSecurity).toBe(true))

  test('7. there is a content security policy, and nothing in it is unsafe', async () => {
    expect(contentPolicy('x')).toMatch(/^default-src 'none'; script-src 'self'; /)
    expect(contentPolicy('x')).not.toMatch(/unsafe-|\*/)
    expect(await page.evaluate("fetch('https://example.com/').then(() => 'gone out', () => 'stopped')")).toBe('stopped')
  })

  test('8. a secure page runs no insecure content', () => expect(preferences.allowRunningInsecureContent).toBe(false))

  test('9. experimental features are off', () => {
    expect(preferences.experimentalFeatures).toBe(false)
    expect(built).not.toMatch(/appendSwitch\(/)
  })

  test('10. no Blink feature is turned on', () => expect(preferences).not.toHaveProperty('enableBlinkFeatures'))

  test('11. no webview lets popups through: there is no webview', async () => {
    expect(preferences.webviewTag).toBe(false)
    expect(await page.evaluate("typeof document.createElement('webview').getWebContentsId")).toBe('undefined')
  })

  test('12. a webview that is attached all the same is stopped', () =>
    expect(timesIn(built, /"will-attach-webview", \(event\) => event\.preventDefault\(\)/g)).toBe(1))

  test('13. navigation is stopped', async () => {
    await page.evaluate("location.href = 'https://example.com/'")
    await page.waitForTimeout(200)
    expect(await shell.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL())).toBe('app://gantry/index.html')
  })

  test('14. new windows are refused', async () => {
    expect(await page.evaluate("window.open('https://example.com/') === null")).toBe(true)
    expect(await shell.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
  })

  test('15. the system’s browser is given the main server’s sign-in and nothing else', () => {
    expect(timesIn(built, /shell\.openExternal\(/g)).toBe(1)
    expect(isSignInPage('file:///etc/passwd', 'https://gantry.example')).toBe(false)
    expect(isSignInPage('https://evil.example/', 'https://gantry.example')).toBe(false)
    expect(isSignInPage('https://gantry.example/oidc/auth', 'https://gantry.example')).toBe(true)
  })

  test('16. Electron is a current one, pinned to the last digit', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(devDependencies.electron).toMatch(/^(4[5-9]|[5-9]\d)\.\d+\.\d+$/)
  })

  test('17. the sender of every call is checked', async () => {
    // Not a page at all: a call that Electron would hand over from a window that is not ours.
    expect(timesIn(built, /ipcMain\.handle\(/g)).toBe(1)
    expect(timesIn(built, /ipcMain\.(on|once|handleOnce)\(/g)).toBe(0)
    expect(timesIn(built, /if \(!isOurSender\(event, window\(\)\)\) throw/g)).toBe(1)
  })

  test('18. no page comes from file:', async () => {
    expect(built).not.toMatch(/loadURL\([^)]*file:/)
    expect(await page.evaluate('location.protocol')).not.toBe('file:')
  })

  test('19. the fuses are set', () => {
    const builder = readFileSync(join(root, 'electron-builder.yml'), 'utf8')
    for (const off of ['runAsNode', 'enableNodeOptionsEnvironmentVariable', 'enableNodeCliInspectArguments', 'grantFileProtocolExtraPrivileges'])
      expect(builder).toContain(`  ${off}: false\n`)
    for (const on of ['enableCookieEncryption', 'enableEmbeddedAsarIntegrityValidation', 'onlyLoadAppFromAsar']) expect(builder).toContain(`  ${on}: true\n`)
  })

  test('20. the page gets three functions of the bridge, and no API of Electron’s', async () => {
    expect(await page.evaluate('Object.entries(window.api).map(([name, value]) => [name, typeof value])')).toEqual([
      ['call', 'function'],
      ['pathOf', 'function'],
      ['on', 'function'],
    ])
    expect(await page.evaluate("typeof window.api.on('sign-in.changed', () => {})")).toBe('function')
  })
})
