import { calls } from '@gantry/shared/ipc.ts'
import type { Frame, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { absent, hasShell, host, isShort, newHome, type Started } from './support/host.ts'
import { signInButton, startShell } from './support/shell.ts'

/** The shell around the window, as it ships: what the page gets, and what it does not (R118, D32, T10, T11). */
const home = newHome()
const isHere = hasShell && !isShort
let shell: Started & { errors: string[] }
let page: Page
beforeAll(async () => {
  if (!isHere) return
  shell = await startShell(home.path)
  page = shell.page
})
afterAll(async () => {
  await shell?.close()
  home.remove()
})

/** What the page, or a frame of it, gets when it asks; `threw` with the text of the error otherwise. */
const askFrom = (frame: Page | Frame, name: string, input: string) =>
  frame.evaluate(
    `window.api.call(${JSON.stringify(name)}, ${input}).then((answer) => answer.failure?.code ?? 'ok', (error) => 'threw: ' + error.message)`,
  ) as Promise<string>
const addresses = () => shell.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map(({ webContents }) => webContents.getURL()))
/** Long enough for a navigation that was not stopped to have begun. */
const aMoment = () => page.waitForTimeout(300)

describe.skipIf(!isHere)(`the page in the ${host} host${absent}`, () => {
  test('is ours, drawn without a breach of its policy', async () => {
    expect(await addresses()).toEqual(['app://gantry/index.html'])
    expect(await page.title()).toBe('Gantry')
    expect(shell.errors).toEqual([])
  })

  test('has the three functions of the bridge and nothing of Node or Electron', async () => {
    expect(
      await page.evaluate('[Object.keys(window.api), Object.isFrozen(window.api), typeof window.api.call, typeof window.api.on, typeof window.api.pathOf]'),
    ).toEqual([['call', 'pathOf', 'on'], true, 'function', 'function', 'function'])
    expect(await page.evaluate("['require', 'process', 'Buffer', 'module', 'global', 'electron', 'ipcRenderer'].filter((name) => name in window)")).toEqual([])
  })

  test('learns the place of no file that the page made itself', async () => {
    expect(await page.evaluate("(async () => await window.api.pathOf(new File(['x'], '/etc/passwd')))()")).toBe('')
  })

  test('calls and is told: a setting that is changed comes back, and the system’s theme follows', async () => {
    expect(await askFrom(page, 'settings.change', "{ theme: 'dark' }")).toBe('ok')
    expect(await shell.app.evaluate(({ nativeTheme }) => nativeTheme.themeSource)).toBe('dark')
    expect(await askFrom(page, 'settings.change', "{ theme: 'light' }")).toBe('ok')
    const told = page.evaluate(`new Promise((resolve) => {
      const stop = window.api.on('sign-in.changed', (state) => { stop(); resolve(state.phase) })
      setTimeout(() => resolve('nothing'), 10_000)
    })`)
    await askFrom(page, 'sign-in.start', '{}')
    expect(await told).toMatch(/signed-out|waiting-for-browser/)
    await askFrom(page, 'sign-in.cancel', '{}')
  })

  test('its policy stops scripts, code from text, styles, frames, connections and pictures that are not its own', async () => {
    const stopped = await page.evaluate(`(async () => {
      const stopped = new Set()
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => stopped.add(effectiveDirective))
      const add = (tag, part) => document.body.append(Object.assign(document.createElement(tag), part))
      // What evaluates this may evaluate code from text; a later task of the page may not.
      await new Promise((resolve) => setTimeout(resolve))
      try { eval('1') } catch { stopped.add('eval') }
      // Trusted Types stop a text, too; this one needs the scripts' own rule.
      await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).catch(() => stopped.add('wasm'))
      try { document.body.innerHTML += '<b>' } catch { stopped.add('innerHTML') }
      const style = document.createElement('div')
      style.setAttribute('style', 'color: red')
      document.body.append(style)
      add('iframe', { src: 'https://example.com/' })
      add('img', { src: 'https://example.com/x.png' })
      try { add('object', { data: 'https://example.com/' }) } catch { stopped.add('object') }
      await fetch('https://example.com/').catch(() => undefined)
      await new Promise((resolve) => setTimeout(resolve, 200))
      document.querySelectorAll('iframe').forEach((one) => one.remove())
      return [...stopped].sort()
    })()`)
    for (const directive of ['connect-src', 'eval', 'frame-src', 'img-src', 'innerHTML', 'object', 'style-src-attr', 'wasm'])
      expect(stopped).toContain(directive)
    shell.errors.length = 0
  })
})

