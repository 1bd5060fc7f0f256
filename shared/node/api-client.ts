import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import type { z } from 'zod'
import type { Contract, Output } from '../contract.ts'
import { AppError, fromFailure } from '../errors.ts'
import type { Dial } from './dial.ts'
import { createLineSplitter, ResultShape } from './lines.ts'

/** Where a server is, the way to it, and who we are to it. */
export type ApiTarget = {
  /** `https://host:port` */
  origin: string
  dial: Dial
  cert?: string | undefined
  key?: string | undefined
  /** Headers of each request, such as `authorization`. */
  headers?: ((request: { method: string; url: URL }) => Promise<Record<string, string>>) | undefined
  /** Sees the head of each answer; true sends the same request once more, with headers of its own. Only for what the server refuses before it acts. */
  again?: ((answer: IncomingMessage) => boolean) | undefined
}
export type ApiClientOptions = ApiTarget & {
  prefix: string
  /** False: no socket stays open between calls, and the next call resumes the TLS session. */
  keepAlive: boolean
}
export type CallOptions = { signal?: AbortSignal | undefined; timeoutMs?: number | undefined }
export type ApiClient<C extends Contract> = {
  /**
   * One call. Throws the server's own failure by its code; `server.unreachable {host, hop}`, `server.identity-wrong`, `server.answer-bad {status}`.
   * `timeoutMs` is for the whole call: 15,000 unless told otherwise. An abort throws the signal's reason.
   */
  call<N extends keyof C & string>(name: N, input: z.input<C[N]['input']>, options?: CallOptions): Promise<Output<C, N>>
  close(): void
}

const maxAnswerBytes = 8_388_608

export function createApiClient<C extends Contract>(contract: C, options: ApiClientOptions): ApiClient<C> {
  const agent = new DialAgent(options, options.keepAlive)
  return {
    async call(name, input, { signal, timeoutMs = 15_000 } = {}) {
      const entry = contract[name]
      if (!entry) throw new AppError('contract.unknown-name', { details: { name } })
      const body = Buffer.from(JSON.stringify(input))
      const time = createTimeLimit(options.origin, timeoutMs, signal)
      try {
        const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
        const url = new URL(options.prefix + name, options.origin)
        const response = await sendAs(options, agent, url, { method: 'POST', headers, body, signal: time.signal })
        const value = readAnswer(response.statusCode ?? 0, await readBody(response))
        const output = entry.output.safeParse(value)
        if (!output.success) throw new AppError('server.answer-bad', { cause: output.error, details: { name } })
        return output.data as Output<C, typeof name>
      } catch (error) {
        throw time.explain(error)
      } finally {
        time.clear()
      }
    },
    close: () => agent.destroy(),
  }
}

/** One parsed answer: the value, or the failure thrown as an error. */
function readAnswer(status: number, body: Buffer): unknown {
  let result: z.infer<typeof ResultShape>
  try {
    result = ResultShape.parse(JSON.parse(body.toString('utf8')))
  } catch (error) {
    throw new AppError('server.answer-bad', { cause: error, details: { status } })
  }
  if (!result.ok) throw fromFailure(result.failure)
  return result.value
}

export type GetJsonOptions = CallOptions & { path: string }

/** A plain GET of a JSON document, such as `/.well-known/gantry`. Same errors as a call. */
export async function getJson<T>(target: ApiTarget, schema: z.ZodType<T>, { path, signal, timeoutMs = 15_000 }: GetJsonOptions): Promise<T> {
  const agent = new DialAgent(target, false)
  const time = createTimeLimit(target.origin, timeoutMs, signal)
  try {
    const headers = { accept: 'application/json' }
    const response = await sendAs(target, agent, new URL(path, target.origin), { method: 'GET', headers, signal: time.signal })
    const body = await readBody(response)
    const parsed = response.statusCode === 200 ? schema.safeParse(JSON.parse(body.toString('utf8'))) : undefined
    if (!parsed?.success) throw new AppError('server.answer-bad', { cause: parsed?.error, details: { status: response.statusCode ?? 0 } })
    return parsed.data
  } catch (error) {
    throw time.explain(error instanceof SyntaxError ? new AppError('server.answer-bad', { cause: error }) : error)
  } finally {
    time.clear()
    agent.destroy()
  }
}

export type ServerSentEvent = { event: string; data: unknown }
export type EventStreamOptions = ApiTarget & {
  path: string
  signal?: AbortSignal | undefined
  /** The stream is given up when nothing came for this long, not even a comment. 45,000 unless told otherwise. */
  idleMs?: number
  /** Called once the server has answered 200, before any event. */
  onOpen?: () => void
}

/**
 * Server-sent events (WHATWG HTML section 9.2): yields until the stream breaks, which throws `server.unreachable`; a refusal throws its own code.
 * Reconnecting is the caller's, since it knows what it may have missed.
 */
