import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { AppError, fromFailure } from '@gantry/shared/errors.ts'
import { type FileCallName, fileCalls } from '@gantry/shared/files.ts'
import { drain, feed } from '@gantry/shared/node/blocks.ts'
import { z } from 'zod'
import type { Files } from '../services.ts'
import { answerHead, bodyOf, brokenLeg, type FilesLeg, type JoinFilesLeg, openFilesLeg } from './files-leg.ts'

const maxListBytes = 67_108_864
const Failure = z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() })
/** What may be asked again when the leg breaks before its answer came: it changes nothing, or the device knows that it did it. */
const repeatable: ReadonlySet<FileCallName> = new Set([
  'files.list',
  'files.stat',
  'files.digest',
  'files.progress',
  'files.take-up',
  'files.commit',
  'files.received',
  'files.abandon',
])

/** The device's files (`shared/files.ts`). The leg is opened at the first call, and anew when it broke; whatever was under way then fails with `server.unreachable`. */
export function createFiles(join: JoinFilesLeg): Files & { close(): void } {
  const legs = createLegKeeper(join)

  const send = async (name: FileCallName, input: unknown, hasBody: boolean, signal?: AbortSignal): Promise<ClientHttp2Stream> => {
    const parsed = fileCalls[name].input.safeParse(input)
    if (!parsed.success)
      throw new AppError('contract.bad-input', { cause: parsed.error, details: { name, field: String(parsed.error.issues[0]?.path.join('.') ?? '') } })
    const leg = await unlessAborted(legs.current(), signal)
    return leg.request({ ':path': `/${name}`, 'gantry-input': encode(input) }, { hasBody, signal })
  }
  const ask = async (name: FileCallName, input: unknown, signal: AbortSignal | undefined): Promise<unknown> => {
    const stream = await send(name, input, false, signal)
    const head = await answerHead(stream, signal)
    requireSuccess(head, stream)
    const value = name === 'files.list' ? await readJson(stream, signal) : decode(head['gantry-output'])
    stream.resume()
    return parseOutput(name, value)
  }
  return {
    async call(name, input, { signal } = {}) {
      try {
        return (await ask(name, input, signal)) as never
      } catch (error) {
        // A leg that was idle may have died unnoticed; when the next one breaks as well, the caller decides.
        if (!isOfTheLeg(error) || !repeatable.has(name) || signal?.aborted) throw error
        return (await ask(name, input, signal)) as never
      }
    },
    async read(input, receive, { signal } = {}) {
      const stream = await send('files.read', input, false, signal)
      const head = await answerHead(stream, signal)
      requireSuccess(head, stream)
      const file = parseOutput('files.read', decode(head['gantry-output']))
      let missing = Number(head['content-length'] ?? 0)
      await drain(stream, async (octets) => {
        signal?.throwIfAborted()
        missing -= octets.length
        await receive(octets, file)
      })
      signal?.throwIfAborted()
      // A leg that broke can look like an end.
      if (missing !== 0 || stream.rstCode !== 0) throw brokenLeg(stream.errored)
      return file
    },
    async write(input, fill, { signal } = {}) {
      const stream = await send('files.write', input, true, signal)
      const answered = answerHead(stream, signal)
      // The device may refuse in the middle of the body. Node closes no stream on which something waits for the window, and nobody would end the waiting.
      const stop = (head: IncomingHttpHeaders) => void (failureOf(head) && stream.destroy())
      answered.then(stop, () => undefined)
      try {
        await feed(stream, fill)
      } catch (error) {
        stream.destroy()
        throw error
      }
      // Then its reason counts, not that the body could not be sent.
      const head = await answered
      requireSuccess(head, stream)
      stream.resume()
      return parseOutput('files.write', decode(head['gantry-output']))
    },
    close: legs.close,
  }
}

/** Silence on a leg while something is under way, ms. Where that was too short for the line, the next leg is given twice the time. */
const patience = { firstMs: 2_000, lastMs: 16_000 } as const

/** One leg at a time, opened when it is asked for. */
function createLegKeeper(join: JoinFilesLeg) {
  let leg: Promise<FilesLeg> | null = null
  let patienceMs: number = patience.firstMs
  let closed = false

  const open = async (): Promise<FilesLeg> => {
    const openedMs = performance.now()
    return openFilesLeg(join, {
      patienceMs,
      onSilent() {
        const lived = performance.now() - openedMs > 5 * patienceMs
        patienceMs = lived ? patience.firstMs : Math.min(2 * patienceMs, patience.lastMs)
      },
    })
  }
  return {
    async current(): Promise<FilesLeg> {
      if (closed) throw new AppError('session.ended', { details: { cause: 'specialist' } })
      const before = leg
      const current = before && (await before.catch(() => null))
      if (current?.isOpen()) return current
      // Several calls may find the same leg broken: the first of them opens the next.
      if (leg === before || leg === null) leg = open()
      return leg
    },
    close() {
      closed = true
      leg?.then((one) => one.close()).catch(() => undefined)
    },
  }
}

function isOfTheLeg(error: unknown): boolean {
  return error instanceof AppError && error.code === 'server.unreachable' && error.details?.hop === 'files'
}

/** Opening a leg serves all who wait for it; each may leave by itself. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort))
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
