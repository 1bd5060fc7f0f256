import { request } from 'node:http'
import type { Result } from '@gantry/shared/errors.ts'
import type { PageFiles } from '@gantry/shared/node/page-files.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { type Host, openBrowserHost } from './host.ts'

type Reply = { status: number; headers: Record<string, string | string[] | undefined>; body: string }
type Ask = { path: string; headers?: Record<string, string>; method?: string }

const files: PageFiles = {
  get: (path) => (path === '/development.html' ? { body: Buffer.from('<title>window</title>'), headers: { 'content-type': 'text/html' } } : null),
}
const opened: { host: Host; sockets: WebSocket[] }[] = []
afterEach(async () => {
  for (const { host, sockets } of opened.splice(0)) {
    for (const socket of sockets) socket.terminate()
    await host.close()
  }
})

async function open() {
  const asked: { name: string; input: unknown }[] = []
  let tell: (event: 'connection.changed', payload: unknown) => void = () => undefined
  const answer = async (name: string, input: unknown): Promise<Result<unknown>> => {
    asked.push({ name, input })
    return { ok: true, value: name === 'terminal.open' ? { terminalId: 'term-1' } : {} }
  }
  const host = await openBrowserHost({
    files,
    port: 0,
    answer,
    on: (event, listener) => {
      if (event === 'connection.changed') tell = (_name, payload) => listener(payload)
      return () => undefined
    },
  })
  const sockets: WebSocket[] = []
  opened.push({ host, sockets })
  return { host, asked, sockets, tell: (payload: unknown) => tell('connection.changed', payload) }
}

function get(host: Host, { path, headers = {}, method = 'GET' }: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(host.origin)
    const outgoing = request({ host: '127.0.0.1', port, path, method, headers: { host: new URL(host.origin).host, ...headers }, agent: false }, (incoming) => {
      let body = ''
      incoming.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }))
    })
    outgoing.on('error', reject).end()
  })
}

