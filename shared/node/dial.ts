import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import { tlsPolicy } from './tls.ts'

/** Where to, and as whom. */
export type DialTarget = {
  host: string
  port: number
  /** PEM of our own certificate and key, where the peer asks for one. */
  cert?: string | undefined
  key?: string | undefined
  /** A TLS session to resume. */
  session?: Buffer | undefined
  /** For all hops together. 10,000 unless told otherwise. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** True for a tunnel, whose two directions end one by one. */
  allowHalfOpen?: boolean | undefined
}
export type Hop = 'dns' | 'tcp' | 'tls'

/**
 * Every outbound connection of agent and client: polls, tunnels, sign-in (architecture 3.2). One is made per process, and handed to whoever connects.
 * Errors: `server.unreachable {host, port, hop, reason}` says how far it came; `server.identity-wrong {host, issuer}` says who else answered (a proxy that opens TLS).
 * An abort throws the signal's reason.
 */
export type Dial = (target: DialTarget) => Promise<TLSSocket>

export type DiallerOptions = {
  /** PEM of the one CA that may vouch for a server; the system's trust store is not asked (R042). */
  ca: string
}

export function createDialler(options: DiallerOptions): Dial {
  return (target) => dial(target, options)
}

async function dial(target: DialTarget, { ca }: DiallerOptions): Promise<TLSSocket> {
  const { host, port, timeoutMs = 10_000, allowHalfOpen = false, signal } = target
  signal?.throwIfAborted()
  const timeout = AbortSignal.timeout(timeoutMs)
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout
  let hop: Hop = 'dns'
  let open: Socket | TLSSocket | undefined
  try {
    const address = isIP(host) ? host : (await abortable(lookup(host), stop)).address
    hop = 'tcp'
    open = connectTcp({ host: address, port, noDelay: true, allowHalfOpen })
    await opened(open, 'connect', stop)
    hop = 'tls'
    const socket = secure(open, target, ca)
    open = socket
    await opened(socket, 'secureConnect', stop)
    requireIdentity(socket, host)
    signal?.throwIfAborted()
    return socket
  } catch (error) {
    open?.destroy()
    signal?.throwIfAborted()
    throw error instanceof AppError ? error : explain(error, { host, port, hop, timedOut: timeout.aborted })
  }
}

function secure(socket: Socket, { host, cert, key, session }: DialTarget, ca: string): TLSSocket {
  return connectTls({
    socket,
    ca,
    ...(cert && key ? { cert, key } : {}),
    ...(session ? { session } : {}),
    // SNI carries names only (RFC 6066 section 3).
    ...(isIP(host) ? {} : { servername: host }),
    host,
    // Not accepted, but judged by `requireIdentity`: with `true` Node drops the certificate together with the socket, and nobody could say whose it was.
    rejectUnauthorized: false,
    ...tlsPolicy,
  })
}

/** The chain under our CA and the name, both checked by Node during the handshake. Nothing has been written or read before this. */
function requireIdentity(socket: TLSSocket, host: string): void {
  if (socket.authorized) return
  // Typed as an Error, but a code of OpenSSL or of Node's name check.
  const reason = String(socket.authorizationError)
  throw new AppError('server.identity-wrong', { details: { host, issuer: issuerOf(socket), reason } })
}

/** Waits for the event that says the hop is done. An error listener stays for good: a late error on a socket without one would end the process. */
async function opened(socket: Socket, event: 'connect' | 'secureConnect', stop: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const close = () => reject(new Error('closed by the peer'))
  socket.once(event, resolve)
  socket.on('error', reject)
  socket.once('close', close)
  try {
    await abortable(promise, stop)
  } finally {
    socket.off('close', close)
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
}

type Circumstances = { host: string; port: number; hop: Hop; timedOut: boolean }

function explain(error: unknown, { host, port, hop, timedOut }: Circumstances): AppError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'closed'
  return new AppError('server.unreachable', { cause: error, details: { host, port, hop, reason: timedOut ? 'timeout' : code } })
}

function issuerOf(socket: TLSSocket): string {
  const issuer = socket.getPeerCertificate().issuer as Record<string, string | string[] | undefined> | undefined
  const name = issuer?.CN ?? issuer?.O ?? 'unknown'
  // The name comes from a stranger and is shown to a person.
  return String(name)
    .replaceAll(/[^\p{L}\p{N} .,_-]/gu, '?')
    .slice(0, 80)
}
