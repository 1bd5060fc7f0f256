import type { TLSSocket } from 'node:tls'
import { AppError, type ErrorCode, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { checkProtocol, legLimits, maxCheckBytes, tunnelProtocol, type Verdict } from '@gantry/shared/leg.ts'
import { readUntil } from '@gantry/shared/node/read-until.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import { type AdmitContext, checkAdmission, checkOpening, type Opened } from './admit.ts'
import type { Refused } from './leg-audit.ts'
import { parseOpeningHead } from './opening-head.ts'

/** What is said on one connection before bytes flow (steps 1 to 4 of `shared/leg.ts`). */
export type Admitted = Opened & { address: string }
export type ConversationTools = {
  context(): AdmitContext
  /** The health document, and whether this server takes new legs. */
  health(): { healthy: boolean; body: Record<string, string | number> }
  isDraining(): boolean
  /** What devices may ask where they cannot reach the main server: signed by it, and public. Null where there is none that is fresh. */
  bulletin(): string | null
  onRefused(refused: Refused): void
}

/** How long a refused peer has to read its answer before the connection is cut. */
const lingerMs = 1_000
/** A cache in front may give the same bulletin to many; a device takes one of two minutes. */
const bulletinMaxAgeSeconds = 5
const reasons: Record<number, string> = { 101: 'Switching Protocols', 200: 'OK' }

/** Resolves with the admitted leg, or with null after the connection was answered and closed. Never rejects. */
export async function converse(
  socket: TLSSocket,
  { signal, address }: { signal: AbortSignal; address: string },
  tools: ConversationTools,
): Promise<Admitted | null> {
  let opened: Opened | undefined
  let refuse: (error: unknown) => void = (error) => answer(socket, statusOf(error), toFailure(error))
  try {
    const asked = parseOpeningHead(await readUntil(socket, '\r\n\r\n', { maxBytes: legLimits.maxHeadBytes, signal }))
    if (asked.what === 'health') {
      const { healthy, body } = tools.health()
      answer(socket, healthy ? 200 : 503, body)
      return null
    }
    if (asked.what === 'bulletin') {
      const bulletin = tools.bulletin()
      if (bulletin === null) throw new AppError('server.unreachable', { details: { reason: 'no-bulletin' } })
      answer(socket, 200, { bulletin }, bulletinMaxAgeSeconds)
      return null
    }
    if (asked.what === 'check') {
      socket.write(head(101, { Connection: 'Upgrade', Upgrade: checkProtocol }))
      refuse = () => socket.destroy()
      const line = await readUntil(socket, '\n', { maxBytes: maxCheckBytes, signal })
      finish(socket, Buffer.concat([line, Buffer.from('\n')]))
      return null
    }
    if (tools.isDraining()) throw new AppError('leg.draining')
    const context = tools.context()
    opened = await checkOpening(asked.opening, context)
    const nonce = newNonce()
    socket.write(head(101, { Connection: 'Upgrade', Upgrade: tunnelProtocol, 'Gantry-Nonce': nonce }))
    refuse = (error) => sayVerdict(socket, toFailure(error).code)
    const admission = await readUntil(socket, '\n', { maxBytes: legLimits.maxAdmissionBytes, signal })
    await checkAdmission(admission.toString('latin1'), opened, { name: context.name, nonce })
    return { ...opened, address }
  } catch (error) {
    tools.onRefused({ error, address, opened })
    refuse(error)
    return null
  }
}

/** The last line before raw bytes, or before the end. */
export function sayVerdict(socket: TLSSocket, refusal?: ErrorCode): void {
  if (!socket.writable) return void socket.destroy()
  const verdict: Verdict = refusal ? { ok: false, failure: { code: refusal } } : { ok: true }
  const line = `${JSON.stringify(verdict)}\n`
  if (verdict.ok) socket.write(line)
  else finish(socket, line)
}

function answer(socket: TLSSocket, status: number, body: object, maxAgeSeconds = 0): void {
  if (!socket.writable) return void socket.destroy()
  const text = `${JSON.stringify(body)}\n`
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
    'Cache-Control': maxAgeSeconds > 0 ? `public, max-age=${maxAgeSeconds}` : 'no-store',
    Connection: 'close',
  }
  finish(socket, head(status, headers) + text)
}

/** Says the last word and closes; what still comes in is thrown away, since unread bytes would turn the close into a reset that eats the answer. */
function finish(socket: TLSSocket, text: string | Buffer): void {
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
  socket.end(text)
  socket.once('end', () => socket.destroy())
}

function head(status: number, headers: Record<string, string>): string {
  // With a clock an origin says the time (RFC 9110 section 6.6.1); a device's self-test compares its own.
  const lines = Object.entries({ Date: new Date().toUTCString(), ...headers }).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${reasons[status] ?? 'Refused'}`, ...lines, '', ''].join('\r\n')
}

function statusOf(error: unknown): number {
  return errorCodes[toFailure(error).code].status
}
