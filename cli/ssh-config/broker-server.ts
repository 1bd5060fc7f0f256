import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from '@gantry/shared/contract.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import { parseLine, writeLine } from '@gantry/shared/node/lines.ts'
import { readUntil } from '@gantry/shared/node/read-until.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import { type Broker, BrokerOver } from './broker.ts'
import { type FromBroker, maxBrokerLineBytes, ToBroker } from './broker-protocol.ts'

export type BrokerServer = {
  /** Takes no further connection. */
  stopListening(): void
  /** Resolves when those that are there have been told and are gone, after `ms` at the latest. */
  drain(ms: number): Promise<void>
}
export type BrokerServerOptions = {
  socketPath: string
  broker: Broker
  /** The failure was the key's renewal, which has a remedy of its own. */
  isRenewal: (error: unknown) => boolean
}

/** Nobody but a ProxyCommand of ours connects, and it speaks at once. */
const firstLineMs = 10_000
/** After the far end closed, the cause of the session's end may still be on its way over the session's own channel. */
const causeMs = 500
/** What was sent last may still be on its way into the leg when the ProxyCommand is gone. */
const flushMs = 1_000
const held = new WeakSet<Socket>()

export async function serveBroker(options: BrokerServerOptions): Promise<BrokerServer> {
  const connections = new Set<Promise<void>>()
  const legs = new Map<string, (socket: Socket) => void>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    const one: Promise<void> = serveConnection(socket, options, legs)
      .catch(() => undefined)
      .finally(() => {
        if (!held.has(socket)) socket.end()
        connections.delete(one)
      })
    connections.add(one)
  })
  await listen(server, options.socketPath)
  return {
    stopListening() {
      server.close()
      removeSocket(options.socketPath)
    },
    async drain(ms) {
      await Promise.race([Promise.all(connections), sleep(ms, undefined, { ref: false })])
    },
  }
}

async function serveConnection(socket: Socket, options: BrokerServerOptions, legs: Map<string, (socket: Socket) => void>): Promise<void> {
  const line = await readUntil(socket, '\n', { maxBytes: maxBrokerLineBytes, signal: AbortSignal.timeout(firstLineMs) })
  const message = parse(ToBroker, parseLine(line.toString('utf8')), 'line')
  if (message.kind === 'end') return end(socket, options.broker)
  if (message.kind === 'join') return serveMember(socket, message.pin, options, legs)
  const claim = legs.get(message.token)
  legs.delete(message.token)
  if (!claim) throw new AppError('session.unknown')
  claim(socket)
  await new Promise((resolve) => socket.once('close', resolve))
}

/** Left open: it closes with the process, and whoever waits for that knows that the session is over and every request withdrawn. */
function end(socket: Socket, broker: Broker): void {
  held.add(socket)
  broker.stop()
}

async function serveMember(
  socket: Socket,
  pin: string | undefined,
  { broker, isRenewal }: BrokerServerOptions,
  legs: Map<string, (socket: Socket) => void>,
): Promise<void> {
  const tell = (message: FromBroker) => writeLine(socket, message).catch(() => undefined)
  const gone = new AbortController()
  socket.once('close', () => gone.abort(new AppError('access.cancelled')))
  socket.once('end', () => gone.abort(new AppError('access.cancelled')))
  socket.resume()
  const member = {
    signal: gone.signal,
    pin,
    onProgress: (progress: Parameters<Parameters<Broker['join']>[0]['onProgress']>[0]) => void tell({ kind: 'progress', progress }),
  }
  try {
    const leg = await broker.join(member)
    const token = newNonce()
    const pumped = pumpOnce(leg, gone.signal, (claim) => legs.set(token, claim))
    await tell({ kind: 'open', token })
    await pumped
    legs.delete(token)
    const end = await Promise.race([broker.finished, sleep(causeMs, null)])
    if (end) await tell({ kind: 'ended', cause: end.cause })
  } catch (error) {
    const failure = toFailure(error)
    await tell(error instanceof BrokerOver ? { kind: 'again' } : { kind: 'failure', failure, renewed: isRenewal(error) })
  } finally {
    broker.leave(member)
  }
}

/** Pumps between the leg and the socket that brings the leg's token; ends when both directions have, or soon after the ProxyCommand is gone. */
async function pumpOnce(leg: Duplex, gone: AbortSignal, offer: (claim: (socket: Socket) => void) => void): Promise<void> {
  const claimed = Promise.withResolvers<Socket>()
  const cut = () => void sleep(flushMs).then(() => leg.destroy())
  // Two pipelines and the leg's own layers each listen for its close; that is no leak.
  leg.setMaxListeners(30)
  leg.on('error', () => leg.destroy())
  leg.once('close', () => claimed.reject(new AppError('session.ended')))
  gone.addEventListener('abort', cut, { once: true })
  if (gone.aborted) cut()
  offer(claimed.resolve)
  const socket = await claimed.promise
  socket.setNoDelay(true)
  await Promise.allSettled([pipeline(socket, leg), pipeline(leg, socket)])
  socket.destroy()
}

export async function listen(server: Server, path: string): Promise<void> {
  removeSocket(path)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
}

function removeSocket(path: string): void {
  if (process.platform !== 'win32') rmSync(path, { force: true })
}
