import { contentPolicy } from '@gantry/shared/content-policy.ts'
import { describe, expect, test } from 'vitest'
import { grants, mayNavigate } from './guard.ts'
import { isOurAddress, isOurOrigin, servePage } from './page-protocol.ts'
import { isSignInPage } from './sign-in-page.ts'
import { webPreferences } from './web-preferences.ts'

const foreign = [
  'app://gantry.example/',
  'app://gantry:8080/',
  'app://user@gantry/',
  'app://other/',
  'app:gantry/',
  'https://gantry/',
  'file:///gantry/',
  'null',
  '',
]

describe('the window stays on its page (D32)', () => {
  test('a reload is a navigation that is allowed', () => {
    expect(mayNavigate({ url: 'app://gantry/index.html', isMainFrame: true })).toBe(true)
    expect(mayNavigate({ url: 'app://gantry/index.html?a#b', isMainFrame: true })).toBe(true)
  })

  test('nothing else is, nor anything in a frame', () => {
    const elsewhere = [...foreign, 'app://gantry/development.html', 'app://gantry/', 'javascript:1', 'data:text/html,x', 'about:blank', 'blob:app://gantry/1']
    expect(elsewhere.filter((url) => mayNavigate({ url, isMainFrame: true }))).toEqual([])
    expect(mayNavigate({ url: 'app://gantry/index.html', isMainFrame: false })).toBe(false)
  })
})

describe('permissions (D32)', () => {
  test('our page may copy, and read the clipboard for a paste that it asks about', () => {
    for (const permission of ['clipboard-read', 'clipboard-sanitized-write']) {
      expect(grants({ permission, from: 'app://gantry/', isMainFrame: true })).toBe(true)
      expect(grants({ permission, from: 'app://gantry/index.html', isMainFrame: true })).toBe(true)
    }
  })

  test('a frame, another page and a worker may not', () => {
    for (const from of [...foreign, undefined]) expect(grants({ permission: 'clipboard-read', from, isMainFrame: true })).toBe(false)
    expect(grants({ permission: 'clipboard-read', from: 'app://gantry/', isMainFrame: false })).toBe(false)
  })

  test.each([
    'display-capture',
    'media',
    'geolocation',
    'notifications',
    'usb',
    'hid',
    'serial',
    'midi',
    'openExternal',
    'fileSystem',
    'fullscreen',
    'unknown',
  ])('%s is refused to our page, too', (permission) => {
    expect(grants({ permission, from: 'app://gantry/index.html', isMainFrame: true })).toBe(false)
  })
})

describe('app: serves the files of the window', () => {
  const file = { body: Buffer.from('page'), headers: { 'content-type': 'text/html' } }
  let answer: (request: Request) => Response | Promise<Response> = () => Response.error()
  const handle = (_scheme: string, handler: typeof answer) => {
    answer = handler
  }
  servePage({ handle }, { get: (path) => (path === '/index.html' ? file : null) })

  test('to the address that Electron asks for, whose origin Node calls "null"', async () => {
    const response = await answer(new Request('app://gantry/index.html'))
    expect({ status: response.status, body: await response.text() }).toEqual({ status: 200, body: 'page' })
  })

  test.each([
    ['another host', new Request('app://other/index.html')],
    ['another method', new Request('app://gantry/index.html', { method: 'POST' })],
    ['a file that is not there', new Request('app://gantry/secret')],
  ])('%s: 404', async (_what, request) => {
    expect((await answer(request)).status).toBe(404)
  })

  test('an address and an origin are judged by their parts', () => {
    expect(foreign.filter((one) => isOurOrigin(one) || isOurAddress(one))).toEqual([])
    expect(isOurOrigin('app://gantry')).toBe(true)
  })

  test('the policy allows nothing unsafe, and nothing from elsewhere', () => {
    const policy = contentPolicy('abc')
    expect(policy).not.toMatch(/unsafe|https?:|\*|blob:/)
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("style-src 'self' 'nonce-abc'")
  })
})

describe('the system’s browser (T10)', () => {
  test('is given the main server’s own pages over https, and nothing else', () => {
    const mainServer = 'https://gantry.example:8443'
    expect(isSignInPage('https://gantry.example:8443/oidc/auth?client_id=x', mainServer)).toBe(true)
    const others = ['https://gantry.example/', 'http://gantry.example:8443/', 'https://gantry.example.evil:8443/', 'https://gantry.example:8443@evil/']
    const more = ['file:///etc/passwd', 'smb://gantry.example:8443/', 'javascript:1', 'gantry', '']
    expect([...others, ...more].filter((url) => isSignInPage(url, mainServer))).toEqual([])
    expect(isSignInPage('http://gantry.example/', 'http://gantry.example/')).toBe(false)
  })
})

describe('the window has what a sandboxed page has', () => {
  test('every preference is set, and DevTools are for development', () => {
    const preload = '/app/preload.cjs'
    const shipped = webPreferences({ preload, isPackaged: true, argv: [] })
    expect(shipped).toEqual({
      ...{ preload, webSecurity: true },
      ...{ nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false, webviewTag: false },
      ...{ allowRunningInsecureContent: false, experimentalFeatures: false, navigateOnDragDrop: false, spellcheck: false, devTools: false },
    })
    expect(webPreferences({ preload, isPackaged: false, argv: [] }).devTools).toBe(true)
    expect(webPreferences({ preload, isPackaged: false, argv: ['--no-devtools'] }).devTools).toBe(false)
  })
})
