import { homedir } from 'node:os'
import { join } from 'node:path'
import type { App, CommandLine } from 'electron'
import { appendSwitch, startChromium, stopChromium, switches } from './chromium.ts'
import { takeInstanceLock } from './single-instance.ts'
import { cancellable, type Members, notImplemented, strict, strictEmitter } from './strict.ts'

type BootFacts = { appPath: string; manifest: { name?: string; productName?: string; version?: string }; isPackaged?: boolean }

/** What the windows tell the app: how many there are, and whether all could be closed. */
export const windows = { count: () => 0, closeAll: async () => true }

let facts: BootFacts = { appPath: '', manifest: {} }
let isReady = false
let isQuitting = false
let isExiting = false
let lock: ReturnType<typeof takeInstanceLock> = null
const ready = Promise.withResolvers<void>()
const paths = new Map<string, string>()
const events = ['ready', 'web-contents-created', 'browser-window-created', 'second-instance', 'window-all-closed', 'before-quit', 'will-quit', 'quit']

export const app = strictEmitter('app', { emits: events, never: ['activate'] }, {
  get isPackaged() {
    return facts.isPackaged ?? false
  },
  commandLine: strict('app.commandLine', {
    appendSwitch,
    hasSwitch: (name: string) => switches.has(name),
    getSwitchValue: (name: string) => switches.get(name) ?? '',
  } satisfies Partial<CommandLine>) as CommandLine,
  whenReady: () => ready.promise,
  isReady: () => isReady,
  getVersion: () => facts.manifest.version ?? '',
  getAppPath: () => facts.appPath,
  getLocale: () => switches.get('lang') || Intl.DateTimeFormat().resolvedOptions().locale,
  getPath(name: string) {
    if (name !== 'userData') return notImplemented(`app.getPath('${name}')`)
    return paths.get(name) ?? join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), facts.manifest.productName ?? facts.manifest.name ?? 'Electron')
  },
  setPath(name: string, path: string) {
    paths.set(name, path)
  },
  /** Every window here is sandboxed, or refused. */
  enableSandbox() {
    if (isReady) throw new Error('app.enableSandbox() can only be called before app is ready')
  },
  requestSingleInstanceLock() {
    lock ??= takeInstanceLock(app.getPath('userData'), ({ argv, folder }) => app.emit('second-instance', {}, argv, folder, undefined))
    return lock !== null
  },
  releaseSingleInstanceLock() {
    lock?.release()
    lock = null
  },
  quit() {
    void quit()
  },
  exit(code = 0) {
    void exit(code)
  },
} satisfies Members<App>)

async function quit(): Promise<void> {
  if (isQuitting) return
  const before = cancellable({})
  app.emit('before-quit', before)
  if (before.defaultPrevented) return
  isQuitting = true
  const areClosed = await windows.closeAll()
  const will = cancellable({})
  if (areClosed) app.emit('will-quit', will)
  if (areClosed && !will.defaultPrevented) await exit(0)
  isQuitting = false
}

async function exit(code: number): Promise<void> {
  if (isExiting) return
  isExiting = true
  app.emit('quit', {}, code)
  lock?.release()
  setTimeout(() => process.exit(code), 2_000)
  await stopChromium()
  process.exit(code)
}

/** Called once, before the app's own script; Chromium starts when that has run, with the switches that it added. */
export function boot(given: BootFacts): void {
  facts = given
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())
  setImmediate(() => {
    startChromium(app.getPath('userData'), chromiumGone).then(
      () => {
        isReady = true
        app.emit('ready', {}, {})
        ready.resolve()
      },
      (error: unknown) => {
        console.error('electron stand-in: Chromium did not start:', error)
        process.exit(71)
      },
    )
  })
}

function chromiumGone(): void {
  if (isExiting || windows.count() === 0) return
  console.error('electron stand-in: Chromium is gone')
  process.exit(71)
}
