import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import type { Dial } from './dial.ts'

/** The part of fetch that openid-client calls (its `CustomFetch`). */
export type HttpsFetch = (url: string, options: HttpsFetchOptions) => Promise<Response>
export type HttpsFetchOptions = { method: string; headers: Record<string, string>; body?: unknown; signal?: AbortSignal | undefined }

const maxAnswerBytes = 1_048_576

/**
 * fetch for openid-client over the one dialler, so that sign-in knows the same CA, limits and errors as everything else. Node's own fetch takes no CA.
 * Only https and only the given origins: an endpoint elsewhere in the provider's metadata is not followed, and no redirect is.
 */
export function createHttpsFetch({ origins, dial }: { origins: readonly string[]; dial: Dial }): HttpsFetch {
  return async (url, options) => {
    const target = new URL(url)
    if (target.protocol !== 'https:' || !origins.includes(target.origin)) throw new AppError('server.identity-wrong', { details: { host: target.host } })
    const socket = await dial({ host: target.hostname.replace(/^\[|\]$/g, ''), port: Number(target.port || 443), signal: options.signal })
    try {
      return await exchange(target, options, socket)
    } finally {
      socket.destroy()
    }
  }
}

async function exchange(url: URL, options: HttpsFetchOptions, socket: TLSSocket): Promise<Response> {
  const response = await requestOver(socket, url, options)
  let received = 0
  response.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received > maxAnswerBytes) response.destroy(new AppError('server.answer-bad', { details: { maxBytes: maxAnswerBytes } }))
  })
  const answer = new Headers()
  for (const [name, value] of Object.entries(response.headers)) if (value !== undefined) answer.set(name, Array.isArray(value) ? value.join(', ') : value)
  const status = response.statusCode ?? 500
  const content = await text(response).catch((error: unknown) => {
    throw error instanceof AppError || options.signal?.aborted ? error : unanswered(url, error)
  })
  // The Fetch standard knows no other, and a Response of one would throw what has no code.
  if (status < 200 || status > 599) throw new AppError('server.answer-bad', { details: { status } })
  // A Response with these statuses may not have a body (Fetch standard, null body status).
  return new Response([204, 205, 304].includes(status) ? null : content, { status, headers: answer })
}

/** The one request of a connection that was opened for it; the answer's body is the caller's to read, within limits of its own. Errors: `server.unreachable {host, hop}`. */
export function requestOver(socket: TLSSocket, url: URL, { method, headers, body, signal }: HttpsFetchOptions): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const content = body === null || body === undefined ? undefined : String(body)
  const length = content === undefined ? {} : { 'content-length': String(Buffer.byteLength(content)) }
  // With a connection of our own Node takes 80 for the default port, and would say so in `Host`.
  const own = { createConnection: () => socket, defaultPort: 443 }
  const request = httpsRequest(url, { method, headers: { ...headers, ...length, connection: 'close' }, ...own, signal })
  request.on('error', (error) => reject(unanswered(url, error)))
  request.on('response', resolve)
  request.end(content)
  return promise
}

function unanswered({ hostname }: URL, cause: unknown): AppError {
  return new AppError('server.unreachable', { cause, details: { host: hostname, hop: 'answer' } })
}
