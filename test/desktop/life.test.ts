import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { windowFr } from '@gantry/shared/words/window.fr.ts'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { until } from '../e2e/support/sandbox.ts'
import { absent, builtApp, hasShell, host, isShort, newHome, type Started, spawnApp, startApp } from './support/host.ts'
import { shellOptions, signInButton, startShell } from './support/shell.ts'

/** Starting, stopping and what is kept in between (R118). */
const home = newHome()
const running: Pick<Started, 'close'>[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.close().catch(() => undefined)
})
afterAll(home.remove)

async function start(argv: string[] = []): Promise<Started> {
  const started = await startShell(home.path, argv)
  running.push(started)
  return started
}
const hasEnded = ({ app }: Pick<Started, 'app'>) => {
  const child = app.process()
  return until('the end of the app', () => (child.exitCode === null && child.signalCode === null ? null : { code: child.exitCode }), 15_000)
}
const windowFile = join(home.path, 'profile/window.json')

describe.skipIf(!hasShell || isShort)(`the desktop app in the ${host} host${absent}`, () => {
  test('opens where it was left, and where it can be seen when that screen is gone', async () => {
    const first = await start()
    await first.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows()
      window?.setBounds({ x: 40, y: 60, width: 1_000, height: 700 })
      window?.close()
    })
    expect(await hasEnded(first)).toEqual({ code: 0 })
    const kept = JSON.parse(readFileSync(windowFile, 'utf8'))
    expect(kept).toMatchObject({ x: 40, y: 60, width: 1_000, height: 700, isMaximized: false })
    const bounds = ({ app }: Started) => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getNormalBounds())
    expect(await bounds(await start())).toMatchObject({ x: 40, y: 60, width: 1_000, height: 700 })
    await running.pop()?.close()
    writeFileSync(windowFile, JSON.stringify({ ...kept, x: 90_000 }))
    expect((await bounds(await start()))?.x).toBeLessThan(4_000)
    await running.pop()?.close()
    writeFileSync(windowFile, '{"x":')
    expect((await bounds(await start()))?.width).toBe(1_440)
  })

  test('R117: speaks the system’s language until somebody chooses one', async () => {
    rmSync(join(home.path, 'profile/settings.json'), { force: true })
    const started = await startApp(await shellOptions(home.path, ['--lang=fr-CA']))
    running.push(started)
    const { page } = started
    await page.getByRole('button', { name: windowFr.signIn.start }).waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('fr-CA')
  })

  test('opens maximised when it was left so', async () => {
    writeFileSync(windowFile, JSON.stringify({ x: 0, y: 0, width: 900, height: 700, isMaximized: true }))
    const { app } = await start()
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => [window.isMaximized(), window.isVisible()]))).toEqual([
      [true, true],
    ])
  })

  test('started a second time it ends, and the window that is there comes to the front', async () => {
    const first = await start()
    await first.app.evaluate(({ BrowserWindow }) => {
      const [window] = BrowserWindow.getAllWindows()
      window?.minimize()
    })
    expect((await spawnApp(await shellOptions(home.path))).code).toBe(0)
    const state = () => first.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.isMinimized()))
    await expect.poll(state).toEqual([false])
  })

  // Electron's box waits for a person, who is not there; the stand-in's writes on stderr.
  test.skipIf(host === 'electron')('a config that cannot be read is told in words, with its code, and nothing opens', async () => {
    const options = await shellOptions(home.path)
    const { code, stderr } = await spawnApp({ ...options, config: { ...options.config, more: 1 } })
    expect(code).toBe(1)
    expect(stderr).toMatch(/Gantry\n.*gantry-window\.json cannot be read\.\n.*\nstate\.unreadable/)
  })

  test('DevTools open in development, and not where they are off', async () => {
    const open = ({ app }: Started) =>
      app.evaluate(({ BrowserWindow }) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents
        const opened = new Promise<boolean>((resolve) => {
          contents?.once('devtools-opened', () => resolve(true))
          setTimeout(() => resolve(false), 1_000)
        })
        contents?.openDevTools({ mode: 'detach' })
        return opened
      })
    expect(await open(await start())).toBe(true)
    await running.pop()?.close()
    expect(await open(await start(['--no-devtools']))).toBe(false)
  })

  test('a page that crashes is noticed, and the window can be loaded again', async () => {
    const { app } = await start()
    const gone = app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents
      const { promise, resolve } = Promise.withResolvers<string>()
      contents?.once('render-process-gone', (_event, { reason }) => resolve(reason))
      contents?.forcefullyCrashRenderer()
      return promise
    })
    expect(await gone).toMatch(/crashed|killed/)
    expect(await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
  })

  test('a signal ends it as the last window would', async () => {
    const started = await start()
    expect(await signInButton(started.page).isVisible()).toBe(true)
    started.app.process().kill('SIGTERM')
    expect(await hasEnded(started)).toEqual({ code: 0 })
  })
})

