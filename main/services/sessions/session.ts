import type { Duplex } from 'node:stream'
import { type EndCause, requestLimits } from '@gantry/shared/access-request.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import { AppError, type Failure } from '@gantry/shared/errors.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import type { Hash, LegName } from '@gantry/shared/ticket.ts'
import type { Client, ClientChannel } from 'ssh2'
import type { SessionMirror } from '../audit/session-mirror.ts'
import type { ApprovedRequest } from '../requests/request-run.ts'
import type { Session, Terminal } from '../services.ts'
import { openExec, openShell, runAction } from './channels.ts'
import { failureOfEnd } from './end-cause.ts'
import { createFiles } from './files.ts'
import type { SessionChannel } from './session-channel.ts'
import type { NetworkView } from './session-network.ts'
import { createTerminal } from './terminal.ts'

export type OwnSession = Session & {
  terminal(id: string): Terminal | null
  fromServer(event: AuditEvent): void
  /** Closes everything for this cause. The first one counts. */
  finish(cause: EndCause): void
  /** The device has named this cause and will close by itself; if it does not, it is closed here. */
  ending(cause: EndCause): void
  /** What carries it now; what has moved. */
  change(part: NetworkView | Pick<SessionView, 'used'>): void
}
export type SessionParts = {
  approved: ApprovedRequest
  client: Client
  channel: SessionChannel
  mirror: SessionMirror
  view: SessionView
  joinLeg: (leg: LegName, signal?: AbortSignal) => Promise<Duplex>
  nextTerminalId: () => string
  /** Of the terminal that was waited for. */
  shell: Promise<ClientChannel> | null
  onChange: (view: SessionView) => void
  /** Before the connection goes: the heads of both logs, once more. */
  beforeEnd: () => Promise<void>
}

const endTimeoutMs = 3_000
/** The device asks a person, and gives up by itself. */
const askTimeMs = (requestLimits.answerSeconds + 15) * 1_000
/** The device ends a session on time; where it cannot say so, this end closes by itself. */
const overdueMs = 30_000

/** An open session: its channels, its legs and its end. */
export function createSession(parts: SessionParts): OwnSession {
  const { approved, client, channel, mirror } = parts
  const ended = Promise.withResolvers<{ cause: EndCause; failure: Failure | null }>()
  const terminals = new Map<string, ReturnType<typeof createTerminal>>()
  const controlLegs = new Set<Duplex>()
  let view = parts.view

  const requireOpen = () => {
    if (view.state === 'ended') throw new AppError('session.ended', { details: { cause: view.endCause ?? 'specialist' } })
  }
  const joinFilesLeg = async (own: Hash) => {
    requireOpen()
    const { leg, certificate } = await channel.call('leg.open', { kind: 'files', certificate: own })
    if (certificate === null) throw new AppError('leg.refused', { details: { what: 'certificate' } })
    return { stream: await parts.joinLeg(leg), certificate }
  }
  const files = createFiles(joinFilesLeg)

  const finish = (cause: EndCause) => {
    if (view.state === 'ended') return
    const failure = failureOfEnd(cause)
    mirror.end()
    clearTimeout(timeOver)
    view = { ...view, state: 'ended', endedMs: Date.now(), endCause: cause, failure, auditVerified: mirror.activity().verified }
    files.close()
    for (const terminal of terminals.values()) terminal.end({ code: 'session.ended', details: { cause } })
    for (const leg of controlLegs) leg.destroy()
    channel.close()
    client.end()
    parts.onChange(view)
    ended.resolve({ cause, failure })
  }
  const watchEnd = () => setTimeout(() => finish('time'), Math.max(0, view.endsMs - Date.now()) + overdueMs).unref()
  let timeOver = watchEnd()
  const change = (part: Partial<SessionView>) => {
    if (view.state === 'ended') return
    view = { ...view, ...part }
    parts.onChange(view)
  }
  const ending = (cause: EndCause) => {
    setTimeout(finish, endTimeoutMs, cause).unref()
    void parts.beforeEnd().finally(() => finish(cause))
  }

  const keep = (shell: ClientChannel) => {
    const terminal = createTerminal(parts.nextTerminalId(), approved.own.payload.id, shell)
    terminals.set(terminal.id, terminal)
    void terminal.closed.then(() => terminals.delete(terminal.id))
    return terminal
  }
  let ready = parts.shell?.then(keep, () => null)
  /** The one that was waited for is the first one's; where it could not be opened, the next try says why. */
  const takeReady = () => {
    const one = ready
    ready = undefined
    return one
  }

  return {
    requestId: approved.own.payload.id,
    username: approved.keys.payload.username,
    hostKey: approved.hostKey,
    directions: { put: approved.ticket.limits.files.toDevice, get: approved.ticket.limits.files.fromDevice },
    files,
    ended: ended.promise,
    finish,
    ending,
    change,
    view: () => ({ ...view, auditVerified: mirror.activity().verified }),
    activity: mirror.activity,
    fromServer: mirror.fromServer,
    terminal: (id) => terminals.get(id) ?? null,
    async openTerminal(options) {
      requireOpen()
      const ready = await takeReady()
      ready?.resize(options.columns, options.rows)
      return ready ?? keep(await openShell(client, options))
    },
    async exec(command, { signal } = {}) {
      requireOpen()
      return openExec(client, command, signal)
    },
    async runAction(name, input, { signal } = {}) {
      requireOpen()
      return runAction(client, name, input, signal)
    },
    async openControlLeg({ signal } = {}) {
      requireOpen()
      const { leg } = await channel.call('leg.open', { kind: 'control' })
      const stream = await parts.joinLeg(leg, signal)
      controlLegs.add(stream)
      stream.once('close', () => controlLegs.delete(stream))
      return stream
    },
    async askTime(minutes) {
      requireOpen()
      if (view.asksMinutes !== null) throw new AppError('session.time-asked')
      change({ asksMinutes: minutes })
      try {
        const { endsAt } = await channel.call('time.ask', { minutes }, askTimeMs)
        change({ endsMs: endsAt })
        clearTimeout(timeOver)
        timeOver = watchEnd()
      } finally {
        change({ asksMinutes: null })
      }
    },
    async askRestricted() {
      requireOpen()
      const { restricted } = view
      if (restricted.state === 'asked') throw new AppError('session.restricted-asked')
      change({ restricted: { ...restricted, state: 'asked' } })
      let state = restricted.state
      try {
        await channel.call('restricted.ask', {}, askTimeMs)
        state = 'open'
      } finally {
        change({ restricted: { ...restricted, state } })
      }
    },
    async end() {
      if (view.state === 'ended') return
      await parts.beforeEnd()
      await channel.call('session.end', {}, endTimeoutMs).catch(() => undefined)
      finish('specialist')
    },
  }
}
