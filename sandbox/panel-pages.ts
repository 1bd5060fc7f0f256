import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { AppError } from '@gantry/shared/errors.ts'
import type { PageFiles } from '@gantry/shared/node/page-files.ts'
import { PanelInput } from '@gantry/shared/panel.ts'
import { type WebSocket, WebSocketServer } from 'ws'
import type { PanelDesk, PanelView } from './panel-desk.ts'

/**
 * The front panels as pages. On a device this is the screen beside the injector; here it is a browser, so the way to it must be closed to the specialist's
 * own shell, which runs on the same machine: a one-time link per device becomes a cookie, and `Host` and `Origin` must be this very server's
 * (a page elsewhere cannot press Allow, also not by DNS rebinding).
 */
export type PanelPages = {
  port: number
  /** A fresh one-time link for this device's panel; the one before it is dead. */
  link(view: PanelView): string
  close(): Promise<void>
}

type Door = { view: PanelView; key: Buffer | null; cookies: Buffer[] }
const maxCookies = 16
const maxMessageBytes = 4_096
const maxQueuedBytes = 2_000_000

export async function openPanelPages(desk: PanelDesk, { port, files }: { port: number; files: PageFiles | null }): Promise<PanelPages> {
  const doors = new Map(desk.views.map((view) => [String(view.device.number), { view, key: null, cookies: [] } as Door]))
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false })
  const server = createServer((request, response) => answer(request, response))
  server.maxConnections = 256
  const origin = () => `http://127.0.0.1:${port}`
  const isOwnHost = (request: IncomingMessage) => request.headers.host === `127.0.0.1:${port}`

  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const { door, rest, key } = route(request, doors)
    if (!isOwnHost(request) || request.method !== 'GET') return refuse(response, 403)
    if (!door) return refuse(response, 404)
    if (key !== null) return openDoor(door, key, response)
    if (!holdsCookie(door, request)) return refuse(response, 403)
    const file = files?.get(rest === '/' ? '/index.html' : rest)
    if (!file) return refuse(response, files ? 404 : 503)
    response.writeHead(200, file.headers).end(file.body)
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { door, rest } = route(request, doors)
    const allowed = isOwnHost(request) && request.headers.origin === origin() && rest === '/socket' && door && holdsCookie(door, request)
    if (!allowed) return socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, (webSocket) => connect(door.view, webSocket))
  })

  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', (error) => reject(new AppError('port.busy', { cause: error, details: { port } })))
  server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
  await promise

  return {
    port,
    link(view) {
      const door = doors.get(String(view.device.number))
      if (!door) throw new Error('no such panel')
      door.key = randomBytes(24)
      return `${origin()}/${view.device.number}/?key=${door.key.toString('base64url')}`
    },
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
    },
  }
}

function route(request: IncomingMessage, doors: Map<string, Door>): { door: Door | undefined; rest: string; key: string | null } {
  const url = URL.parse(request.url ?? '/', 'http://127.0.0.1')
  const [, number = '', rest = ''] = /^\/([1-9][0-9]?)(\/.*)$/.exec(url?.pathname ?? '') ?? []
  return { door: doors.get(number), rest, key: rest === '/' ? (url?.searchParams.get('key') ?? null) : null }
}

/** The link works once. What it leaves is a cookie of this path that no script can read and no other site can send. */
function openDoor(door: Door, key: string, response: ServerResponse): void {
  const isRight = door.key !== null && equal(Buffer.from(key, 'base64url'), door.key)
  if (!isRight) return refuse(response, 403)
  door.key = null
  const cookie = randomBytes(24)
  door.cookies = [...door.cookies, cookie].slice(-maxCookies)
  const { number } = door.view.device
  response
    .writeHead(303, {
      'set-cookie': `gantry-panel-${number}=${cookie.toString('base64url')}; Path=/${number}/; HttpOnly; SameSite=Strict`,
      location: `/${number}/`,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    })
    .end()
}

function holdsCookie(door: Door, request: IncomingMessage): boolean {
  const name = `gantry-panel-${door.view.device.number}=`
  const held = (request.headers.cookie ?? '').split(/;\s*/).find((one) => one.startsWith(name))
  const value = Buffer.from(held?.slice(name.length) ?? '', 'base64url')
  return door.cookies.some((cookie) => equal(cookie, value))
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

function connect(view: PanelView, socket: WebSocket): void {
  const send = (screen: unknown) => {
    // A page that does not read (a laptop asleep) is let go rather than kept in memory; it connects again and starts with the whole state.
    if (socket.bufferedAmount > maxQueuedBytes) socket.terminate()
    else socket.send(JSON.stringify(screen))
  }
  send({ type: 'state', state: view.state() })
  for (const screen of view.recent()) send(screen)
  const unsubscribe = view.subscribe(send)
  socket.on('error', () => socket.terminate())
  socket.on('close', unsubscribe)
  socket.on('message', (data) => {
    const input = PanelInput.safeParse(parseJson(String(data)))
    if (input.success) view.input(input.data)
    else socket.close(1008)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${status}\n`)
}
