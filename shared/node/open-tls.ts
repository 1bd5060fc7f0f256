import { X509Certificate } from 'node:crypto'
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
  /** Told of a certificate that would be right at another time; the connection is given all the same. Without it such a one is refused. */
  onOutdated?: ((validity: Validity) => void) | undefined
  signal: AbortSignal
}
/** Milliseconds since 1970. */
export type Validity = { fromMs: number; untilMs: number }

/** An outdated certificate is believed from a server whose own time lies within it: then the clock here is wrong. Throws `server.identity-wrong {reason}`. */
export function requireInTime(outdated: Validity | null, serverMs: number): void {
  const inTime = !outdated || (serverMs >= outdated.fromMs && serverMs <= outdated.untilMs)
  if (!inTime) throw new AppError('server.identity-wrong', { details: { reason: 'outdated' } })
}

/** TLS as a client over an open connection. Throws `server.identity-wrong {host, issuer, reason}`, what TLS says, or the signal's reason; the connection is closed then. */
export async function openTls(open: Socket, { host, ca, cert, key, session, onOutdated, signal }: OpenTls): Promise<TLSSocket> {
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
    const outdated = socket.authorized || !onOutdated ? null : outdatedFrom(socket, { host, ca })
    if (outdated) onOutdated?.(outdated)
    else requireIdentity(socket, host)
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

const serverAuth = '1.3.6.1.5.5.7.3.1'

/**
 * The validity of a certificate at which nothing but the time is wrong, else null. All the rest is judged here, since TLS names one fault of several, and after any it
 * does not look at the name. The chain is one step, as those of our CAs are.
 */
function outdatedFrom(socket: TLSSocket, { host, ca }: Pick<OpenTls, 'host' | 'ca'>): Validity | null {
  const leaf = socket.getPeerX509Certificate()
  if (!leaf) return null
  const issued = [ca].flat().some((pem) => isIssued(leaf, new X509Certificate(pem)))
  const named = isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host, { subject: 'never' })
  if (!issued || !named || leaf.ca || !leaf.keyUsage?.includes(serverAuth)) return null
  return { fromMs: leaf.validFromDate.getTime(), untilMs: leaf.validToDate.getTime() }
}

function isIssued(leaf: X509Certificate, by: X509Certificate): boolean {
  return by.ca && leaf.checkIssued(by) && leaf.verify(by.publicKey)
}

function issuerOf(socket: TLSSocket): string {
  const issuer = socket.getPeerCertificate().issuer as Record<string, string | string[] | undefined> | undefined
  const name = issuer?.CN ?? issuer?.O ?? 'unknown'
  // The name comes from a stranger and is shown to a person.
  return String(name)
    .replaceAll(/[^\p{L}\p{N} .,_-]/gu, '?')
    .slice(0, 80)
}
