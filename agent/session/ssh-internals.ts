import type { Connection, ServerChannel } from 'ssh2'

/**
 * What ssh2 1.17.0 keeps to itself and a guarded server cannot do without. Its version is pinned exactly; whatever is missing here stops the
 * connection before a byte is answered (fail closed), and a test says so.
 *
 * Why each is needed:
 * - ssh2 refuses what it does not know without telling anybody, and every refusal must be audited: its message handlers are observed.
 * - it does not check that a client keeps to the window it was given, nor that the packet size the client names is not 0 (an endless loop in
 *   `Channel._write`), nor whether strict key exchange was agreed on.
 * - a clean goodbye (SSH_MSG_DISCONNECT) and a lost connection look the same from outside.
 */
export type ChannelOpen = { type: string; sender: number; window: number; packetSize: number }
export type Observer = {
  /** Return false to refuse before ssh2 looks at it. */
  channelOpen(open: ChannelOpen): boolean
  channelRequest(type: string, data: unknown): void
  globalRequest(name: string): void
  disconnect(reason: number): void
  /** The client broke the protocol in a way that ssh2 lets pass. */
  violation(what: string): void
}

type Handlers = Record<string, (protocol: unknown, ...rest: never[]) => void>
type Internals = {
  _protocol: { _handlers: Handlers; _strictMode: boolean | undefined; channelOpenFail(recipient: number, reason: number, text: string): void }
  _chanMgr: { get(id: number): InternalChannel | { _channel?: InternalChannel } | undefined }
}
type InternalChannel = { incoming?: { window: number } }

/** RFC 4254 section 5.1 and 5.2. The packets that we send fit into ssh2's own size, whatever more a client would take. */
const minPacketBytes = 1_024
const maxPacketBytes = 32_768
const administrativelyProhibited = 1

export function observe(connection: Connection, observer: Observer): void {
  const { _protocol: protocol, _chanMgr: channels } = internalsOf(connection)
  const handlers = protocol._handlers
  const before = <A extends unknown[]>(name: string, look: (...rest: A) => boolean | undefined) => {
    const handle = handlers[name] as ((protocol: unknown, ...rest: A) => void) | undefined
    if (!handle) throw new Error(`ssh2 has no handler for ${name}`)
    handlers[name] = ((from: unknown, ...rest: A) => {
      if (look(...rest) !== false) handle(from, ...rest)
    }) as unknown as Handlers[string]
  }
  before('CHANNEL_OPEN', (open: ChannelOpen) => {
    if (open.packetSize < minPacketBytes) {
      observer.violation('packet-size')
      return false
    }
    open.packetSize = Math.min(open.packetSize, maxPacketBytes)
    if (observer.channelOpen(open)) return true
    protocol.channelOpenFail(open.sender, administrativelyProhibited, '')
    return false
  })
  before('CHANNEL_REQUEST', (_recipient: number, type: string, _wantReply: boolean, data: unknown) => {
    observer.channelRequest(type, data)
    return true
  })
  before('GLOBAL_REQUEST', (name: string) => {
    observer.globalRequest(name)
    return true
  })
  before('CHANNEL_DATA', (recipient: number, data: Buffer) => {
    const known = channels.get(recipient)
    const channel = known && '_channel' in known && known._channel ? known._channel : known
    const window = channel && 'incoming' in channel ? channel.incoming?.window : undefined
    if (window !== undefined && data.length > window) {
      observer.violation('window')
      return false
    }
    return true
  })
  before('DISCONNECT', (reason: number) => {
    observer.disconnect(reason)
    return true
  })
}

/** True when both sides agreed on strict key exchange (the answer to Terrapin, CVE-2023-48795). To be asked once keys are exchanged. */
export function isStrict(connection: Connection): boolean {
  return internalsOf(connection)._protocol._strictMode === true
}

function internalsOf(connection: Connection): Internals {
  const { _protocol: protocol, _chanMgr: channels } = connection as unknown as Partial<Internals>
  const complete = typeof protocol?._handlers === 'object' && typeof protocol.channelOpenFail === 'function' && typeof channels?.get === 'function'
  if (!complete || !protocol || !channels) throw new Error('this ssh2 is not the one that was looked into')
  return { _protocol: protocol, _chanMgr: channels }
}

/**
 * ssh2 never forgets the last chunk that waited for the window, and sends it again when standard error waits later on (its server.js, CHANNEL_WINDOW_ADJUST).
 * To be called between two writes, of which only one may be under way per channel.
 */
export function forgetWaiting(channel: ServerChannel): void {
  Object.assign(channel, { _chunk: undefined, _chunkcb: undefined, _chunkErr: undefined, _chunkcbErr: undefined })
}
