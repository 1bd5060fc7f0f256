import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Calls } from '@gantry/shared/ipc.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import { windowWords } from '@gantry/shared/words/window.ts'
import type { Emit } from './app-events.ts'
import { listLocal, makeLocalFolder } from './local-files.ts'
import type { Desktop, Services, ServicesOptions } from './services.ts'
import { writeSupportBundle } from './support-bundle.ts'
import type { Comparisons } from './transfers/comparisons.ts'

type Parts = Pick<Services, 'lock' | 'signIn' | 'keys' | 'devices' | 'cases' | 'requests' | 'sessions' | 'transfers' | 'updates' | 'audit' | 'settings'> & {
  comparisons: Comparisons
  options: ServicesOptions
  emit: Emit
  logPath: string | null
}

/** Its pane is drawn when the session is there, and tells its size then. */
const beforeItsPane = { columns: 80, rows: 24 } as const

/** What the window may ask: one thin function per call of `shared/ipc.ts`. */
export function createCallHandlers({
  lock,
  signIn,
  keys,
  devices,
  cases,
  requests,
  sessions,
  transfers,
  comparisons,
  updates,
  audit,
  settings,
  options,
  emit,
  logPath,
}: Parts): Handlers<Calls, unknown> {
  return {
    'app.describe': () => ({
      ...options.about,
      platform: process.platform === 'darwin' || process.platform === 'win32' ? process.platform : 'linux',
      mainServer: options.mainServer,
      settings: settings.read(),
      signIn: signIn.state(),
      lock: lock.state(),
    }),
    'app.notify': ({ requestId, what }) => {
      const device = requests.list().find((one) => one.requestId === requestId)?.device ?? sessions.get(requestId).view().device
      const { language, noticeSound } = settings.read()
      const { shell, ui } = windowWords[language]
      options.showNotice?.({ title: ui.appName, body: shell[what](device.name), silent: !noticeSound })
      return { shown: options.showNotice !== undefined }
    },
    'app.support-bundle': () => writeSupportBundle({ ...{ signIn, keys, requests, sessions, transfers, audit, settings, options, logPath }, now: Date.now }),
    'settings.change': (part) => settings.change(part),
    'sign-in.start': () => {
      // The window follows `sign-in.changed`, which carries the failure too.
      void signIn.start().catch(() => undefined)
      return {}
    },
    'sign-in.cancel': () => done(signIn.cancel()),
    'lock.touch': () => done(lock.touch()),
    'lock.open': async () => done(await lock.open()),
    'sign-in.out': async () => done(await signIn.out()),
    'sign-in.end-elsewhere': async ({ place }) => done(await signIn.endElsewhere(place)),

    'keys.status': () => keys.status(),
    'keys.create': ({ pin }) => keys.create(pin),
    'keys.request': async () => ({ request: await keys.request() }),

    'device.list': () => devices.list(),
    'device.show': ({ deviceId }) => devices.show(deviceId),

    'request.start': async ({ pin, ...input }) => {
      const terminal = includesLevel(input.access, 'os') ? beforeItsPane : undefined
      return { requestId: (await requests.ask(input, { pin, terminal })).requestId }
    },
    'request.cancel': async ({ requestId }) => done(await requests.cancel(requestId)),
    'request.list': () => ({ requests: requests.list() }),
    'history.list': async () => ({ requests: await requests.history() }),

    'case.list': async () => ({ cases: await cases.list() }),
    'case.colleagues': async (key) => ({ colleagues: await cases.colleagues(key) }),
    'case.escalate': ({ to, reason, ...key }) => cases.escalate(key, { to, reason }),
    'case.close': ({ resolution, ...key }) => cases.close(key, resolution),

    'session.list': () => ({ sessions: sessions.list() }),
    'session.ask-restricted': async ({ requestId }) => done(await sessions.get(requestId).askRestricted()),
    'session.ask-time': async ({ requestId, minutes }) => done(await sessions.get(requestId).askTime(minutes)),
    'session.end': async ({ requestId }) => done(await sessions.get(requestId).end()),
    'session.activity': ({ requestId }) => sessions.get(requestId).activity(),

    'terminal.open': async ({ requestId, columns, rows }) => {
      const terminal = await sessions.get(requestId).openTerminal({ columns, rows })
      const { id: terminalId } = terminal
      // After this answer: the window learns the terminal's id before its first bytes.
      setImmediate(() => terminal.onData((data) => emit('terminal.data', { terminalId, data })))
      void terminal.closed.then(({ exitCode, failure }) => emit('terminal.closed', { terminalId, exitCode, failure }))
      return { terminalId }
    },
    'terminal.write': ({ terminalId, data }) => done(sessions.terminal(terminalId).write(data)),
    'terminal.resize': ({ terminalId, columns, rows }) => done(sessions.terminal(terminalId).resize(columns, rows)),
    'terminal.drawn': ({ terminalId, characters }) => done(sessions.terminal(terminalId).drawn(characters)),
    'terminal.close': ({ terminalId }) => done(sessions.terminal(terminalId).close()),

    'action.run': async ({ requestId, action, input }) => ({ output: await sessions.get(requestId).runAction(action, input) }),

    'local.list': ({ path }) => listLocal(path),
    'local.make-folder': async ({ path }) => done(await makeLocalFolder(path)),
    'remote.list': ({ requestId, path }) => sessions.get(requestId).files.call('files.list', { path }),
    'remote.make-folder': async ({ requestId, path }) => done(await sessions.get(requestId).files.call('files.make-folder', { path })),
    'remote.rename': async ({ requestId, from, to }) => done(await sessions.get(requestId).files.call('files.rename', { from, to })),
    'remote.delete': async ({ requestId, path }) => done(await sessions.get(requestId).files.call('files.delete', { path })),

    'transfer.start': (input) => transfers.start(input),
    'transfer.cancel': ({ transferId }) => done(transfers.cancel(transferId)),
    'transfer.pause': ({ transferId, paused }) => done(paused ? transfers.pause(transferId) : transfers.resume(transferId)),
    'transfer.list': () => ({ transfers: transfers.list(), failure: transfers.unread() }),
    'transfer.forget': ({ transferIds }) => done(transfers.forget(transferIds)),
    'transfer.place': async ({ transferId }) => ({ path: await transfers.place(transferId) }),
    'transfer.show': async ({ transferId }) => done(desktopOf(options).show(await transfers.place(transferId))),
    'transfer.drag': async ({ transferIds }) => {
      const desktop = desktopOf(options)
      return { started: desktop.drag(await Promise.all(transferIds.map(transfers.place))) }
    },

    'compare.start': (input) => comparisons.start(input),
    'compare.stop': ({ requestId }) => done(comparisons.stop(requestId)),
    'compare.apply': (input) => comparisons.apply(input),

    'update.status': () => updates.status(),
    'update.check': () => updates.check(),
    'update.download': () => updates.download(),
    'update.cancel': () => updates.cancel(),
    'update.install': () => updates.install(),
    'update.postpone': () => updates.postpone(),

    'audit.verify': () => audit.verify(),
  }
}

function desktopOf({ desktop }: ServicesOptions): Desktop {
  if (!desktop) throw new AppError('transfer.no-desktop')
  return desktop
}

/** The answer of a call that has nothing to tell. */
function done(_: unknown): Record<string, never> {
  return {}
}