/** Uses the link as a browser does: the key for a cookie, and where to go on. */
async function enter(host: Host) {
  const link = new URL(host.newLink())
  const reply = await get(host, { path: link.pathname + link.search })
  const setCookie = String(reply.headers['set-cookie'])
  return { reply, setCookie, cookie: setCookie.split(';')[0] ?? '', folder: /url=([^"]+)/.exec(reply.body)?.[1] ?? '' }
}

type Visit = { cookie?: string; origin?: string; host?: string; path?: string }

async function connect(host: Host, sockets: WebSocket[], visit: Visit = {}): Promise<WebSocket | number> {
  const { cookie, folder } = await enter(host)
  const url = `${host.origin.replace('http', 'ws')}${visit.path ?? `${folder}socket`}`
  const socket = new WebSocket(url, {
    headers: { host: visit.host ?? new URL(host.origin).host, origin: visit.origin ?? host.origin, cookie: visit.cookie ?? cookie },
  })
  sockets.push(socket)
  return new Promise((resolve) => {
    socket.on('open', () => resolve(socket))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', () => undefined)
  })
}

function expectOpen(socket: WebSocket | number): WebSocket {
  if (typeof socket === 'number') throw new Error(`refused with ${socket}`)
  return socket
}

describe('the browser host lets in whoever holds the link, and nobody else', () => {
  test('the link works once: the second use is refused and sets no cookie', async () => {
    const { host } = await open()
    const link = new URL(host.newLink())
    const first = await get(host, { path: link.pathname + link.search })
    const second = await get(host, { path: link.pathname + link.search })
    expect(first.status).toBe(200)
    expect(second.status).toBe(403)
    expect(second.headers['set-cookie']).toBeUndefined()
  })

  test('a new link kills the one before it, and a wrong key does not kill the right one', async () => {
    const { host } = await open()
    const old = new URL(host.newLink())
    const link = new URL(host.newLink())
    expect((await get(host, { path: old.pathname + old.search })).status).toBe(403)
    expect((await get(host, { path: '/start?key=guess' })).status).toBe(403)
    expect((await get(host, { path: link.pathname + link.search })).status).toBe(200)
  })

  test('the cookie is out of reach of scripts, other sites and other ports of this machine', async () => {
    const { host } = await open()
    const { setCookie, folder } = await enter(host)
    expect(setCookie).toContain('HttpOnly')
    expect(setCookie).toContain('SameSite=Strict')
    expect(setCookie).toContain(`Path=${folder}`)
    expect(folder).toMatch(/^\/window-[0-9a-f]{32}\/$/)
  })

  test('the window is served with the cookie, and refused without it or with another', async () => {
    const { host } = await open()
    const { cookie, folder } = await enter(host)
    expect((await get(host, { path: folder, headers: { cookie } })).body).toContain('window')
    expect((await get(host, { path: folder })).status).toBe(403)
    expect((await get(host, { path: folder, headers: { cookie: `${cookie}x` } })).status).toBe(403)
    expect((await get(host, { path: '/', headers: { cookie } })).status).toBe(403)
    expect((await get(host, { path: `${folder}../secret`, headers: { cookie } })).status).toBe(403)
    expect((await get(host, { path: `${folder}..%2fsecret`, headers: { cookie } })).status).toBe(404)
  })

  test('a name that points to this machine is refused, whatever else is right (DNS rebinding)', async () => {
    const { host } = await open()
    const { cookie, folder } = await enter(host)
    const rebound = `rebound.example:${new URL(host.origin).port}`
    expect((await get(host, { path: folder, headers: { cookie, host: rebound } })).status).toBe(421)
  })

  test('anything but GET is refused', async () => {
    const { host } = await open()
    expect((await get(host, { path: '/start?key=x', method: 'POST' })).status).toBe(405)
  })
})

describe('the socket carries calls and events of one window', () => {
  test('a call is answered and an event is told', async () => {
    const { host, sockets, asked, tell } = await open()
    const socket = expectOpen(await connect(host, sockets))
    const messages: unknown[] = []
    const two = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        messages.push(JSON.parse(String(data)))
        if (messages.length === 2) resolve()
        else tell({ online: true })
      })
    })
    socket.send(JSON.stringify({ id: 4, name: 'device.list', input: {} }))
    await two
    expect(asked).toEqual([{ name: 'device.list', input: {} }])
    expect(messages).toEqual([
      { id: 4, result: { ok: true, value: {} } },
      { event: 'connection.changed', payload: { online: true } },
    ])
  })

  test.each<[string, Visit]>([
    ['another origin', { origin: 'http://127.0.0.1:1' }],
    ['another host', { host: 'rebound.example' }],
    ['no cookie', { cookie: '' }],
    ['another path', { path: '/socket' }],
  ])('%s is refused before anything is said', async (_what, visit) => {
    const { host, sockets } = await open()
    expect(await connect(host, sockets, visit)).toBe(403)
  })

  test.each([
    ['more than a megabyte', JSON.stringify({ id: 1, name: 'terminal.write', input: 'x'.repeat(1024 * 1024) }), 1009],
    ['what is not JSON', 'hello', 1008],
    ['a field too many', JSON.stringify({ id: 1, name: 'device.list', input: {}, more: true }), 1008],
    ['bytes', Buffer.from([1, 2, 3]), 1008],
  ])('%s ends the connection and reaches no handler', async (_what, message, code) => {
    const { host, sockets, asked } = await open()
    const socket = expectOpen(await connect(host, sockets))
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.send(message)
    expect(await closed).toBe(code)
    expect(asked).toEqual([])
  })

  test('when the window goes, the terminals that it opened are closed', async () => {
    const { host, sockets, asked } = await open()
    const socket = expectOpen(await connect(host, sockets))
    const answered = new Promise((resolve) => socket.on('message', resolve))
    socket.send(JSON.stringify({ id: 1, name: 'terminal.open', input: {} }))
    await answered
    socket.terminate()
    await expect.poll(() => asked).toContainEqual({ name: 'terminal.close', input: { terminalId: 'term-1' } })
  })
})
