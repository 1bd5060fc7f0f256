import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serve } from '@gantry/shared/contract.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import { calls } from '@gantry/shared/ipc.ts'
import { readPageFiles } from '@gantry/shared/node/page-files.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import { app, BrowserWindow, dialog, ipcMain, Menu, nativeImage, powerMonitor, protocol, session, shell } from 'electron'
import log from 'electron-log/node'
import { createKeychain } from '../keychain.ts'
import { createServices } from '../services/create-services.ts'
import { createSandboxSecrets } from '../services/sandbox-secrets.ts'
import type { Desktop, Services } from '../services/services.ts'
import { type Config, readConfig } from './config.ts'
import { createDragOut, dragIcon } from './drag-out.ts'
import { guard, guardSession } from './guard.ts'
import { hostCalls, hostEvents } from './ipc-host.ts'
import { showNotice } from './notice.ts'
import { pageScheme, servePage } from './page-protocol.ts'
import { askToOpen, sayReady } from './sandbox-part.ts'
import { isSignInPage } from './sign-in-page.ts'
import { createSystemProxy } from './system-proxy.ts'
import { type UpdatedApp, updateSetup } from './updater.ts'
import { followTheme, openWindow } from './window.ts'

/** The composition root of the desktop app. Order matters: schemes and sandbox before the app is ready, guards before the first page. */
protocol.registerSchemesAsPrivileged([pageScheme])
app.enableSandbox()
guard(app)
try {
  begin(readConfig({ argv: process.argv, resourcesPath: process.resourcesPath, isPackaged: app.isPackaged }))
} catch (error) {
  void app.whenReady().then(() => giveUp(error))
}

/** One window for each profile: whoever starts the app again is shown the one that is there. */
function begin(config: Config): void {
  if (config.profileDir !== null) app.setPath('userData', join(config.profileDir, 'electron'))
  if (app.requestSingleInstanceLock())
    void app
      .whenReady()
      .then(() => start(config))
      .catch(giveUp)
  else app.quit()
}

async function start(config: Config): Promise<void> {
  const profileDir = config.profileDir ?? join(app.getPath('userData'), 'profile')
  guardSession(session.defaultSession)
  servePage(protocol, await readPageFiles(join(import.meta.dirname, '../renderer')))
  Menu.setApplicationMenu(process.platform === 'darwin' ? Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]) : null)

  let stopServices = async () => {}
  const stop = async () => {
    await stopServices()
    app.releaseSingleInstanceLock()
  }
  const dragOut = createDragOut(() => nativeImage.createFromBuffer(dragIcon.png, { scaleFactor: dragIcon.scaleFactor }))
  const desktop: Desktop = { drag: dragOut.drag, show: (path) => shell.showItemInFolder(path) }
  const services = await startServices(config, profileDir, { stop, desktop })
  const answer = serve(calls, services.handlers, (error, name) => log.error('call failed', { name, error: String(error) }))
  let window: BrowserWindow | null = null
  const contents = () => (window && !window.isDestroyed() ? window.webContents : null)
  const answerAndFollow: typeof answer = async (name, input, context) => {
    const result = await answer(name, input, context)
    if (name === 'settings.change' && result.ok && window) followTheme(window, services.settings.read().theme)
    return result
  }
  const { pageGone } = hostCalls(ipcMain, answerAndFollow, contents)
  hostEvents(services.on, contents)

  powerMonitor.on('lock-screen', services.lock.now)
  powerMonitor.on('suspend', services.lock.now)

  const show = () => {
    window = openWindow(profileDir, services.settings.read().theme)
    dragOut.follow(window.webContents)
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
  stopServices = stopWithApp(services)
  show()
  if (config.sandboxDir !== null) sayReady(config)
}

async function startServices(config: Config, profileDir: string, { stop, desktop }: { stop: () => Promise<void>; desktop: Desktop }): Promise<Services> {
  const appImage = process.env.APPIMAGE ?? null
  const { env, platform, resourcesPath } = process
  return createServices({
    showNotice: (notice) => showNotice(notice, () => BrowserWindow.getAllWindows()[0]),
    desktop,
    profileDir,
    mainServer: config.mainServer,
    otherNames: config.otherNames,
    ca: await readFile(config.ca, 'utf8'),
    secretStore: config.sandboxDir === null ? createKeychain() : createSandboxSecrets(config.sandboxDir),
    // The sandbox has a browser that knows its CA; everybody else's is the system's.
    openBrowser: config.sandboxDir === null ? (url) => openSignIn(url, config.mainServer) : askToOpen,
    findProxy: createSystemProxy(session),
    updates: updateSetup(config.updates, { adapter: adapterOf(profileDir), appImage, stop }, { env, platform, resourcesPath }),
    party: 'desktop',
    language: systemLanguage(),
    about: { version: app.getVersion(), host: 'electron', hostReason: null, sandbox: config.sandboxDir !== null },
  })
}

async function openSignIn(url: string, mainServer: string): Promise<void> {
  if (!isSignInPage(url, mainServer)) throw new Error('not a sign-in page')
  await shell.openExternal(url)
}

/** Sessions are ended before the process goes; `close` takes 5 s at most. Returns what does it beforehand. */
function stopWithApp(services: Services): () => Promise<void> {
  let isClosed = false
  const stop = () =>
    services.close().finally(() => {
      isClosed = true
    })
  app.on('before-quit', (event) => {
    if (isClosed) return
    event.preventDefault()
    void stop().finally(() => app.quit())
  })
  return stop
}

/** electron-updater's view of the app; what it copies lies in the profile. */
function adapterOf(profileDir: string): UpdatedApp['adapter'] {
  return {
    version: app.getVersion(),
    name: 'Gantry',
    isPackaged: app.isPackaged,
    appUpdateConfigPath: join(process.resourcesPath, 'app-update.yml'),
    userDataPath: join(profileDir, 'updates'),
    baseCachePath: join(profileDir, 'updates'),
    whenReady: () => app.whenReady(),
    relaunch: () => app.relaunch(),
    quit: () => app.quit(),
    onQuit: (handle: (code: number) => void) => void app.once('quit', (_event, code) => handle(code)),
  }
}

const systemLanguage = () => (app.getLocale().startsWith('fr') ? 'fr' : 'en')

function giveUp(error: unknown): void {
  log.error('start failed', { error: String(error) })
  const failure = toFailure(error)
  const { what, todo } = errorWords(failure, systemLanguage())
  dialog.showErrorBox('Gantry', `${what}\n${todo}\n${failure.code}`)
  app.exit(1)
}