export async function* openEventStream(options: EventStreamOptions): AsyncGenerator<ServerSentEvent, void, void> {
  const { origin, path, signal, idleMs = 45_000, onOpen } = options
  const agent = new DialAgent(options, false)
  const time = createTimeLimit(origin, idleMs, signal)
  try {
    const headers = { accept: 'text/event-stream' }
    const response = await sendAs(options, agent, new URL(path, origin), { method: 'GET', headers, signal: time.signal })
    if (response.statusCode !== 200) {
      readAnswer(response.statusCode ?? 0, await readBody(response))
      throw new AppError('server.answer-bad', { details: { status: response.statusCode ?? 0 } })
    }
    onOpen?.()
    const collect = createEventCollector()
    const split = createLineSplitter(maxAnswerBytes)
    for await (const chunk of response) {
      time.restart()
      for (const line of split(chunk as Buffer)) {
        const event = collect(line)
        if (event) yield event
      }
    }
    throw new Error('the stream ended')
  } catch (error) {
    throw time.explain(error)
  } finally {
    time.clear()
    agent.destroy()
  }
}

/** Fields of one event until its empty line. Comments and unknown fields are skipped, as the standard says. */
function createEventCollector(): (line: string) => ServerSentEvent | undefined {
  let event = 'message'
  let data: string[] = []
  return (raw) => {
    const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
    if (line === '') {
      const whole = data.length > 0 ? { event, data: parseData(data.join('\n')) } : undefined
      event = 'message'
      data = []
      return whole
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') event = value
    if (field === 'data') data.push(value)
    return undefined
  }
}

function parseData(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError('server.answer-bad', { cause: error })
  }
}

/** Opens its connections through the one dialler, so that proxies, pins and errors are the same everywhere, and keeps the newest TLS session for the next one. */
class DialAgent extends Agent {
  readonly #target: ApiTarget
  #session: Buffer | undefined
  /** Ends dials that are under way: the agent knows only sockets that are open. */
  readonly #gone = new AbortController()

  constructor(target: ApiTarget, keepAlive: boolean) {
    super({ keepAlive, maxSockets: 16, maxCachedSessions: 0 })
    this.#target = target
  }

  override createConnection(options: { signal?: AbortSignal }, done?: (error: Error | null, socket: Duplex) => void): undefined {
    const { hostname, port } = new URL(this.#target.origin)
    const { dial, cert, key } = this.#target
    const signal = options.signal ? AbortSignal.any([options.signal, this.#gone.signal]) : this.#gone.signal
    dial({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443), cert, key, session: this.#session, signal }).then(
      (socket) => {
        if (this.#gone.signal.aborted) {
          socket.destroy()
          return done?.(this.#gone.signal.reason as Error, socket)
        }
        // TLS 1.2 has its session by now; under 1.3 the tickets come after the handshake, but before the first answer.
        if (socket.getProtocol() === 'TLSv1.2') this.#session = socket.getSession()
        socket.on('session', (session) => {
          this.#session = session
        })
        return done?.(null, socket)
      },
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    )
    return undefined
  }

  override destroy(): void {
    this.#gone.abort(new AppError('server.unreachable', { details: { host: new URL(this.#target.origin).hostname, hop: 'tcp', reason: 'closed' } }))
    super.destroy()
  }
}

type Outgoing = { method: string; headers: Record<string, string>; body?: Buffer; signal: AbortSignal }

async function sendAs(target: ApiTarget, agent: Agent, url: URL, outgoing: Outgoing): Promise<IncomingMessage> {
  const once = async () => send(agent, url, { ...outgoing, headers: { ...outgoing.headers, ...(await target.headers?.({ method: outgoing.method, url })) } })
  const response = await once()
  if (!target.again?.(response)) return response
  await readBody(response)
  const next = await once()
  target.again(next)
  return next
}

function send(agent: Agent, url: URL, { method, headers, body, signal }: Outgoing): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request: ClientRequest = httpsRequest(url, { agent, method, headers, signal, maxHeaderSize: 16_384 })
  request.on('response', resolve)
  request.on('error', reject)
  request.end(body)
  return promise
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxAnswerBytes) throw new AppError('server.answer-bad', { details: { maxBytes: maxAnswerBytes } })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

type TimeLimit = { signal: AbortSignal; restart(): void; clear(): void; explain(error: unknown): unknown }

/** One signal for the caller's abort and the time limit; `explain` says which it was, and turns whatever else broke into `server.unreachable`. */
function createTimeLimit(origin: string, limitMs: number, outer: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController()
  const host = new URL(origin).hostname
  const timer = setTimeout(() => controller.abort(new AppError('server.unreachable', { details: { host, hop: 'answer', reason: 'timeout' } })), limitMs)
  const abort = () => controller.abort(outer?.reason)
  if (outer?.aborted) abort()
  outer?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    restart: () => timer.refresh(),
    clear() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', abort)
    },
    explain(error) {
      if (controller.signal.aborted) return controller.signal.reason
      if (error instanceof AppError) return error
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'closed'
      return new AppError('server.unreachable', { cause: error, details: { host, hop: 'answer', reason } })
    },
  }
}
