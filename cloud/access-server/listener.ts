import type { AddressInfo, Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { tlsPolicy } from '@gantry/shared/node/tls.ts'
import type { TlsPair } from '@gantry/shared/node/tls-files.ts'
import type { Limits } from './config.ts'
import { addressGroup, createOpeningLimits } from './opening-limits.ts'

/**
 * Accepts connections, and holds each to the limits of what is not admitted yet: a place among the few, and one time limit from the first packet to the
 * admission, TLS handshake included.
 */
export type Place = {
  readonly address: string
  /** Aborts when the time is over. */
  readonly signal: AbortSignal
  /** Gives the place back: admitted, or answered. */
  leave(): void
}
export type Listener = {
  readonly port: number
  /** New connections get this certificate; those that are open go on with the one before. */
  renew(pair: TlsPair): void
  close(): Promise<void>
}
type Options = {
  host: string
  port: number
  pair: TlsPair
  limits: Limits
  onConnection(socket: TLSSocket, place: Place): void
  onRefused(error: AppError, address: string): void
}

/** A TLS handshake and an admission over a bad line. */
const slowMs = 2_000

export async function listen({ host, port, pair, limits, onConnection, onRefused }: Options): Promise<Listener> {
  const { openingTimeoutMs } = limits
  const opening = createOpeningLimits(limits)
  const places = new Map<string, Place>()
  const sockets = new Set<Socket>()

  /** TLS hands over another socket object than the listener; what both know is who the peer is. */
  const peerOf = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort}`

  /** Those that are not admitted yet, oldest first. */
  const unadmitted = new Map<Place, { sinceMs: number; end: () => void }>()
  /** Who means it is through in a moment; so where many slow ones have taken all places, the slowest makes room, and a flood of them keeps nobody out. */
  const makeRoom = () => {
    const [oldest] = unadmitted.values()
    if (oldest && performance.now() - oldest.sinceMs > slowMs) oldest.end()
  }

  const takePlace = (raw: Socket): void => {
    const address = raw.remoteAddress ?? ''
    const group = addressGroup(address)
    if (opening.isFull()) makeRoom()
    if (!raw.remoteAddress || !opening.enter(group)) {
      raw.destroy()
      if (address) onRefused(new AppError('leg.busy'), address)
      return
    }
    const peer = peerOf(raw)
    const time = new AbortController()
    const late = () => {
      // Still in the map: the TLS handshake is not done, and nobody listens to the signal yet.
      if (places.delete(peer)) raw.destroy()
      time.abort(new AppError('leg.refused', { details: { what: 'time' } }))
    }
    const timer = setTimeout(late, openingTimeoutMs)
    let left = false
    const leave = () => {
      if (left) return
      left = true
      clearTimeout(timer)
      unadmitted.delete(place)
      opening.leave(group)
    }
    const place: Place = { address, signal: time.signal, leave }
    const end = () => {
      late()
      leave()
    }
    unadmitted.set(place, { sinceMs: performance.now(), end })
    places.set(peer, place)
    raw.once('close', () => {
      places.delete(peer)
      leave()
    })
  }

  const server = createServer({ ...pair, allowHalfOpen: true, noDelay: true, handshakeTimeout: openingTimeoutMs, ...tlsPolicy })
  server.on('connection', (raw: Socket) => {
    sockets.add(raw)
    raw.once('close', () => sockets.delete(raw))
    // A peer may reset at any moment; the TLS socket tells whoever works with it.
    raw.on('error', () => undefined)
    takePlace(raw)
  })
  server.on('secureConnection', (socket) => {
    const peer = peerOf(socket)
    const place = places.get(peer)
    places.delete(peer)
    if (place) onConnection(socket, place)
    else socket.destroy()
  })
  server.on('tlsClientError', (error, socket) => {
    onRefused(new AppError('leg.refused', { cause: error, details: { what: 'tls' } }), socket.remoteAddress ?? '')
    socket.destroy()
  })

  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  return {
    port: (server.address() as AddressInfo).port,
    renew: (next) => server.setSecureContext({ ...next, ...tlsPolicy }),
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()))
      // What is written already still goes out.
      for (const socket of sockets) socket.destroySoon()
      await closed
    },
  }
}
