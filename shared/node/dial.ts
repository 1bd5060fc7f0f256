import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import { abortable } from './abortable.ts'
import { type OpenTls, openTls } from './open-tls.ts'
import { createProxyTunnels, type HttpProxy, nameOf, type ProxyTunnels } from './proxy.ts'
import { findAddresses, type KnownAddresses, openTcp } from './tcp.ts'

/** Where to, and as whom. */
export type DialTarget = {
  host: string
  port: number
  /** PEM of our own certificate and key, where the peer asks for one. */
  cert?: string | undefined
  key?: string | undefined
  /** A TLS session to resume. */
  session?: Buffer | undefined
  /** For a machine whose own clock may be wrong. Left out by all but an agent's calls to its main server. */
  onOutdated?: OpenTls['onOutdated']
  /** For all hops together. 10,000 unless told otherwise. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** True for a tunnel, whose two directions end one by one. */
  allowHalfOpen?: boolean | undefined
}
export type Hop = 'dns' | 'tcp' | 'proxy' | 'tls'

/**
 * Every outbound connection of agent and client: polls, tunnels, sign-in (architecture 3.2). One is made per process, and handed to whoever connects.
 * Errors: `server.unreachable {host, port, hop, reason}` says how far it came (with `proxy` where that is the hop); `server.proxy-refused {host, port, proxy, status, reason}`;
 * `server.identity-wrong {host, issuer}` says who else answered (a proxy that opens TLS). An abort throws the signal's reason.
 */
export type Dial = (target: DialTarget) => Promise<TLSSocket>

export type Route = HttpProxy | 'direct'
export type DiallerOptions = {
  /** PEM of the one CA that may vouch for a server; the system's trust store is not asked (R042). */
  ca: string
  /** Asked before DNS, for servers and proxies alike; the certificate is checked for the name all the same (R043). */
  addresses?: KnownAddresses | undefined
  /** The ways to a server, at least one, in the order in which they are tried: the next only where a proxy cannot be reached. Straight there unless told otherwise (R046). */
  routesFor?: ((host: string, port: number) => Promise<readonly Route[]>) | undefined
  now?: () => number
}

export function createDialler({ now, ...options }: DiallerOptions): Dial {
  const tunnels = createProxyTunnels(now)
  return (target) => dial(target, options, tunnels)
}

async function dial(target: DialTarget, options: DiallerOptions, tunnels: ProxyTunnels): Promise<TLSSocket> {
  const { host, port, timeoutMs = 10_000, signal } = target
  signal?.throwIfAborted()
  const timeout = AbortSignal.timeout(timeoutMs)
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout
  const place: Place = { hop: 'proxy', proxy: null }
  try {
    const routes: readonly Route[] = options.routesFor ? await abortable(options.routesFor(host, port), stop) : ['direct']
    const socket = await openRoute({ target, routes, place, stop, timeoutMs, tunnels, ...options })
    place.hop = 'tls'
    const { cert, key, session, onOutdated } = target
    return await openTls(socket, { host, ca: options.ca, cert, key, session, onOutdated, signal: stop })
  } catch (error) {
    signal?.throwIfAborted()
    throw error instanceof AppError ? error : explain(error, { host, port, ...place, timedOut: timeout.aborted })
  }
}

/** How far a dial has come. */
type Place = { hop: Hop; proxy: string | null }
type OpenRoute = {
  target: DialTarget
  routes: readonly Route[]
  place: Place
  stop: AbortSignal
  timeoutMs: number
  tunnels: ProxyTunnels
  addresses?: KnownAddresses | undefined
}

/** A connection to the target, on which nothing was said yet. A proxy that answers, whatever it says, is the last that is asked. */
async function openRoute({ target, routes, place, stop, timeoutMs, tunnels, addresses }: OpenRoute): Promise<Socket> {
  const { host, port, allowHalfOpen = false } = target
  let last: unknown = new Error('no route')
  for (const route of routes) {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeoutMs / routes.length)])
    const openTo = async (to: { host: string; port: number }, onFound?: () => void) => {
      const found = await abortable(findAddresses(to.host, addresses), signal)
      onFound?.()
      return openTcp(found, { port: to.port, allowHalfOpen, signal })
    }
    try {
      place.hop = route === 'direct' ? 'dns' : 'proxy'
      place.proxy = route === 'direct' ? null : nameOf(route)
      if (route !== 'direct') return await tunnels.open(route, { host, port }, { openTo, signal })
      return await openTo(target, () => {
        place.hop = 'tcp'
      })
    } catch (error) {
      stop.throwIfAborted()
      if (error instanceof AppError) throw error
      last = error
    }
  }
  throw last
}

type Circumstances = Place & { host: string; port: number; timedOut: boolean }

function explain(error: unknown, { host, port, hop, proxy, timedOut }: Circumstances): AppError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'closed'
  const timeout = timedOut || (error instanceof Error && error.name === 'TimeoutError')
  const details = { host, port, hop, reason: timeout ? 'timeout' : code, ...(hop === 'proxy' && proxy ? { proxy } : {}) }
  return new AppError('server.unreachable', { cause: error, details })
}
