import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AppError, fromFailure } from '@gantry/shared/errors.ts'
import { type FileCallName, fileCalls } from '@gantry/shared/files.ts'
import { z } from 'zod'
import type { Files } from '../services.ts'
import { answerHead, bodyOf, brokenLeg, type FilesLeg, type JoinFilesLeg, openFilesLeg } from './files-leg.ts'

const maxListBytes = 67_108_864
const Failure = z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() })

/** The device's files (`shared/files.ts`). The leg is opened at the first call, and anew when it broke; whatever was under way then fails with `server.unreachable`. */
export function createFiles(join: JoinFilesLeg): Files & { close(): void } {
  let leg: Promise<FilesLeg> | null = null
  let closed = false

  const opened = async (): Promise<FilesLeg> => {
    if (closed) throw new AppError('session.ended', { details: { cause: 'specialist' } })
    const before = leg
    const current = before && (await before.catch(() => null))
    if (current?.isOpen()) return current
    // Several calls may find the same leg broken: the first of them opens the next.
    if (leg === before || leg === null) leg = openFilesLeg(join)
    return leg
  }
  const send = async (name: FileCallName, input: unknown, hasBody: boolean, signal?: AbortSignal): Promise<ClientHttp2Stream> => {
    signal?.throwIfAborted()
    const parsed = fileCalls[name].input.safeParse(input)
    if (!parsed.success)
      throw new AppError('contract.bad-input', { cause: parsed.error, details: { name, field: String(parsed.error.issues[0]?.path.join('.') ?? '') } })
    const one = await opened()
    signal?.throwIfAborted()
    return one.request({ ':path': `/${name}`, 'gantry-input': encode(input) }, { hasBody, signal })
  }

  return {
    async call(name, input, { signal } = {}) {
      const stream = await send(name, input, false, signal)
      const head = await answerHead(stream, signal)
      requireSuccess(head, stream)
      const value = name === 'files.list' ? await readJson(stream, signal) : decode(head['gantry-output'])
      stream.resume()
      return parseOutput(name, value) as never
    },
    async read(input, { signal } = {}) {
      const stream = await send('files.read', input, false, signal)
      const head = await answerHead(stream, signal)
      requireSuccess(head, stream)
      return { ...parseOutput('files.read', decode(head['gantry-output'])), body: bodyOf(stream, signal) }
    },
    async write(input, body, { signal } = {}) {
      const stream = await send('files.write', input, true, signal)
      const answered = answerHead(stream, signal)
      // The device may refuse in the middle of the body; then its reason counts, not that the body could not be sent.
      const sent = pipeline(Readable.from(body, { objectMode: false }), stream).then(
        () => null,
        (error: unknown) => error ?? brokenLeg(),
      )
      const failedFirst = await Promise.race([answered.then(() => null), sent])
      if (failedFirst !== null) throw await reasonFor(failedFirst, answered, signal)
      const head = await answered
      requireSuccess(head, stream)
      stream.resume()
      return parseOutput('files.write', decode(head['gantry-output']))
    },
    close() {
      closed = true
      leg?.then((one) => one.close()).catch(() => undefined)
    },
  }
}

/** Why a body could not be sent: the device's own refusal if it came, else the abort, else an error of the source, else the broken leg. */
async function reasonFor(error: unknown, answered: Promise<IncomingHttpHeaders>, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal?.aborted) return signal.reason
  const head = await answered.catch(() => null)
  const refusal = head && failureOf(head)
  if (refusal) return refusal
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const ofTheLeg = code.startsWith('ERR_HTTP2') || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET'
  return ofTheLeg ? brokenLeg(error) : error
}

function requireSuccess(head: IncomingHttpHeaders, stream: ClientHttp2Stream): void {
  const refusal = failureOf(head)
  if (!refusal) return
  stream.destroy()
  throw refusal
}

function failureOf(head: IncomingHttpHeaders): AppError | null {
  const status = Number(head[':status'])
  if (status === 200) return null
  const parsed = Failure.safeParse(decode(head['gantry-failure']))
  return parsed.success ? fromFailure(parsed.data) : new AppError('server.answer-bad', { details: { status } })
}

function parseOutput<N extends FileCallName>(name: N, value: unknown): z.output<(typeof fileCalls)[N]['output']> {
  const parsed = fileCalls[name].output.safeParse(value)
  if (!parsed.success) throw new AppError('server.answer-bad', { cause: parsed.error, details: { name } })
  return parsed.data as z.output<(typeof fileCalls)[N]['output']>
}

async function readJson(stream: ClientHttp2Stream, signal: AbortSignal | undefined): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of bodyOf(stream, signal)) {
    length += chunk.length
    if (length > maxListBytes) throw new AppError('contract.too-large', { details: { maxBytes: maxListBytes } })
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks, length).toString('utf8'))
  } catch (error) {
    throw new AppError('server.answer-bad', { cause: error })
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function decode(header: string | string[] | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(String(header ?? ''), 'base64url').toString('utf8'))
  } catch {
    return null
  }
}