describe.skipIf(!isHere)('the window stays where it is, and alone', () => {
  test.each([
    ['location', "location.href = 'https://example.com/'"],
    ['another file of ours', "location.href = new URL('development.html', location.href).href"],
    [
      'a link',
      "(() => { const link = document.createElement('a'); link.href = 'https://example.com/'; document.body.append(link); link.click(); link.remove() })()",
    ],
    ['window.open', "void window.open('https://example.com/')"],
    [
      'a link to a new window',
      "(() => { const link = document.createElement('a'); link.href = 'https://example.com/'; link.target = '_blank'; document.body.append(link); link.click(); link.remove() })()",
    ],
    [
      'a download',
      "(() => { const link = document.createElement('a'); link.href = 'data:text/plain,x'; link.download = 'x.txt'; document.body.append(link); link.click(); link.remove() })()",
    ],
  ])('%s leads nowhere', async (_what, act) => {
    await page.evaluate(act)
    await aMoment()
    expect(await addresses()).toEqual(['app://gantry/index.html'])
    expect(await signInButton(page).isVisible()).toBe(true)
  })

  test('a reload brings the same page, with a fresh nonce', async () => {
    const nonce = () => page.evaluate(`document.querySelector('meta[property="csp-nonce"]').nonce`)
    const before = await nonce()
    await page.evaluate('location.reload()')
    await expect.poll(nonce).not.toBe(before)
    await signInButton(page).waitFor()
    expect(await addresses()).toEqual(['app://gantry/index.html'])
  })
})

describe.skipIf(!isHere)('permissions', () => {
  test('the clipboard is ours; where somebody is, what they hear, see and have plugged in is not', async () => {
    const state = (name: string) => page.evaluate(`navigator.permissions.query({ name: '${name}' }).then(({ state }) => state)`)
    expect(await state('clipboard-read')).toBe('granted')
    for (const name of ['geolocation', 'notifications', 'camera', 'microphone', 'midi']) expect(await state(name), name).toBe('denied')
    const refused = await page.evaluate(`(() => {
      const within = (asked, ms = 30_000) => Promise.race([asked, new Promise((resolve) => setTimeout(() => resolve('silent'), ms))])
      const answer = (asked, ms) => within(asked.then(() => 'given', ({ name }) => name), ms)
      return Promise.all([
        within(new Promise((resolve) => navigator.geolocation.getCurrentPosition(() => resolve('given'), ({ code }) => resolve(code === 1 ? 'refused' : 'other')))),
        within(Notification.requestPermission()),
        answer(navigator.mediaDevices.getUserMedia({ video: true })),
        // A picker that waits for a person gives nothing either.
        answer(navigator.mediaDevices.getDisplayMedia({ video: true }), 1_500),
        answer(navigator.usb.requestDevice({ filters: [] })),
      ])
    })()`)
    expect(refused).toEqual(['refused', 'denied', 'NotAllowedError', expect.not.stringMatching('given'), 'SecurityError'])
  })
})

describe.skipIf(!isHere)('a call is answered to our page in the main frame of our window only', () => {
  const names = Object.keys(calls)

  test('a name that is not in the table has no channel', async () => {
    for (const name of ['toString', '__proto__', 'file.read', '']) expect(await askFrom(page, name, '{}')).toContain(`No handler registered for 'call:${name}'`)
  })

  test.each([
    ['what is no plain data', '{ requestId: new Map([[1, 2]]) }', 'contract.bad-input'],
    ['bytes', 'new Uint8Array(9)', 'contract.bad-input'],
    ['a cycle', '(() => { const ring = {}; ring.ring = ring; return ring })()', 'contract.too-large'],
    [
      'a field of the wrong type',
      "{ requestId: 5, terminalId: 5, deviceId: 5, path: 5, pin: 5, minutes: 'x', language: 5, number: 5, more: 5, transferIds: 5, transferId: 5 }",
      'contract.bad-input',
    ],
  ])('%s is refused by each of them', async (_what, input, code) => {
    for (const name of names) expect(await askFrom(page, name, input), name).toBe(code)
  })

  test('five million characters are refused, also where nobody would look at them', async () => {
    for (const name of ['terminal.write', 'action.run', 'app.describe'])
      expect(await askFrom(page, name, "{ input: 'x'.repeat(5_000_001) }"), name).toBe('contract.too-large')
  })

  test('another window with the same page and bridge, and a frame in it, get nothing from any of them', async () => {
    const opened = shell.app.waitForEvent('window')
    await shell.app.evaluate(({ BrowserWindow, app }) => {
      const preload = `${app.getAppPath()}/out/preload/preload.cjs`
      const insecure = {
        nodeIntegration: false,
        nodeIntegrationInWorker: false,
        webviewTag: false,
        allowRunningInsecureContent: false,
        experimentalFeatures: false,
      }
      const webPreferences = { preload, sandbox: true, contextIsolation: true, webSecurity: true, nodeIntegrationInSubFrames: true, ...insecure }
      void new BrowserWindow({ show: false, webPreferences }).loadURL('app://gantry/index.html')
    })
    const other = await opened
    await other.waitForFunction("typeof window.api === 'object'")
    await other.evaluate("document.body.append(Object.assign(document.createElement('iframe'), { name: 'inside' }))")
    const inside = () => other.frames().find((frame) => frame !== other.mainFrame())
    await expect.poll(async () => inside()?.evaluate('typeof window.api')).toBe('object')
    for (const frame of [other, inside() as Frame]) for (const name of names) expect(await askFrom(frame, name, '{}'), name).toContain('from a foreign frame')
    await other.close()
    await expect.poll(addresses).toEqual(['app://gantry/index.html'])
  })
})
