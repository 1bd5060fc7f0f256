import { lookup } from 'node:dns/promises'
import { connect, isIP, isIPv6, type Socket } from 'node:net'

/** Addresses of hosts by name, asked in place of DNS: a site may give its devices fixed addresses and no resolver (R043). */
export type KnownAddresses = Readonly<Record<string, readonly string[]>>

/** RFC 8305 section 8 recommends 250 ms: an address that does not answer costs so much, and a slow one is not given up. */
const attemptDelayMs = 250
const maxAddresses = 8

/** At least one address; IPv6 and IPv4 in turn, beginning with the resolver's choice (RFC 8305 section 4). Throws what DNS says. */
export async function findAddresses(host: string, known: KnownAddresses = {}): Promise<string[]> {
  if (isIP(host)) return [host]
  const name = host.toLowerCase()
  const configured = Object.hasOwn(known, name) ? known[name] : undefined
  const found = configured ?? (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address)
  const first = found.filter((address) => isIPv6(address) === isIPv6(found[0] ?? ''))
  const second = found.filter((address) => !first.includes(address))
  return first
    .flatMap((address, at) => [address, ...second.slice(at, at + 1)])
    .concat(second.slice(first.length))
    .slice(0, maxAddresses)
}

export type OpenTcp = { port: number; allowHalfOpen: boolean; signal: AbortSignal }

/**
 * The first of these addresses that answers (RFC 8305, "happy eyeballs"). Node's own `autoSelectFamily` gives an attempt up after its delay instead of leaving it
 * running, so that a site with a slow way out and a dead IPv6 would never get through. Throws the last error, or the signal's reason.
 */
export async function openTcp(addresses: readonly string[], { port, allowHalfOpen, signal }: OpenTcp): Promise<Socket> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const waiting = [...addresses]
  const open = new Set<Socket>()
  let timer: NodeJS.Timeout | undefined
  const next = (error?: Error) => {
    clearTimeout(timer)
    const address = waiting.shift()
    if (address === undefined) return open.size === 0 && error ? reject(error) : undefined
    const socket = connect({ host: address, port, noDelay: true, allowHalfOpen })
    open.add(socket)
    timer = setTimeout(next, attemptDelayMs)
    socket.once('connect', () => {
      open.delete(socket)
      resolve(socket)
    })
    // It stays for good: a late error on a socket without a listener would end the process.
    socket.on('error', (failure) => {
      if (open.delete(socket)) next(failure)
    })
  }
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    next()
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    clearTimeout(timer)
    waiting.length = 0
    for (const socket of [...open]) {
      open.delete(socket)
      socket.destroy()
    }
  }
}
