import type { KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { AuthContext, Connection, ServerConfig } from 'ssh2'
import { createAuthentication, type Person } from './authentication.ts'
import { silentChannelRequests, silentGlobalRequests } from './channel-rules.ts'
import { isStrict, observe } from './ssh-internals.ts'
import { hostKeyPem } from './ssh-keys.ts'
import { algorithms, ident, prepareLeg, rekeyAfter, ssh2 } from './ssh-tuning.ts'

/**
 * The SSH server on one control leg. It owns algorithms, keys, re-keying, and the rule that what nobody handles is refused and told;
 * what a channel does is `channels.ts`.
 */
export type SshConnectionOptions = {
  leg: Duplex
  hostKey: KeyObject | string
  person: Person
  /** Once, when both levels of authentication hold. */
  onReady(connection: Connection): void
  /** A request that is refused because nothing here answers it. `detail` is the client's own text. */
  onRefused(what: string, detail?: string): void
  signal: AbortSignal
  /** For tests; the real limits otherwise. */
  limits?: Partial<SshLimits>
}
export type SshLimits = { authenticationMs: number; rekeyBytes: number; rekeyMs: number; maxChannels: number }

/** `goodbye`: the client said so; `lost`: it is simply gone; `refused`: it never got through authentication, or broke the protocol. */
export type SshEnd = 'goodbye' | 'lost' | 'refused'

const sshLimits: SshLimits = { authenticationMs: 20_000, rekeyBytes: rekeyAfter.bytes, rekeyMs: rekeyAfter.ms, maxChannels: 64 }
const byApplication = 11
const longestTimerMs = 2 ** 31 - 1
const lingerMs = 1_000

/** Resolves when the leg is closed. An abort says goodbye and closes it. */
export function serveSsh(options: SshConnectionOptions): Promise<SshEnd> {
  const { leg, hostKey, signal } = options
  const limits = { ...sshLimits, ...options.limits }
  const config: ServerConfig = {
    hostKeys: [hostKeyPem(hostKey)],
    ident,
    // The types want mutable arrays of every algorithm's literal name.
    algorithms: structuredClone(algorithms) as unknown as NonNullable<ServerConfig['algorithms']>,
    // The link knows whether the other end is there, and waits for it longer than SSH would. ssh2's servers take 0 for their own 15 s: the longest that a timer holds.
    keepaliveInterval: longestTimerMs,
  }
  const { promise, resolve } = Promise.withResolvers<SshEnd>()
  const state: State = { ready: false, goodbye: false, broken: false, count: () => undefined }
  const server = new ssh2.Server(config, (connection) => {
    try {
      attach(connection, { ...options, limits }, state)
    } catch {
      state.broken = true
      leg.destroy()
    }
  })
  server.on('error', () => leg.destroy())
  const tooLate = setTimeout(() => {
    if (!state.ready) leg.destroy()
  }, limits.authenticationMs)
  const stop = () => void setTimeout(() => leg.destroy(), 300)
  signal.addEventListener('abort', stop, { once: true })
  leg.once('close', () => {
    clearTimeout(tooLate)
    signal.removeEventListener('abort', stop)
    resolve(state.goodbye ? 'goodbye' : state.ready && !state.broken ? 'lost' : 'refused')
  })
  // The other end has said its last byte; half a connection is none.
  leg.once('end', () => leg.end())
  // Having said our own last byte we wait for the peer's, for a while.
  leg.once('finish', () => setTimeout(() => leg.destroy(), lingerMs).unref())
  if (signal.aborted) leg.destroy()
  // ssh2 asks for a socket and uses what every duplex stream has.
  server.injectSocket(prepareLeg(leg, (bytes) => state.count(bytes)) as never)
  return promise
}

type State = {
  ready: boolean
  goodbye: boolean
  broken: boolean
  /** Octets of the leg, for re-keying. */
  count(bytes: number): void
}

function attach(connection: Connection, options: SshConnectionOptions & { limits: SshLimits }, state: State): void {
  const { leg, person, onReady, onRefused, signal, limits } = options
  const rekey = createRekeying(connection, limits)
  const breakOff = () => {
    state.broken = true
    connection.end()
  }
  observe(connection, {
    channelOpen: ({ type }) => {
      if (!state.ready || type === 'session') return true
      onRefused(type)
      return true
    },
    channelRequest: (type, data) => {
      if (!answered.has(type) && !silentChannelRequests.has(type)) onRefused(type, textOf(data))
    },
    globalRequest: (name) => {
      if (state.ready && !silentGlobalRequests.has(name)) onRefused(name)
    },
    disconnect: (reason) => {
      state.goodbye = state.ready && reason === byApplication
    },
    violation: (what) => {
      onRefused(`protocol-violation ${what}`)
      breakOff()
    },
  })
  const authenticate = createAuthentication(person)
  connection.on('authentication', (context) => {
    const verdict = isStrict(connection) ? decide(context, authenticate) : 'over'
    if (verdict === 'over') breakOff()
  })
  connection.on('ready', () => {
    state.ready = true
    state.count = rekey.count
    // A second listener beside ssh2's own, which has been reading since before this.
    leg.on('data', (chunk: Buffer) => rekey.count(chunk.length))
    rekey.start()
    onReady(connection)
  })
  // Errors of a connection are told by its end; what they say is the client's text and of no use here.
  connection.on('error', () => undefined)
  const goodbye = () => connection.end()
  signal.addEventListener('abort', goodbye, { once: true })
  leg.once('close', () => {
    rekey.stop()
    signal.removeEventListener('abort', goodbye)
  })
}

/** Handled, or refused with its own words, in `channels.ts`. */
const answered: ReadonlySet<string> = new Set(['pty-req', 'window-change', 'env', 'shell', 'exec', 'subsystem'])

function textOf(data: unknown): string | undefined {
  return typeof data === 'string' ? data : undefined
}

function decide(context: AuthContext, authenticate: ReturnType<typeof createAuthentication>): ReturnType<typeof authenticate> {
  const { method, username } = context
  const key = method === 'publickey' ? { key: context.key, signature: context.signature, blob: context.blob } : {}
  const verdict = authenticate({ method, username, ...key })
  if (verdict === 'accepted' || verdict === 'usable') context.accept()
  else if (verdict !== 'over') context.reject(['publickey'], verdict === 'partial')
  return verdict
}

/** Both directions change keys together (RFC 4253 section 9). */
function createRekeying(connection: Connection, { rekeyBytes, rekeyMs }: SshLimits) {
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  const renew = () => {
    bytes = 0
    connection.rekey()
  }
  return {
    count(more: number) {
      bytes += more
      // Not in this turn: ssh2 may be in the middle of writing a packet.
      if (bytes >= rekeyBytes && bytes - more < rekeyBytes) setImmediate(renew)
    },
    start() {
      timer = setInterval(renew, rekeyMs)
    },
    stop() {
      clearInterval(timer)
    },
  }
}
