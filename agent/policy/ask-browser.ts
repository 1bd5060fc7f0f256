import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * The customer's tool puts one question to the browser on the same computer. It listens on the two loopback addresses, which is where `localhost` leads, so that nobody else can stand
 * at one of them; it ends with the first answer, whatever that is, or after two minutes. The device's agent listens on nothing; this is the tool (R041).
 */
export type BrowserQuestion<T> = {
  /** 0: a free one. */
  port: number
  /** The page, with what it asks; a page with `null` for an answer that held, else with why it did not. */
  ask: (origin: string) => string
  answered: (problem: unknown) => string
  /** Sources that the page's policy allows, such as `'sha256-…'`. */
  allow: { script: string; style: string }
  /** What comes of the answer; throws where it does not hold. */
  judge: (answer: string, origin: string) => T
  /** The page's address, to be opened in a browser; a one-time name is in it. */
  onReady: (url: string) => void
  withinMs?: number
}

const maxAnswerBytes = 16_384

/** Throws `policy.passkey-refused` {reason: `port` the port is taken, `time` nobody answered}, or what `judge` throws. */
export async function askBrowser<T>({ port, ask, answered, allow, judge, onReady, withinMs = 120_000 }: BrowserQuestion<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const path = `/${randomBytes(16).toString('base64url')}`
  let origin = ''
  let isSpent = false
  const servers = await listen(port, async (request, response) => {
    // A page elsewhere whose name leads here asks under its own name.
    if (`http://${request.headers.host}` !== origin || request.url !== path) return send(response, 404)
    if (isSpent) return send(response, 410)
    if (request.method === 'GET') return send(response, 200, ask(origin), allow)
    if (request.method !== 'POST' || request.headers.origin !== origin) return send(response, 403)
    isSpent = true
    try {
      const result = judge(await readAnswer(request), origin)
      send(response, 200, answered(null), allow, () => resolve(result))
    } catch (error) {
      send(response, 403, answered(error), allow, () => reject(error))
    }
  })
  const timer = setTimeout(() => reject(new AppError('policy.passkey-refused', { details: { reason: 'time' } })), withinMs)
  try {
    origin = `http://localhost:${portOf(servers)}`
    onReady(`${origin}${path}`)
    return await promise
  } finally {
    clearTimeout(timer)
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  }
}

async function listen(port: number, handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<[Server, ...Server[]]> {
  const safely: RequestListener = (request, response) => void handle(request, response).catch(() => response.destroy())
  const first = await listenAt('127.0.0.1', port, safely)
  if (first === null) throw new AppError('policy.passkey-refused', { details: { reason: 'port' } })
  const second = await listenAt('::1', portOf([first]), safely).catch((error) => {
    first.close()
    throw error
  })
  return second === null ? [first] : [first, second]
}

const portOf = ([first]: [Server, ...Server[]]) => (first.address() as AddressInfo).port

/** Null where this computer has no such address. */
async function listenAt(host: string, port: number, handle: RequestListener): Promise<Server | null> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 8_192 }, handle)
  server.maxConnections = 32
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host, port, exclusive: true, ipv6Only: true }, resolve))
    return server
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return null
    throw new AppError('policy.passkey-refused', { cause: error, details: { reason: 'port' } })
  }
}

/** The form's one field. */
async function readAnswer(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new AppError('policy.passkey-refused', { details: { reason: 'answer' } })
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8')).get('answer') ?? ''
}

function send(response: ServerResponse, status: number, page = '', allow?: BrowserQuestion<unknown>['allow'], onSent?: () => void): void {
  const { script, style } = allow ?? { script: "'none'", style: "'none'" }
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; script-src ${script}; style-src ${style}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    // Not `no-referrer`: with that a browser posts the form as from nowhere (Fetch, "append a request Origin header").
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    connection: 'close',
  })
  // Sent, or the browser has gone: either way there is nothing more to say.
  if (onSent) response.once('close', onSent)
  response.end(page)
}
