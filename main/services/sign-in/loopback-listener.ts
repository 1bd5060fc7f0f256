import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '@gantry/shared/errors.ts'
import { answerPage } from './answer-page.ts'

/**
 * Where the browser brings the authorization code back to (RFC 8252 section 7.3): 127.0.0.1 by literal, since `localhost` may be somebody else's, and a free port.
 * It takes one request: GET /callback with our state and our own Host (a page elsewhere that rebinds its name to 127.0.0.1 sends its own). Anything else is
 * refused and changes nothing, so that no other program or page on this computer can end or spoil a sign-in. Nor does a page that has learned the state get in by a
 * request of its own or a frame: what a person's browser follows has no Origin, and where it says how it goes, it navigates a whole page (Fetch Metadata).
 */
export type LoopbackListener = {
  redirectUri: string
  /** The address the browser came back to. Rejects with `auth.cancelled` when nobody came in time, or with the signal's reason. */
  answer: Promise<URL>
  close(): Promise<void>
}
export type LoopbackOptions = {
  state: string
  /** The main server's own page for the end of a sign-in; without one a page of ours is shown. */
  donePage?: string
  timeoutMs?: number
  signal?: AbortSignal
}

const maxHeaderBytes = 8_192

export async function openLoopbackListener({ state, donePage, timeoutMs = 120_000, signal }: LoopbackOptions): Promise<LoopbackListener> {
  signal?.throwIfAborted()
  const answered = Promise.withResolvers<URL>()
  answered.promise.catch(() => undefined)
  const server = createServer({ maxHeaderSize: maxHeaderBytes, requestTimeout: 5_000, headersTimeout: 5_000, keepAlive: false })
  await listen(server)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let used = false

  server.on('request', (request, response) => {
    const verdict = judgeCallback(request, { origin, state, used })
    if (verdict.kind === 'accept') {
      used = true
      // The page is on its way before the port closes: the browser must not show an error for a sign-in that worked.
      response.once('close', () => answered.resolve(verdict.url))
    }
    reply(request, response, verdict, donePage)
  })
  const timer = setTimeout(() => answered.reject(new AppError('auth.cancelled', { details: { seconds: Math.round(timeoutMs / 1_000) } })), timeoutMs)
  const abort = () => answered.reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })

  const close = async () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    answered.reject(new AppError('auth.cancelled'))
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  const answer = answered.promise.finally(close)
  answer.catch(() => undefined)
  return { redirectUri: `${origin}/callback`, answer, close }
}

type Expected = { origin: string; state: string; used: boolean }
export type CallbackVerdict = { kind: 'accept'; url: URL } | { kind: 'refuse'; status: 400 | 403 | 404 | 405 | 410 | 421 }

/** Every check in one place; the first that fails decides. */
export function judgeCallback(request: Pick<IncomingMessage, 'method' | 'url' | 'headers'>, { origin, state, used }: Expected): CallbackVerdict {
  if (request.headers.host !== new URL(origin).host) return { kind: 'refuse', status: 421 }
  const url = URL.canParse(request.url ?? '', origin) ? new URL(request.url ?? '', origin) : null
  if (url?.origin !== origin || url.pathname !== '/callback') return { kind: 'refuse', status: 404 }
  if (request.method !== 'GET') return { kind: 'refuse', status: 405 }
  if (!isWholePage(request.headers)) return { kind: 'refuse', status: 403 }
  const states = url.searchParams.getAll('state')
  if (states.length !== 1 || !sameText(states[0] ?? '', state)) return { kind: 'refuse', status: 400 }
  const outcomes = [...url.searchParams.getAll('code'), ...url.searchParams.getAll('error')]
  if (outcomes.length !== 1) return { kind: 'refuse', status: 400 }
  if (used) return { kind: 'refuse', status: 410 }
  return { kind: 'accept', url }
}

function isWholePage({ origin, 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': destination = 'document' }: IncomingMessage['headers']): boolean {
  return origin === undefined && mode === 'navigate' && destination === 'document'
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function reply(request: IncomingMessage, response: ServerResponse, verdict: CallbackVerdict, donePage: string | undefined): void {
  if (verdict.kind === 'accept' && donePage && verdict.url.searchParams.has('code')) {
    response.writeHead(303, { location: donePage, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', connection: 'close' }).end()
    return
  }
  const refused = verdict.kind === 'refuse'
  const page = answerPage(request.headers['accept-language'], refused || verdict.url.searchParams.has('error') ? 'failed' : 'done')
  response.writeHead(refused ? verdict.status : 200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(page),
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  response.end(request.method === 'HEAD' ? undefined : page)
}

async function listen(server: Server): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, resolve)
  await promise
}
