import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serve } from '@gantry/shared/contract.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import { calls } from '@gantry/shared/ipc.ts'
import { readPageFiles } from '@gantry/shared/node/page-files.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import { app, type BrowserWindow, dialog, ipcMain, Menu, powerMonitor, protocol, session, shell } from 'electron'
import log from 'electron-log/node'
import { createKeychain } from '../keychain.ts'
import { createServices } from '../services/create-services.ts'
import { createSandboxSecrets } from '../services/sandbox-secrets.ts'
import type { Services } from '../services/services.ts'
import { type Config, readConfig } from './config.ts'
import { guard, guardSession } from './guard.ts'
import { hostCalls, hostEvents } from './ipc-host.ts'
import { pageScheme, servePage } from './page-protocol.ts'
import { createSystemProxy } from './system-proxy.ts'
import { followTheme, openWindow } from './window.ts'

/** The composition root of the desktop app. Order matters: schemes and sandbox before the app is ready, guards before the first page. */
protocol.registerSchemesAsPrivileged([pageScheme])
app.enableSandbox()
guard(app)
if (app.requestSingleInstanceLock()) void app.whenReady().then(start).catch(giveUp)
else app.quit()

async function start(): Promise<void> {
  const config = readConfig(process.argv, process.resourcesPath)
  const profileDir = config.profileDir ?? join(app.getPath('userData'), 'profile')
  guardSession(session.defaultSession)
  servePage(protocol, await readPageFiles(join(import.meta.dirname, '../renderer')))
  Menu.setApplicationMenu(process.platform === 'darwin' ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]) : null)

  const services = await startServices(config, profileDir)
  const answer = serve(calls, services.handlers, (error, name) => log.error('call failed', { name, error: String(error) }))
  let window: BrowserWindow | null = null
  const { pageGone } = hostCalls(ipcMain, async (name, input, context) => {
    const result = await answer(name, input, context)
    if (name === 'settings.change' && result.ok && window) followTheme(window, services.settings.read().theme)
    return result
  })
  hostEvents(services.on, () => (window && !window.isDestroyed() ? window.webContents : null))

  powerMonitor.on('lock-screen', services.lock.now)
  powerMonitor.on('suspend', services.lock.now)

  const show = () => {
    window = openWindow(profileDir, services.settings.read().theme)
    window.webContents.on('did-start-loading', pageGone)
    window.webContents.on('render-process-gone', pageGone)
    window.on('closed', () => {
      pageGone()
      window = null
    })
  }
  app.on('second-instance', () => {
    if (!window) return show()
    if (window.isMinimized()) window.restore()
    window.focus()
  })
  app.on('activate', () => {
    if (!window) show()
  })
  app.on('window-all-closed', () => app.quit())
  stopWithApp(services)
  show()
}

async function startServices(config: Config, profileDir: string): Promise<Services> {
  return createServices({
    profileDir,
    mainServer: config.mainServer,
    otherNames: config.otherNames,
    ca: await readFile(config.ca, 'utf8'),
    secretStore: config.sandboxDir === null ? createKeychain() : createSandboxSecrets(config.sandboxDir),
    openBrowser: (url) => openSignIn(url, config.mainServer),
    findProxy: createSystemProxy(session),
    party: 'desktop',
    about: { version: app.getVersion(), host: 'electron', hostReason: null, sandbox: config.sandboxDir !== null },
  })
}

/** The only page that this app ever hands to the system's browser is the main server's own sign-in. */
async function openSignIn(url: string, mainServer: string): Promise<void> {
  const { protocol: scheme, origin } = new URL(url)
  if (scheme !== 'https:' || origin !== new URL(mainServer).origin) throw new Error('not a sign-in page')
  await shell.openExternal(url)
}

/** Sessions are ended before the process goes; `close` takes 5 s at most. */
function stopWithApp(services: Services): void {
  let isClosed = false
  app.on('before-quit', (event) => {
    if (isClosed) return
    event.preventDefault()
    void services.close().finally(() => {
      isClosed = true
      app.quit()
    })
  })
}

function giveUp(error: unknown): void {
  log.error('start failed', { error: String(error) })
  const failure = toFailure(error)
  const { what, todo } = errorWords(failure, app.getLocale().startsWith('fr') ? 'fr' : 'en')
  dialog.showErrorBox('Gantry', `${what}\n${todo}\n${failure.code}`)
  app.exit(1)
}
