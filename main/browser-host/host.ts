import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError } from '@gantry/shared/errors.ts'
import { type EventName, events } from '@gantry/shared/ipc.ts'
import { type PageFile, type PageFiles, pageHeaders } from '@gantry/shared/node/page-files.ts'
import { WebSocketServer } from 'ws'
import { type Answer, type Connection, serveConnection } from './connection.ts'
import { createVisits } from './visits.ts'

/** Pasted text comes in pieces of 100,000 characters, at most six bytes each in JSON. */
const maxMessageBytes = 1024 * 1024
const headersWithinMs = 10_000

export type HostOptions = {
  files: PageFiles
  /** 0 = a free one. */
  port: number
  answer: Answer
  on(event: EventName, listener: (payload: unknown) => void): () => void
}
export type Host = {
  origin: string
  /** A link that works once; the one before it, if unused, no longer does. */
  newLink(): string
  close(): Promise<void>
}

/**
 * Serves the window on the loopback interface to whoever holds the one-time link, and to nobody else: not to another page in the same browser
 * (Origin, SameSite), not through a name that points here (Host), not to another server on this machine (the cookie's path is secret, since
 * browsers share cookies between ports). Errors: `port.busy`.
 */
export async function openBrowserHost({ files, port, answer, on }: HostOptions): Promise<Host> {
  const visits = createVisits()
  const folder = `/window-${randomBytes(16).toString('hex')}`
  const connections = new Set<Connection>()
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
  const server = createServer({ headersTimeout: headersWithinMs, requestTimeout: headersWithinMs, maxHeaderSize: 16 * 1024 }, (request, response) => {
    reply(response, serveHttp(request))
  })
  server.on('upgrade', (request, socket, head) => serveUpgrade(request, socket, head))
  await listen(server, port)
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const origin = `http://${host}`
  const stops = (Object.keys(events) as EventName[]).map((name) =>
    on(name, (payload) => {
      for (const connection of connections) connection.tell(name, payload)
    }),
  )

  function serveHttp(request: IncomingMessage): PageFile & { status: number } {
    if (request.headers.host !== host) return plain(421, 'This is not the name of this page.')
    if (request.method !== 'GET') return plain(405, 'Only GET.')
    const url = new URL(request.url ?? '/', origin)
    if (url.pathname === '/start') return serveStart(url.searchParams.get('key') ?? '')
    if (!url.pathname.startsWith(`${folder}/`) || !visits.knows(request.headers.cookie)) return plain(403, 'Open the link that was printed. It works once.')
    const file = files.get(url.pathname === `${folder}/` ? '/development.html' : url.pathname.slice(folder.length))
    return file ? { status: 200, ...file } : plain(404, 'There is no such file.')
  }

  function serveStart(key: string): PageFile & { status: number } {
    const cookie = visits.exchange(key)
    if (!cookie) return plain(403, 'This link has been used. Ask for a new one.')
    // A page that goes on by itself, not a redirect: coming from another site, a redirect would arrive without the strict cookie.
    const body = Buffer.from(`<!doctype html><meta charset="utf-8"><title>Gantry</title><meta http-equiv="refresh" content="0;url=${folder}/">`)
    const headers = {
      ...pageHeaders,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; frame-ancestors 'none'`,
      'set-cookie': `${visits.cookieName}=${cookie}; Path=${folder}/; HttpOnly; SameSite=Strict`,
    }
    return { status: 200, body, headers }
  }

  function serveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { headers, url } = request
    const isOurs = headers.host === host && headers.origin === origin && url === `${folder}/socket` && visits.knows(headers.cookie)
    if (!isOurs) {
      socket.on('error', () => socket.destroy())
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = serveConnection(webSocket, answer)
      connections.add(connection)
      webSocket.on('close', () => connections.delete(connection))
    })
  }

  return {
    origin,
    newLink: () => `${origin}/start?key=${visits.newKey()}`,
    async close() {
      for (const stop of stops) stop()
      for (const connection of connections) connection.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function plain(status: number, text: string): PageFile & { status: number } {
  return { status, body: Buffer.from(`${text}\n`), headers: { ...pageHeaders, 'content-type': 'text/plain; charset=utf-8' } }
}

function reply(response: ServerResponse, { status, headers, body }: PageFile & { status: number }): void {
  response.writeHead(status, { ...headers, 'content-length': body.length })
  response.end(body)
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject('code' in cause && cause.code === 'EADDRINUSE' ? new AppError('port.busy', { details: { port }, cause }) : cause))
    server.listen(port, '127.0.0.1', resolve)
  })
}
