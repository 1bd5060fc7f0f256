import type { BrowserWindowConstructorOptions, BrowserWindow as ElectronWindow, Rectangle, WebPreferences } from 'electron'
import { app, windows } from './app.ts'
import { cancellable, type Members, notImplemented, onlyKnown, strict, strictEmitter } from './strict.ts'
import { type Contents, createContents } from './web-contents.ts'

const options = [
  ...['x', 'y', 'width', 'height', 'minWidth', 'minHeight', 'show', 'title', 'backgroundColor', 'titleBarStyle', 'titleBarOverlay', 'webPreferences'],
] as const satisfies (keyof BrowserWindowConstructorOptions)[]
/** Those that make a window insecure, with the only value that is run here. The others of the list have no effect on what is shown here. */
const required: WebPreferences = {
  ...{ sandbox: true, contextIsolation: true, webSecurity: true, nodeIntegration: false, nodeIntegrationInWorker: false },
  ...{ webviewTag: false, allowRunningInsecureContent: false, experimentalFeatures: false },
}
const preferences = [...Object.keys(required), 'preload', 'nodeIntegrationInSubFrames', 'navigateOnDragDrop', 'spellcheck', 'devTools']

type Window = ReturnType<typeof createWindow>
const all = new Map<number, Window>()
windows.count = () => all.size
windows.closeAll = async () => {
  for (const one of all.values()) if (!(await one.close())) return false
  return true
}

const eventNames = ['ready-to-show', 'show', 'close', 'closed', 'focus', 'maximize', 'unmaximize', 'restore', 'minimize']

function createWindow(given: BrowserWindowConstructorOptions) {
  onlyKnown('BrowserWindow', given, options)
  const { webPreferences = {} } = given
  onlyKnown('webPreferences', webPreferences, preferences)
  for (const [name, value] of Object.entries(required))
    if (webPreferences[name as keyof WebPreferences] !== value) notImplemented(`a window without ${name}: ${value}, which is insecure,`)

  const contents: Contents = createContents(given)
  const { id } = contents.members
  const size = { width: Math.max(given.width ?? 800, given.minWidth ?? 0), height: Math.max(given.height ?? 600, given.minHeight ?? 0) }
  const bounds: Rectangle = { x: given.x ?? Math.round((1920 - size.width) / 2), y: given.y ?? Math.round((1080 - size.height) / 2), ...size }
  const state = { isVisible: given.show !== false, isMaximized: false, isMinimized: false, isGone: false }
  const closed = Promise.withResolvers<void>()
  const become = (change: Partial<typeof state>, event: string) => {
    Object.assign(state, change)
    members.emit(event)
  }

  const members = strictEmitter('BrowserWindow', { emits: eventNames }, {
    id,
    webContents: contents.asElectron,
    loadURL: (url: string) => contents.load(url),
    show: () => become({ isVisible: true }, 'show'),
    isVisible: () => state.isVisible,
    focus: () => become({}, 'focus'),
    minimize: () => become({ isMinimized: true }, 'minimize'),
    isMinimized: () => state.isMinimized,
    restore: () => become({ isMinimized: false }, 'restore'),
    maximize: () => become({ isMaximized: true }, 'maximize'),
    isMaximized: () => state.isMaximized,
    isDestroyed: () => state.isGone,
    getNormalBounds: () => ({ ...bounds }),
    setBounds: (part: Partial<Rectangle>) => void Object.assign(bounds, part),
    /** There is no title bar here to be coloured. */
    setTitleBarOverlay: (overlay: object) => onlyKnown('setTitleBarOverlay', overlay, ['color', 'symbolColor', 'height']),
    close: () => void close(),
  } satisfies Members<ElectronWindow>)

  /** True once it is gone; false when the app wants it to stay. */
  async function close(): Promise<boolean> {
    if (state.isGone) return true
    const event = cancellable({})
    members.emit('close', event)
    if (event.defaultPrevented) return false
    await contents.close()
    await closed.promise
    return true
  }

  let isShown = false
  contents.on('shown', () => {
    if (!isShown) members.emit('ready-to-show')
    isShown = true
  })
  contents.on('close', () => void close())
  contents.on('gone', () => {
    state.isGone = true
    all.delete(id)
    members.emit('closed')
    closed.resolve()
    if (all.size > 0) return
    if (app.listenerCount('window-all-closed') > 0) app.emit('window-all-closed')
    else app.quit()
  })
  const window = { members: members as unknown as ElectronWindow, close }
  all.set(id, window)
  app.emit('browser-window-created', {}, window.members)
  return window
}

function construct(this: unknown, given: BrowserWindowConstructorOptions = {}): ElectronWindow {
  return createWindow(given).members
}

export const BrowserWindow = strict(
  'BrowserWindow',
  Object.assign(construct, {
    getAllWindows: () => [...all.values()].map(({ members }) => members),
    fromId: (id: number) => all.get(id)?.members ?? null,
    fromWebContents: (contents: { id: number }) => all.get(contents.id)?.members ?? null,
  } satisfies Partial<typeof ElectronWindow>),
)
