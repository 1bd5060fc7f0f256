import { isIP, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import { abortable } from './abortable.ts'
import { tlsPolicy } from './tls.ts'

export type OpenTls = {
  /** The name or address that the certificate must be for. */
  host: string
  /** PEM of who may vouch for the peer, and nobody else. */
  ca: string | readonly string[]
  /** PEM of our own certificate and key, where the peer asks for one. */
  cert?: string | undefined
  key?: string | undefined
  /** A TLS session to resume. */
  session?: Buffer | undefined
  signal: AbortSignal
}

/** TLS as a client over an open connection. Throws `server.identity-wrong {host, issuer, reason}`, what TLS says, or the signal's reason; the connection is closed then. */
export async function openTls(open: Socket, { host, ca, cert, key, session, signal }: OpenTls): Promise<TLSSocket> {
  const socket = connect({
    socket: open,
    ca: typeof ca === 'string' ? ca : [...ca],
    ...(cert && key ? { cert, key } : {}),
    ...(session ? { session } : {}),
    // SNI carries names only (RFC 6066 section 3).
    ...(isIP(host) ? {} : { servername: host }),
    host,
    // Not accepted, but judged by `requireIdentity`: with `true` Node drops the certificate together with the socket, and nobody could say whose it was.
    rejectUnauthorized: false,
    ...tlsPolicy,
  })
  try {
    await secured(socket, signal)
    requireIdentity(socket, host)
    signal.throwIfAborted()
    return socket
  } catch (error) {
    socket.destroy()
    open.destroy()
    throw error
  }
}

/** The error listener stays for good: a late error on a socket without one would end the process. */
async function secured(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const close = () => reject(new Error('closed by the peer'))
  socket.once('secureConnect', resolve)
  socket.on('error', reject)
  socket.once('close', close)
  try {
    await abortable(promise, signal)
  } finally {
    socket.off('close', close)
  }
}

/** The chain under our CA and the name, both checked by Node during the handshake. Nothing has been written or read before this. */
function requireIdentity(socket: TLSSocket, host: string): void {
  if (socket.authorized) return
  // Typed as an Error, but a code of OpenSSL or of Node's name check.
  const reason = String(socket.authorizationError)
  throw new AppError('server.identity-wrong', { details: { host, issuer: issuerOf(socket), reason } })
}

function issuerOf(socket: TLSSocket): string {
  const issuer = socket.getPeerCertificate().issuer as Record<string, string | string[] | undefined> | undefined
  const name = issuer?.CN ?? issuer?.O ?? 'unknown'
  // The name comes from a stranger and is shown to a person.
  return String(name)
    .replaceAll(/[^\p{L}\p{N} .,_-]/gu, '?')
    .slice(0, 80)
}
