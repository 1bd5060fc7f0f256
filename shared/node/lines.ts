import type { Duplex, Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { type Contract, type Output, parse, type Serve } from '../contract.ts'
import { AppError, fromFailure } from '../errors.ts'

/** Lines of JSON over any byte stream: a pipe, a socket, an SSH channel. A line ends with \n and is UTF-8; its length is limited before it is kept. */
export type LineLimits = { maxBytes: number; signal?: AbortSignal | undefined }

/**
 * The lines of a stream, without their line ends. The stream is not destroyed when the caller leaves the loop; an abort destroys it and throws the signal's reason.
 * Throws `contract.too-large {maxBytes}` for a longer line, `contract.bad-input` for bytes that are not UTF-8. A half line before the end is no line and is dropped.
 */
export async function* readLines(stream: Readable, { maxBytes, signal }: LineLimits): AsyncGenerator<string, void, void> {
  signal?.throwIfAborted()
  const abort = () => stream.destroy()
  signal?.addEventListener('abort', abort, { once: true })
  const splitter = createLineSplitter(maxBytes)
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      yield* splitter(chunk as Buffer | string)
      signal?.throwIfAborted()
    }
    signal?.throwIfAborted()
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

/** Takes chunks, gives whole lines; keeps at most `maxBytes` of an unfinished one. */
export function createLineSplitter(maxBytes: number): (chunk: Buffer | string) => Generator<string, void, void> {
  let parts: Buffer[] = []
  let length = 0
  const keep = (part: Buffer) => {
    length += part.length
    if (length > maxBytes) throw new AppError('contract.too-large', { details: { maxBytes } })
    if (part.length > 0) parts.push(part)
  }
  return function* split(chunk) {
    let rest = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      keep(rest.subarray(0, end))
      const line = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, length)
      parts = []
      length = 0
      rest = rest.subarray(end + 1)
      yield decodeLine(line)
    }
    keep(rest)
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeLine(line: Buffer): string {
  try {
    return decoder.decode(line)
  } catch (error) {
    throw new AppError('contract.bad-input', { cause: error, details: { name: 'line', field: 'encoding' } })
  }
}

/** The value of a line, or `contract.bad-input`. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new AppError('contract.bad-input', { cause: error, details: { name: 'line', field: 'json' } })
  }
}

/** Writes one value as a line and waits while the stream is full. Rejects when the stream is gone. */
export async function writeLine(stream: Writable, value: unknown): Promise<void> {
  if (!stream.writable) throw new AppError('server.unreachable', { details: { hop: 'stream' } })
  if (stream.write(`${JSON.stringify(value)}\n`)) return
  await drained(stream)
}

/** Resolves at the stream's next `drain`; rejects when it closes first, since a closed stream never drains. */
export function drained(stream: Writable): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const gone = () => reject(new AppError('server.unreachable', { details: { hop: 'stream' } }))
  stream.once('drain', resolve)
  stream.once('close', gone)
  stream.once('error', gone)
  return promise.finally(() => {
    stream.off('drain', resolve)
    stream.off('close', gone)
    stream.off('error', gone)
  })
}

const CallLine = z.strictObject({ id: z.number().int().positive(), name: z.string().max(80), input: z.unknown() })
const FailureShape = z.object({ code: z.string().max(80), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() })
/** A Result as it crosses a border: its code may be one that only a newer peer knows. */
export const ResultShape = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), failure: FailureShape }),
])
const AnswerLine = z.union([z.object({ id: z.number().int().positive(), result: ResultShape }), z.object({ event: z.string().max(80), payload: z.unknown() })])

export type LineClient<C extends Contract> = {
  /** Throws the answer's failure, `server.answer-bad` for an answer that does not fit, `server.unreachable {hop:'stream'}` when the stream is gone. */
  call<N extends keyof C & string>(name: N, input: z.input<C[N]['input']>): Promise<Output<C, N>>
  /** Returns the function that stops listening. The payload has met no schema yet. */
  onEvent(listener: (event: string, payload: unknown) => void): () => void
  /** Ends the stream; calls that wait are rejected. */
  close(): void
  /** Resolves when the stream has ended, for whatever reason. */
  readonly closed: Promise<void>
}

