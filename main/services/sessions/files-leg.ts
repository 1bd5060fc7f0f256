import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { selfSigned } from '@gantry/shared/node/certificates.ts'
import { watchHttp2 } from '@gantry/shared/node/http2-watch.ts'
import { forgetBody, watchBody } from '@gantry/shared/node/read-memory.ts'
import { generateSigningKey, sha256 } from '@gantry/shared/node/signing.ts'
import { tlsPolicy } from '@gantry/shared/node/tls.ts'
import type { Hash } from '@gantry/shared/ticket.ts'

/**
 * The files leg (architecture 3.4): TLS 1.3 and HTTP/2 straight on the joined stream. Both certificates are fresh and self-signed; each side learned the other's
 * SHA-256 over the authenticated SSH connection, so no name and no CA says anything here.
 */
export type FilesLeg = {
  request(headers: Record<string, string>, options: { hasBody: boolean; signal?: AbortSignal | undefined }): ClientHttp2Stream
  isOpen(): boolean
  close(): void
}
/** Joins a further leg and tells the agent's certificate hash. */
export type JoinFilesLeg = (certificate: Hash) => Promise<{ stream: Duplex; certificate: Hash }>

/** Large windows: at 50 ms of round trip a window of 64 MiB is what keeps the line full (performance.md 6b). */
const windows = { streamBytes: 16 * 1_048_576, connectionBytes: 64 * 1_048_576 } as const
const handshakeMs = 10_000
/** Of a leg on which nothing is under way, ms. It is asked after a third of it, which also keeps it in the tables of the routers on its way. */
const idlePatienceMs = 15_000

/** `patienceMs`: how long the leg may be silent while something is under way; then it is given up. */
export type FilesLegOptions = { patienceMs: number; onSilent: () => void }

/** Errors: those of the leg, `leg.refused` when the agent does not show the certificate that it announced, or does not take ours. */
export async function openFilesLeg(join: JoinFilesLeg, options: FilesLegOptions): Promise<FilesLeg> {
  const own = await selfSigned(generateSigningKey())
  const { stream, certificate } = await join(own.hash)
  const socket = connectTls({
    socket: stream,
    cert: own.certificatePem,
    key: own.keyPem,
    ...tlsPolicy,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
    // The certificate is compared below, before a byte is sent; there is no CA that could vouch for it.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  })
  try {
    await secured(socket)
    const shown = socket.getPeerCertificate().raw
    if (!shown || sha256(shown) !== certificate) throw new AppError('leg.refused', { details: { what: 'certificate' } })
    return await startHttp2(socket, options)
  } catch (error) {
    socket.destroy()
    stream.destroy()
    throw error
  }
}

async function secured(socket: TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new AppError('leg.refused', { details: { what: 'handshake' } })), handshakeMs)
  socket.once('secureConnect', resolve)
  socket.on('error', (error) => reject(new AppError('leg.refused', { cause: error, details: { what: 'handshake' } })))
  socket.once('close', () => reject(new AppError('leg.refused', { details: { what: 'handshake' } })))
  await promise.finally(() => clearTimeout(timer))
}

/** Under TLS 1.3 a client whose certificate is refused first sees success, then the end; so the leg counts as open with the agent's HTTP/2 settings. */
async function startHttp2(socket: TLSSocket, { patienceMs, onSilent }: FilesLegOptions): Promise<FilesLeg> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const session: ClientHttp2Session = connectHttp2('https://device', {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windows.streamBytes, maxFrameSize: 1_048_576 },
  })
  const refused = () => reject(new AppError('leg.refused', { details: { what: 'certificate' } }))
  const timer = setTimeout(refused, handshakeMs)
  session.once('remoteSettings', () => resolve())
  session.on('error', refused)
  session.once('close', refused)
  await promise.finally(() => clearTimeout(timer))
  let underWay = 0
  watchHttp2(session, {
    socket,
    patienceMs: () => (underWay > 0 ? patienceMs : idlePatienceMs),
    windowBytes: windows.connectionBytes,
    receives: () => underWay > 0,
    onSilent() {
      if (underWay > 0) onSilent()
      session.destroy()
    },
  })
  return {
    isOpen: () => !session.closed && !session.destroyed,
    request(headers, { hasBody, signal }) {
      const stream = session.request({ ':method': 'POST', ...headers }, { endStream: !hasBody, ...(signal ? { signal } : {}) })
      watchBody(session, stream)
      underWay += 1
      stream.once('close', () => {
        underWay -= 1
      })
      return stream
    },
    close: () => session.destroy(),
  }
}

/** The head of the answer. Errors: `server.unreachable {hop: 'files'}` when the leg breaks; an abort throws the signal's reason. */
export function answerHead(stream: ClientHttp2Stream, signal: AbortSignal | undefined): Promise<IncomingHttpHeaders> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingHttpHeaders>()
  stream.once('response', resolve)
  stream.on('error', (error) => reject(signal?.aborted ? signal.reason : brokenLeg(error)))
  stream.once('close', () => reject(signal?.aborted ? signal.reason : brokenLeg()))
  return promise
}

/**
 * The body of an answer. Node's own iterator and pipeline take an HTTP/2 stream for broken when it was received whole before it is read (its `closed` is true while
 * bytes still wait), and a leg that broke can look like an end. Errors: `server.unreachable {hop: 'files'}`; an abort throws the signal's reason.
 */
export async function* bodyOf(stream: ClientHttp2Stream, signal: AbortSignal | undefined): AsyncGenerator<Buffer, void, void> {
  // It runs from the first `next` on, and much may have happened by then.
  let [wake, ended] = [(): void => undefined, stream.readableEnded]
  let broken: unknown = stream.aborted || (stream.destroyed && !ended) ? brokenLeg(stream.errored) : null
  const note = (what: () => void) => () => {
    what()
    wake()
  }
  stream.on('readable', () => wake())
  stream.once(
    'end',
    note(() => (ended = true)),
  )
  stream.once(
    'aborted',
    note(() => (broken ??= brokenLeg())),
  )
  stream.once(
    'close',
    note(() => (broken ??= ended ? null : brokenLeg())),
  )
  stream.on('error', (error) => note(() => (broken = brokenLeg(error)))())
  try {
    for (;;) {
      signal?.throwIfAborted()
      const chunk = stream.read() as Buffer | null
      // A copy: the memory of the view is shared with other answers, and may be given back by theirs.
      if (chunk !== null) yield Buffer.from(chunk)
      else if (broken !== null || (ended && stream.rstCode !== 0)) throw broken ?? brokenLeg()
      else if (ended) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    if (!ended) stream.destroy()
    forgetBody(stream)
  }
}

export function brokenLeg(cause?: unknown): AppError {
  return new AppError('server.unreachable', { cause, details: { hop: 'files' } })
}
