import type {
  Dialog,
  Display,
  Menu as ElectronMenu,
  Notification as ElectronNotification,
  NativeTheme,
  NotificationConstructorOptions,
  PowerMonitor,
  Screen,
  Shell,
} from 'electron'
import { type Members, notImplemented, onlyKnown, strict, strictEmitter } from './strict.ts'

/** What the desktop around the app has. Nobody sits there: a page that is handed over, a menu, a message are told on stderr or stop the process. */
export const shell = strict('shell', {
  openExternal: async (url: string) => notImplemented(`shell.openExternal without a desktop (${url}): a test puts its own in its place`),
  showItemInFolder: (path: string) => notImplemented(`shell.showItemInFolder without a desktop (${path}): a test puts its own in its place`),
} satisfies Members<Shell>)

export const dialog = strict('dialog', {
  showErrorBox(title: string, content: string) {
    process.stderr.write(`${title}\n${content}\n`)
  },
} satisfies Members<Dialog>)

export const Menu = strict('Menu', {
  setApplicationMenu(menu: ElectronMenu | null) {
    if (menu) notImplemented('a menu')
  },
} satisfies Partial<typeof ElectronMenu>)

let themeSource: NativeTheme['themeSource'] = 'system'
export const nativeTheme = strictEmitter('nativeTheme', { emits: ['updated'] }, {
  get themeSource() {
    return themeSource
  },
  set themeSource(source: NativeTheme['themeSource']) {
    themeSource = source
    nativeTheme.emit('updated')
  },
  get shouldUseDarkColors(): boolean {
    return themeSource === 'dark'
  },
} satisfies Members<NativeTheme>)

const workArea = { x: 0, y: 0, width: 1920, height: 1080 }
export const screen = strictEmitter('screen', { emits: [] }, {
  getAllDisplays: () => [strict('display', { id: 1, bounds: workArea, workArea, scaleFactor: 1 }) as Display],
} satisfies Members<Screen>)

/** A test emits these in its own name, as it does with Electron. */
export const powerMonitor = strictEmitter('powerMonitor', { emits: ['lock-screen', 'suspend'] }, {} satisfies Members<PowerMonitor>)

/** A notice that nobody sees; who shows it hears that it was shown, and a test may press it. */
function notice(this: unknown, options: NotificationConstructorOptions): object {
  onlyKnown('Notification', options, ['title', 'body', 'silent'])
  const members = strictEmitter('Notification', { emits: ['show', 'click', 'close'] }, {
    show: () => void members.emit('show', {}),
  } satisfies Members<ElectronNotification>)
  return members
}
export const Notification = strict('Notification', Object.assign(notice, { isSupported: () => true } satisfies Partial<typeof ElectronNotification>))
