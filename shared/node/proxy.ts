import type { Socket } from 'node:net'
import { getCACertificates } from 'node:tls'
import { AppError } from '../errors.ts'
import { openTls } from './open-tls.ts'
import { type Answerable, answerChallenge, type Challenge, type Credentials, chooseChallenge, isStale, parseChallenges } from './proxy-auth.ts'
import { createProxyGuard, type ProxyGuard } from './proxy-guard.ts'
import { readUntil } from './read-until.ts'

/**
 * The way through an HTTP proxy: one CONNECT (RFC 9110 section 9.3.6), then raw bytes. Every try has a connection of its own, so that the body of a refusal, which is
 * the proxy's own text, is never parsed. What runs inside is TLS to a server that we know: a proxy sees host, port, sizes, and its own password.
 */
export type HttpProxy = {
  host: string
  port: number
  /**
   * TLS to the proxy itself; null: none. `ca` is the PEM of who vouches for it; null: the public roots and the system's trust store, since the proxy is the site's own, and
   * its certificate comes from whomever the site's computers believe.
   */
  tls: { ca: string | null } | null
  /** Asked when the proxy demands them, each time anew: a mended password counts at once. Null: there are none. */
  credentials?: (() => Promise<Credentials | null>) | undefined
}

type Target = { host: string; port: number }
/** `openTo` reaches the proxy itself. */
type Way = { openTo: (place: Target) => Promise<Socket>; signal: AbortSignal }

export type ProxyTunnels = {
  /**
   * A connection on which the target will answer. Errors: `server.proxy-refused {host, port, proxy, status, reason, …}` with the reason `credentials-missing`,
   * `credentials-wrong {retrySeconds}`, `scheme-unknown {offers}`, `forbidden` or `failed`; `server.identity-wrong {host, issuer, proxy}` for the proxy's own certificate;
   * and what sockets throw.
   */
  open(proxy: HttpProxy, target: Target, way: Way): Promise<Socket>
}

/** What is remembered of a proxy: its last challenge (one question less, and a Digest nonce serves many times), and whether it took the password. */
type Memory = { challenge: Answerable | null; count: number; guard: ProxyGuard }

const maxHeadBytes = 16_384
/** With what is remembered; with what the proxy then asks for; and once more where its nonce was too old by then. */
const maxTries = 3

export function createProxyTunnels(now: () => number = Date.now): ProxyTunnels {
  const memories = new Map<string, Memory>()
  return {
    async open(proxy, target, way) {
      const name = nameOf(proxy)
      const memory = memories.get(name) ?? { challenge: null, count: 0, guard: createProxyGuard(now) }
      memories.set(name, memory)
      return connectThrough({ proxy, name, memory, target, way })
    },
  }
}

/** `host:port`, as CONNECT names a server (RFC 9112 section 3.2.3) and errors a proxy. */
export function nameOf({ host, port }: Target): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

type Call = { proxy: HttpProxy; name: string; memory: Memory; target: Target; way: Way }

async function connectThrough(call: Call): Promise<Socket> {
  const { memory, proxy } = call
  let isFresh = false
  let sent: Authorization | null = null
  for (let attempt = 1; attempt <= maxTries; attempt++) {
    sent = await authorize(call)
    const { status, socket, challenges } = await ask(call, sent)
    if (status !== 407) {
      if (sent) memory.guard.accepted()
      if (socket) return socket
      throw refusal(call, { status, reason: status === 403 || status === 405 ? 'forbidden' : 'failed' })
    }
    const challenge = chooseChallenge(challenges)
    memory.challenge = challenge
    memory.count = 0
    if (sent && isWrong(sent.challenge, challenge, isFresh)) break
    if (sent) memory.guard.unanswered()
    if (!challenge) throw refusal(call, { status, reason: 'scheme-unknown', offers: offersOf(challenges) })
    if (!sent && !(await proxy.credentials?.())) throw refusal(call, { status, reason: 'credentials-missing', offers: offersOf(challenges) })
    isFresh = true
  }
  if (sent) memory.guard.refused(sent.credentials)
  throw refusal(call, { status: 407, reason: 'credentials-wrong' })
}

/** Basic has nothing that could be out of date. Digest may have: a nonce from an earlier connection, or one that the proxy itself calls stale. */
function isWrong(sent: Answerable, next: Answerable | null, isFresh: boolean): boolean {
  return sent.scheme === 'basic' || (isFresh && !(next && isStale(next)))
}

type Authorization = { credentials: Credentials; challenge: Answerable; header: string }

