import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { AppError, type ErrorCode, fromFailure } from '../errors.ts'
import type { TicketId } from '../ids.ts'
import { legLimits, Nonce, type Opening, tunnelPath, tunnelProtocol, Verdict } from '../leg.ts'
import type { AccessServerRef, AdmissionPayload, CompactJws, Hash, LegName, Side } from '../ticket.ts'
import type { Dial } from './dial.ts'
import { readUntil } from './read-until.ts'
import { type SigningKey, signJws } from './signing.ts'

/** One end's half of opening a leg at an access server; the protocol is told in `shared/leg.ts`. */
export type LegOptions = {
  dial: Dial
  ticket: CompactJws
  ticketId: TicketId
  side: Side
  leg: LegName
  epoch: number
  link?: Opening['link']
  /** The session key (client) or the device key (agent). */
  key: SigningKey
  /** For the connection alone, ms; 10,000 unless told otherwise. */
  dialTimeoutMs?: number
  signal?: AbortSignal | undefined
}

/** The joined stream. Bytes that came right behind the verdict are still in it; each direction ends by itself. `remote` is the server that carries it. */
export type Leg = Duplex & { readonly remote: AccessServerRef }

/** Added to the server's own limits, so that its answer comes before our patience ends. */
const graceMs = 5_000

/**
 * Resolves once the other end is joined. Errors: what the access server says (`ticket.*`, `leg.*`), `server.unreachable`, `server.identity-wrong`,
 * `server.answer-bad`; an abort throws the signal's reason.
 */
export async function openLeg({ server, ...options }: LegOptions & { server: AccessServerRef }): Promise<Leg> {
  const { dial, dialTimeoutMs = legLimits.openingTimeoutMs, signal } = options
  const socket = await dial({ host: server.host, port: server.port, signal, allowHalfOpen: true, timeoutMs: dialTimeoutMs })
  const timeout = AbortSignal.timeout(legLimits.openingTimeoutMs + legLimits.pairTimeoutMs + graceMs)
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout
  try {
    await join(socket, server, options, stop)
    return Object.assign(socket, { remote: server })
  } catch (error) {
    socket.destroy()
    signal?.throwIfAborted()
    if (timeout.aborted) throw new AppError('server.unreachable', { cause: error, details: { host: server.host, hop: 'answer', reason: 'timeout' } })
    throw error
  }
}

async function join(socket: TLSSocket, server: AccessServerRef, options: LegOptions, signal: AbortSignal): Promise<void> {
  const { ticket, ticketId, side, leg, epoch, link = 'none', key } = options
  const opening: Opening = { version: 1, ticket, side, leg, epoch, link }
  socket.write(openingHead(server, opening))
  const nonce = await readNonce(socket, signal)
  const admission: AdmissionPayload = { version: 1, ticketId, side, leg, epoch, accessServer: server.name, nonce }
  socket.write(`${await signJws('admission', admission, key)}\n`)
  const line = await readUntil(socket, '\n', { maxBytes: legLimits.maxVerdictBytes, signal })
  const verdict = parseVerdict(line)
  if (!verdict.ok) throw fromFailure(verdict.failure)
}

export function openingHead(server: Pick<AccessServerRef, 'host' | 'port'>, opening: Opening): string {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host
  return [
    `GET ${tunnelPath} HTTP/1.1`,
    `Host: ${host}:${server.port}`,
    'Connection: Upgrade',
    `Upgrade: ${tunnelProtocol}`,
    `Gantry-Opening: ${Buffer.from(JSON.stringify(opening)).toString('base64url')}`,
    '',
    '',
  ].join('\r\n')
}

async function readNonce(socket: TLSSocket, signal: AbortSignal): Promise<Hash> {
  const head = (await readUntil(socket, '\r\n\r\n', { maxBytes: legLimits.maxHeadBytes, signal })).toString('latin1')
  const answer = parseAnswerHead(head)
  if (answer.status !== 101) throw await readFailure(socket, answer, signal)
  const nonce = Nonce.safeParse(answer.headers.get('gantry-nonce'))
  if (!nonce.success || answer.headers.get('upgrade')?.toLowerCase() !== tunnelProtocol) throw new AppError('server.answer-bad', { details: { status: 101 } })
  return nonce.data
}

export type AnswerHead = { status: number; headers: Map<string, string> }

/** Status and headers of an HTTP/1.1 answer (RFC 9112). Throws `server.answer-bad`. */
export function parseAnswerHead(head: string): AnswerHead {
  const [first = '', ...lines] = head.split('\r\n')
  const status = /^HTTP\/1\.1 ([1-5]\d\d)(?: |$)/.exec(first)?.[1]
  if (!status) throw new AppError('server.answer-bad')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status: Number(status), headers }
}

/** The failure in an answer's body; our access server always ends it with a newline. */
async function readFailure(socket: TLSSocket, { status, headers }: AnswerHead, signal: AbortSignal): Promise<AppError> {
  const bad = new AppError('server.answer-bad', { details: { status } })
  if (headers.get('content-type') !== 'application/json') return bad
  const body = await readUntil(socket, '\n', { maxBytes: legLimits.maxVerdictBytes, signal }).catch(() => null)
  const verdict = body && parseVerdictOrNull(Buffer.from(`{"ok":false,"failure":${body.toString('utf8')}}`))
  return verdict && !verdict.ok ? fromFailure(verdict.failure) : bad
}

/** Throws `server.answer-bad` for anything but a verdict. */
export function parseVerdict(line: Buffer): Verdict {
  const verdict = parseVerdictOrNull(line)
  if (!verdict) throw new AppError('server.answer-bad', { details: { what: 'verdict' } })
  return verdict
}

function parseVerdictOrNull(line: Buffer): Verdict | null {
  try {
    const parsed = Verdict.safeParse(JSON.parse(line.toString('utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** What says that another access server may do better. `leg.peer-missing` too: the other end may have gone to the fallback. */
export const tryNext: ReadonlySet<ErrorCode> = new Set([
  'server.unreachable',
  'server.identity-wrong',
  'server.answer-bad',
  'server.proxy-refused',
  'leg.busy',
  'leg.draining',
  'leg.peer-missing',
])

/**
 * Opens the leg at the first of these servers where both ends meet. Two rounds: when only one end can reach the first server, that end waits there in vain
 * while the other waits at the second, and they meet in the next round. Throws the last server's error.
 */
export async function openLegWithFallback(servers: readonly AccessServerRef[], options: LegOptions): Promise<Leg> {
  let last: unknown = new AppError('server.unreachable', { details: { hop: 'dns' } })
  for (const server of [...servers, ...servers]) {
    try {
      return await openLeg({ ...options, server })
    } catch (error) {
      if (!(error instanceof AppError) || !tryNext.has(error.code)) throw error
      last = error
    }
  }
  throw last
}