/** Calls by line: {"id","name","input"} goes out, {"id","result"} or {"event","payload"} comes in. `maxBytes` limits a line that comes in. */
export function createLineClient<C extends Contract>(contract: C, stream: Duplex, { maxBytes = 1_048_576 }: { maxBytes?: number } = {}): LineClient<C> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void; output: z.ZodType }>()
  const listeners = new Set<(event: string, payload: unknown) => void>()
  let lastId = 0
  let open = true

  const receive = (line: string) => {
    const message = AnswerLine.parse(JSON.parse(line))
    if ('event' in message) {
      for (const listener of listeners) listener(message.event, message.payload)
      return
    }
    const call = waiting.get(message.id)
    if (!call) throw new Error('an answer to no call')
    waiting.delete(message.id)
    if (!message.result.ok) return call.reject(fromFailure(message.result.failure))
    const value = call.output.safeParse(message.result.value)
    if (value.success) call.resolve(value.data)
    else call.reject(new AppError('server.answer-bad', { cause: value.error }))
  }

  const run = async () => {
    let failure = new AppError('server.unreachable', { details: { hop: 'stream' } })
    try {
      for await (const line of readLines(stream, { maxBytes })) receive(line)
    } catch (error) {
      // A stream that breaks is gone; anything else is a peer that speaks no sense, and is not listened to further.
      if (!stream.errored && !stream.destroyed) failure = new AppError('server.answer-bad', { cause: error })
    } finally {
      open = false
      stream.destroy()
      for (const { reject } of waiting.values()) reject(failure)
      waiting.clear()
    }
  }
  const closed = run()
  // Errors of the stream reach the reader above; without a listener Node would also end the process.
  stream.on('error', () => undefined)

  return {
    closed,
    async call(name, input) {
      const entry = contract[name]
      if (!entry) throw new AppError('contract.unknown-name', { details: { name } })
      if (!open) throw new AppError('server.unreachable', { details: { hop: 'stream' } })
      const id = ++lastId
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      waiting.set(id, { resolve, reject, output: entry.output })
      writeLine(stream, { id, name, input }).catch((error: unknown) => {
        waiting.delete(id)
        reject(error)
      })
      return (await promise) as Output<C, typeof name>
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      open = false
      if (!stream.destroyed) stream.end(() => stream.destroy())
    },
  }
}

/** `maxBytes` limits one line that comes in; at most `maxRunning` calls run at once, further ones wait unread. */
export type ServeLimits = { maxBytes: number; maxRunning?: number; signal?: AbortSignal }

/**
 * Answers calls by line until the stream ends or breaks. Answers leave in the order in which they are ready.
 * Rejects with `contract.too-large` or `contract.bad-input` when the peer breaks the form; the caller then closes the stream.
 */
export async function serveLines<Context>(stream: Duplex, serve: Serve<Context>, context: Context, limits: ServeLimits): Promise<void> {
  const { maxBytes, maxRunning = 16, signal } = limits
  const running = new Set<Promise<void>>()
  const answer = async ({ id, name, input }: z.infer<typeof CallLine>) => {
    const result = await serve(name, input, context)
    // The peer may be gone by now; then nobody is left to be told.
    await writeLine(stream, { id, result }).catch(() => undefined)
  }
  // A late error of the stream, when nobody reads any more, must not end the process.
  stream.on('error', () => undefined)
  try {
    for await (const line of readLines(stream, { maxBytes, signal })) {
      const call = parse(CallLine, parseLine(line), 'line')
      const one: Promise<void> = answer(call).finally(() => running.delete(one))
      running.add(one)
      if (running.size >= maxRunning) await Promise.race(running)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof AppError) throw error
  }
  await Promise.all(running)
}
