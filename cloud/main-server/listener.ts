import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { AppError } from '@gantry/shared/errors.ts'
import { tlsPolicy } from '@gantry/shared/node/tls.ts'
import type { TlsPair } from '@gantry/shared/node/tls-files.ts'

export type ListenerOptions = {
  host: string
  /** 0 = any free port. */
  port: number
  pair: TlsPair
  /** PEM of the CAs one of which must have issued the caller's certificate; without it nobody is asked for one. */
  clientCa?: string
}
export type Listener = {
  server: Server
  port: number
  /** What new connections meet; those that are open go on. */
  renew(change: Partial<Pick<ListenerOptions, 'pair' | 'clientCa'>>): void
  /** Until it is called, every request gets 503: a client that was waiting for a restart tries again instead of hanging. */
  serve(handler: RequestListener): void
  /** Takes no new connection, lets running answers finish for `graceMs`, then cuts. */
  close(graceMs: number): Promise<void>
}

/**
 * A TLS listener that is open before anything is served, since the port is part of what is served (the issuer's name). Limits against slow and many
 * senders are set here, before any of our code runs. Throws `port.busy {port}`.
 */
export async function openListener({ host, port, ...identity }: ListenerOptions): Promise<Listener> {
  let handler: RequestListener = answerUnavailable
  let { pair, clientCa } = identity
  const secure = () => ({ ...pair, ...tlsPolicy, honorCipherOrder: true, ...(clientCa === undefined ? {} : { ca: clientCa }) })
  const mutual = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true }
  const limits = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 5_000, handshakeTimeout: 10_000 }
  const server = createServer({ ...secure(), ...mutual, ...limits, maxHeaderSize: 16_384 }, (request, response) => {
    handler(request, response)
  })
  server.maxConnections = 20_000
  // A caller whose TLS fails is no event of ours, and an unheard error would end the process.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  await listen(server, host, port)
  return {
    server,
    port: (server.address() as AddressInfo).port,
    renew(change) {
      pair = change.pair ?? pair
      clientCa = change.clientCa ?? clientCa
      server.setSecureContext(secure())
    },
    serve: (next) => {
      handler = next
    },
    close: (graceMs) => closeServer(server, graceMs),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new AppError('port.busy', { cause: error, details: { port } }) : error)
    })
    server.listen({ host, port }, resolve)
  })
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    // A connection that was kept alive becomes idle only when its answer is through.
    const idle = setInterval(() => server.closeIdleConnections(), 20)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(idle)
      resolve()
    })
  })
}

function answerUnavailable(_request: IncomingMessage, response: ServerResponse): void {
  const body = JSON.stringify({ ok: false, failure: { code: 'server.unreachable', details: { reason: 'starting' } } })
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' }).end(body)
}
