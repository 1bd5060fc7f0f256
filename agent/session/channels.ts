import type { AccessLevel } from '@gantry/shared/profile.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import type { AcceptConnection, Connection, PseudoTtyInfo, RejectConnection, ServerChannel, Session } from 'ssh2'
import { type ChannelRequest, isHarmlessEnvironment, isTerminalType, judgeChannel, type Opening } from './channel-rules.ts'
import type { SessionRecord } from './record.ts'

/**
 * The session channels of one SSH connection: each collects a terminal's size and a locale, and then starts exactly one thing, if the access level
 * holds it. Whatever is refused is audited and shown (`record.refuse`).
 */
export type ChannelStart = { channel: ServerChannel; command: string; pty: PtyRequest | null; locale: Record<string, string> }
export type PtyRequest = { term: string; cols: number; rows: number }
/** What a started channel may be told later on. */
export type Started = { resize?(cols: number, rows: number): void }
/** One function per opening. `announce` writes the event, before the channel is accepted; it throws when it cannot. */
export type Openers = Record<Opening, { announce(start: Omit<ChannelStart, 'channel'>): void; start(start: ChannelStart): Started }>

export type ChannelsOptions = { connection: Connection; level: AccessLevel; leg: 'first' | 'joined'; record: SessionRecord; openers: Openers }

const maxChannels = 64
const maxLocale = 20

export function serveChannels({ connection, ...options }: ChannelsOptions): void {
  let open = 0
  connection.on('session', (accept, reject) => {
    if (open >= maxChannels) {
      options.record.refuse('session', 'too many channels')
      return reject()
    }
    open += 1
    const session = accept()
    session.on('close', () => {
      open -= 1
    })
    serveChannel(session, options)
  })
}

type Options = Omit<ChannelsOptions, 'connection'>
type State = { pty: PtyRequest | null; locale: Record<string, string>; started: Started | null; taken: boolean }
type Reply = (() => void) | undefined

function serveChannel(session: Session, options: Options): void {
  const { level, leg, record } = options
  const state: State = { pty: null, locale: {}, started: null, taken: false }
  const start = (request: ChannelRequest, command: string, accept: AcceptConnection<ServerChannel>, reject: Reply) => {
    const opening = state.taken ? null : judgeChannel(level, request)
    if (opening) return open(opening, { command, state, openers: options.openers }, accept, reject)
    record.refuse(request.type, command || undefined)
    reject?.()
  }
  session.on('pty', (accept: Reply, reject: Reply, info: PseudoTtyInfo & { term: string }) => {
    if (!includesLevel(level, 'application') || !isTerminalType(info.term)) {
      record.refuse('pty-req', info.term)
      return reject?.()
    }
    state.pty = { term: info.term, cols: info.cols, rows: info.rows }
    accept?.()
  })
  session.on('window-change', (accept: Reply, _reject: Reply, { cols, rows }: { cols: number; rows: number }) => {
    if (state.pty) Object.assign(state.pty, { cols, rows })
    state.started?.resize?.(cols, rows)
    accept?.()
  })
  session.on('env', (accept: Reply, reject: Reply, { key, val }: { key: string; val: string }) => {
    if (!isHarmlessEnvironment(key, val) || Object.keys(state.locale).length >= maxLocale) {
      record.refuse('env', key)
      return reject?.()
    }
    state.locale[key] = val
    accept?.()
  })
  session.on('shell', (accept, reject) => start({ type: 'shell', pty: state.pty !== null }, '', accept, reject))
  session.on('exec', (accept, reject, { command }) => start({ type: 'exec', pty: state.pty !== null }, command, accept, reject))
  // Without a listener for `sftp` ssh2 hands that one over here too, as a plain channel; its own SFTP server is not used.
  session.on('subsystem', (accept, reject, { name }) => start({ type: 'subsystem', name, leg }, name, accept, reject))
}

type Opened = { command: string; state: State; openers: Openers }

function open(opening: Opening, { command, state, openers }: Opened, accept: AcceptConnection<ServerChannel>, reject: RejectConnection | undefined): void {
  state.taken = true
  const what = { command, pty: state.pty, locale: state.locale }
  try {
    openers[opening].announce(what)
  } catch {
    // The audit could not be written; the session is ending already.
    return reject?.()
  }
  const channel = accept() as ServerChannel | undefined
  if (channel) state.started = openers[opening].start({ ...what, channel })
}