describe.skipIf(host !== 'standin' || isShort)('the stand-in is strict', () => {
  const stand = join(import.meta.dirname, '../electron-stand-in/program/electron')
  const run = async (script: string) => {
    const file = join(home.path, 'app.cjs')
    writeFileSync(join(home.path, 'package.json'), '{}')
    writeFileSync(file, `const electron = require('electron')\nconst { app, BrowserWindow } = electron\n${script}`)
    const env = { ...process.env, STAND_IN_NODE: process.execPath, XDG_CONFIG_HOME: join(home.path, 'strict') }
    const child = spawn(stand, [file], { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8')
    })
    const [status] = (await once(child, 'close')) as [number | null]
    return { status, stderr }
  }
  const whenReady = (script: string) => `app.whenReady().then(() => { ${script}; setTimeout(() => process.exit(0), 500) })`

  test.each([
    ['electron.desktopCapturer', 'electron.desktopCapturer'],
    ['app.setBadgeCount', 'app.setBadgeCount(1)'],
    ["app.on('login')", "app.on('login', () => {})"],
    ['BrowserWindow.fromBrowserView', 'BrowserWindow.fromBrowserView(null)'],
    ['BrowserWindow option frame', whenReady('new BrowserWindow({ frame: false })')],
    ['webPreferences option offscreen', whenReady('new BrowserWindow({ webPreferences: { offscreen: true } })')],
    ['a window without sandbox: true', whenReady('new BrowserWindow({ webPreferences: { sandbox: false, contextIsolation: true } })')],
    ['a window without contextIsolation: true', whenReady('new BrowserWindow({ webPreferences: { sandbox: true, contextIsolation: false } })')],
    ['a menu', 'electron.Menu.setApplicationMenu({})'],
  ])('%s stops the process by name', async (what, script) => {
    const { status, stderr } = await run(script)
    expect(stderr).toContain(`electron stand-in: ${what}`)
    expect(stderr).toContain('is not implemented')
    expect(status).toBe(70)
  })

  test('its crypto can no more than BoringSSL', async () => {
    const own = ed25519Certificate()
    const server = createServer(own).listen(0, '127.0.0.1')
    server.on('tlsClientError', () => undefined)
    await once(server, 'listening')
    const { stderr } = await run(`
      const { createCipheriv, getCiphers } = require('node:crypto')
      const tls = require('node:tls')
      const say = (text) => process.stderr.write(text + '\\n')
      try { createCipheriv('chacha20-poly1305', Buffer.alloc(32), Buffer.alloc(12), { authTagLength: 16 }) } catch (error) { say('cipher: ' + error.message) }
      say('listed: ' + getCiphers().some((name) => name.includes('chacha20')))
      try { tls.createSecureContext(${JSON.stringify(own)}) } catch (error) { say('own: ' + error.message) }
      const end = (what) => { say('peer: ' + what); process.exit(0) }
      const { port } = ${JSON.stringify(server.address() as AddressInfo)}
      tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => end('connected')).on('error', ({ code }) => end(code))`)
    server.close()
    expect(stderr).toContain('cipher: Unknown cipher')
    expect(stderr).toContain('listed: false')
    expect(stderr).toMatch(/own: .*Ed25519/)
    expect(stderr).toMatch(/peer: ERR_SSL/)
  })
})

function ed25519Certificate(): { cert: string; key: string } {
  const [key, cert] = [join(home.path, 'key.pem'), join(home.path, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', '/CN=ed25519', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

test('the build that is tested is there', () => {
  expect(readFileSync(builtApp(), 'utf8')).toContain('app://gantry')
})