/** The answer to the challenge that is remembered; null where there is none, or no credentials. Throws where these were refused a moment ago. */
async function authorize(call: Call): Promise<Authorization | null> {
  const { proxy, memory, target, way } = call
  if (!memory.challenge) return null
  const credentials = (await proxy.credentials?.()) ?? null
  if (!credentials) return null
  const waitMs = await memory.guard.enter(credentials, way.signal)
  if (waitMs > 0) throw refusal(call, { status: 407, reason: 'credentials-wrong', retrySeconds: Math.ceil(waitMs / 1_000) })
  // Another connection may have heard something newer meanwhile.
  const challenge: Answerable | null = memory.challenge
  if (!challenge) return null
  memory.count += 1
  return { credentials, challenge, header: answerChallenge(challenge, credentials, { method: 'CONNECT', uri: nameOf(target), count: memory.count }) }
}

type Answer = { status: number; challenges: Challenge[]; socket: Socket | null }

/** One CONNECT on one connection, which stays open only if the proxy agrees (any 2xx). */
async function ask({ proxy, name, memory, target, way }: Call, sent: Authorization | null): Promise<Answer> {
  let socket: Socket | null = null
  try {
    socket = await way.openTo(proxy)
    if (proxy.tls) socket = await secure(socket, { proxy, name, ...proxy.tls, signal: way.signal })
    socket.write(connectHead(target, sent?.header ?? null))
    const head = (await readUntil(socket, '\r\n\r\n', { maxBytes: maxHeadBytes, signal: way.signal })).toString('latin1')
    const answer = parseAnswer(head)
    const isOpen = answer.status >= 200 && answer.status < 300
    // The server speaks second in TLS: what stands behind the proxy's answer already is not its word.
    if (isOpen && socket.readableLength > 0) throw badAnswer('early-data')
    if (!isOpen) socket.destroy()
    return { ...answer, socket: isOpen ? socket : null }
  } catch (error) {
    socket?.destroy()
    if (sent) memory.guard.unanswered()
    way.signal.throwIfAborted()
    throw error instanceof AppError && error.code === 'contract.too-large' ? badAnswer('answer-too-large') : asRaw(error)
  }
}

async function secure(
  socket: Socket,
  { proxy, name, ca, signal }: { proxy: HttpProxy; name: string; ca: string | null; signal: AbortSignal },
): Promise<Socket> {
  const trusted = ca ?? [...getCACertificates('default'), ...getCACertificates('system')]
  try {
    return await openTls(socket, { host: proxy.host, ca: trusted, signal })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, { cause: error, details: { ...error.details, proxy: name } })
  }
}

function connectHead(target: Target, authorization: string | null): string {
  const name = nameOf(target)
  // A host comes from a config or a signed ticket; nothing in it may begin a header of its own.
  if (!/^[\w.:[\]-]+$/.test(name)) throw badAnswer('host-bad')
  return [`CONNECT ${name} HTTP/1.1`, `Host: ${name}`, ...(authorization ? [`Proxy-Authorization: ${authorization}`] : []), '', ''].join('\r\n')
}

function parseAnswer(head: string): { status: number; challenges: Challenge[] } {
  const [first = '', ...lines] = head.split('\r\n')
  // HTTP/1.0 too: that is how tinyproxy answers.
  const status = /^HTTP\/1\.[01] ([2-5]\d\d)(?: |$)/.exec(first)?.[1]
  if (!status) throw badAnswer('answer-bad')
  const authenticate = lines.flatMap((line) => /^proxy-authenticate:\s*(.*)$/i.exec(line)?.[1] ?? [])
  return { status: Number(status), challenges: parseChallenges(authenticate) }
}

/** An error of the hop, as a socket's is: the dialler says whose. */
function badAnswer(code: string): Error {
  return Object.assign(new Error('the proxy did not answer as one'), { code })
}

function asRaw(error: unknown): unknown {
  return error instanceof AppError && error.code === 'server.unreachable' ? badAnswer('closed') : error
}

/** Scheme names come from a stranger and are shown to a person. */
function offersOf(challenges: readonly Challenge[]): string {
  const names = [...new Set(challenges.map(({ scheme }) => scheme.replaceAll(/[^a-z0-9-]/g, '?')))]
  return names.join(', ').slice(0, 80) || 'nothing'
}

function refusal({ name, target }: Call, facts: { status: number; reason: string; offers?: string; retrySeconds?: number }): AppError {
  return new AppError('server.proxy-refused', { details: { ...target, proxy: name, ...facts } })
}
