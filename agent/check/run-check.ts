import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type AllowedHost, type AllowList, addressText } from '@gantry/shared/allow-list.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { checkPath, checkProtocol, legLimits, maxCheckBytes } from '@gantry/shared/leg.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { parseAnswerHead } from '@gantry/shared/node/leg.ts'
import { readUntil } from '@gantry/shared/node/read-until.ts'
import { type CheckedHost, type CheckHop, judgeClock, judgePassport, type Passport } from '@gantry/shared/passport.ts'
import { troubleOf } from './trouble.ts'

/**
 * Asks every host of the allow-list, one after the other and hop by hop, with the agent's own dialler. It changes nothing anywhere: no poll, no ticket, no state.
 */
export type CheckWith = {
  list: AllowList
  dial: Dial
  /** Whether the way to that host leads through the proxy: then it is the proxy that asks DNS. */
  isProxied: (host: AllowedHost) => Promise<boolean>
  /** The device's certificate and key in PEM, for the listener that demands them; null before the enrolment. */
  identity: { cert: string; key: string } | null
  signal: AbortSignal
  /** After each step, the passport as far as it is. */
  onProgress: (passport: Passport) => void
  now?: () => number
  /** Addresses that DNS gives. */
  resolve?: (host: string) => Promise<string[]>
}

const answerTimeoutMs = 8_000

/** Resolves with the whole passport; throws the signal's reason when it is cancelled. */
export async function runCheck(options: CheckWith): Promise<Passport> {
  const { list, signal, onProgress, identity, now = Date.now } = options
  const { device, proxy } = list
  const passport: Passport = {
    version: 1,
    madeAt: new Date(now()).toISOString(),
    device,
    proxy,
    hosts: await Promise.all(list.hosts.map(async (host) => toCheck(host, { enrolled: identity !== null, proxied: await options.isProxied(host) }))),
    clock: { verdict: 'waiting', offsetSeconds: null },
    verdict: 'running',
  }
  onProgress(structuredClone(passport))
  for (const host of passport.hosts.filter(({ needed }) => needed)) {
    const offset = await checkHost(host, { ...options, now, tell: () => onProgress(structuredClone(passport)) })
    signal.throwIfAborted()
    passport.clock = judgeClock(passport.clock.offsetSeconds ?? offset)
    onProgress(structuredClone(passport))
  }
  passport.verdict = judgePassport(passport)
  return passport
}

function toCheck(host: AllowedHost, { enrolled, proxied }: { enrolled: boolean; proxied: boolean }): CheckedHost {
  const needed = host.purpose !== 'enrolment' || !enrolled
  const asksDns = !isIP(host.host) && host.addresses.length === 0
  const way: CheckHop[] = proxied ? ['proxy', 'tls'] : [...(asksDns ? ['dns' as const] : []), 'tcp', 'tls']
  // Without its certificate a device gets no answer from the listener that demands it.
  const last: CheckHop[] = host.purpose === 'access-server' ? ['upgrade'] : host.purpose === 'main-server' && !enrolled ? [] : ['answer']
  const hops = needed ? [...way, ...last] : []
  return { ...host, found: [], needed, hops: hops.map((hop) => ({ hop, verdict: 'waiting', trouble: null })) }
}

type Context = Pick<CheckWith, 'dial' | 'identity' | 'signal' | 'resolve'> & { now: () => number; tell: () => void }

/** How far this device's clock runs ahead of the host's, in seconds, where it said the time. */
async function checkHost(host: CheckedHost, context: Context): Promise<number | null> {
  const { dial, identity, signal, now, tell, resolve = resolveByDns } = context
  let socket: TLSSocket | undefined
  let at: CheckHop = host.hops[0]?.hop ?? 'tcp'
  const pass = (...hops: CheckHop[]) => {
    for (const one of host.hops) if (hops.includes(one.hop)) one.verdict = 'passes'
    at = host.hops.find(({ verdict }) => verdict === 'waiting')?.hop ?? at
    tell()
  }
  try {
    if (at === 'dns') {
      host.found = (await resolve(host.host).catch((error: unknown) => Promise.reject(unreachable(host, 'dns', error)))).slice(0, 16)
      pass('dns')
    }
    socket = await dial({ host: host.host, port: host.port, signal, ...(host.purpose === 'main-server' ? (identity ?? {}) : {}) })
    pass('proxy', 'tcp', 'tls')
    if (!host.hops.some(({ verdict }) => verdict === 'waiting')) return null
    const until = AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)])
    const date = host.purpose === 'access-server' ? await askUpgrade(socket, host, until) : await askAnswer(socket, host, until)
    pass('answer', 'upgrade')
    // The header counts whole seconds, so half a one is the best guess.
    return Number.isNaN(date) ? null : Math.round((now() - date - 500) / 1_000)
  } catch (error) {
    signal.throwIfAborted()
    note(host, troubleOf(error, { host: host.host, port: host.port, hop: at }))
    tell()
    return null
  } finally {
    socket?.destroy()
  }
}

function note(host: CheckedHost, { hop, trouble }: ReturnType<typeof troubleOf>): void {
  const failed = host.hops.findIndex((one) => one.hop === hop)
  const from = failed >= 0 ? failed : host.hops.findIndex(({ verdict }) => verdict === 'waiting')
  host.hops = host.hops.map((one, index) => {
    if (index < from) return { ...one, verdict: 'passes' }
    return index === from ? { ...one, verdict: 'fails', trouble } : { ...one, verdict: 'not-tried' }
  })
}

/** Any answer of the server that proved its name will do; what it thinks of the question is not asked. Gives its time. */
async function askAnswer(socket: TLSSocket, host: AllowedHost, signal: AbortSignal): Promise<number> {
  const { status, headers } = await ask(socket, ['GET /healthz HTTP/1.1', `Host: ${addressText(host)}`, 'Connection: close'], signal)
  if (status >= 500) throw unreachable(host, 'answer', new Error(String(status)))
  return Date.parse(headers.get('date') ?? '')
}

/** A real upgrade, and bytes both ways behind it. */
async function askUpgrade(socket: TLSSocket, host: AllowedHost, signal: AbortSignal): Promise<number> {
  const question = [`GET ${checkPath} HTTP/1.1`, `Host: ${addressText(host)}`, 'Connection: Upgrade', `Upgrade: ${checkProtocol}`]
  const { status, headers } = await ask(socket, question, signal)
  if (status !== 101 || headers.get('upgrade')?.toLowerCase() !== checkProtocol) throw unreachable(host, 'upgrade', new Error(`HTTP ${status}`))
  const line = `gantry ${Math.floor(Math.random() * 1e9)}`
  socket.write(`${line}\n`)
  const back = await readUntil(socket, '\n', { maxBytes: maxCheckBytes, signal })
  if (back.toString('latin1') !== line) throw unreachable(host, 'upgrade', new Error('altered'))
  return Date.parse(headers.get('date') ?? '')
}

async function ask(socket: TLSSocket, lines: string[], signal: AbortSignal): Promise<ReturnType<typeof parseAnswerHead>> {
  socket.write([...lines, '', ''].join('\r\n'))
  return parseAnswerHead((await readUntil(socket, '\r\n\r\n', { maxBytes: legLimits.maxHeadBytes, signal })).toString('latin1'))
}

async function resolveByDns(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

function unreachable({ host, port }: AllowedHost, hop: CheckHop, cause: unknown): AppError {
  const reason = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : 'failed'
  return new AppError('server.unreachable', { cause, details: { host, port, hop, reason } })
}
