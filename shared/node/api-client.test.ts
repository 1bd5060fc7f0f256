import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Contract } from '../contract.ts'
import { AppError } from '../errors.ts'
import { type ApiClient, type ApiClientOptions, createApiClient, getJson, openEventStream } from './api-client.ts'
import { createCa, issueServerCertificate } from './certificates.ts'
import { createDialler } from './dial.ts'

const contract = {
  'thing.make': { input: z.strictObject({ name: z.string() }), output: z.object({ made: z.string() }) },
} satisfies Contract

const ca = await createCa('API CA')
const dial = createDialler({ ca: ca.certificatePem })
const issued = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

async function serve(answer: Answer): Promise<{ origin: string; server: Server; connections: TLSSocket[]; resumed: boolean[] }> {
  const connections: TLSSocket[] = []
  const resumed: boolean[] = []
  const server = createServer({ cert: issued.certificatePem, key: issued.keyPem }, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    answer(request, response, body)
  })
  server.on('secureConnection', (socket) => {
    connections.push(socket)
    resumed.push(socket.isSessionReused())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, server, connections, resumed }
}

function client(origin: string, change: Partial<ApiClientOptions> = {}): ApiClient<typeof contract> {
  const one = createApiClient(contract, { origin, prefix: '/api/v1/', dial, keepAlive: false, ...change })
  closers.push(() => one.close())
  return one
}

const ok: Answer = (_request, response, body) => response.end(JSON.stringify({ ok: true, value: { made: JSON.parse(body).name } }))

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise
  } catch (error) {
    return error instanceof AppError ? { failure: error.code, ...error.details } : error
  }
}

describe('a call', () => {
  test('posts its input by name, with headers, and gives the value', async () => {
    const seen: unknown[] = []
    const { origin } = await serve((request, response, body) => {
      seen.push([request.method, request.url, request.headers.authorization, request.headers['content-type'], body])
      ok(request, response, body)
    })
    const api = client(origin, { headers: async () => ({ authorization: 'Bearer abc' }) })
    expect(await api.call('thing.make', { name: 'é' })).toEqual({ made: 'é' })
    expect(seen).toEqual([['POST', '/api/v1/thing.make', 'Bearer abc', 'application/json', '{"name":"é"}']])
  })

  test('throws the failure that the server names, and answer-bad for what it does not know or what is no answer', async () => {
    const bodies: [number, string, unknown][] = [
      [403, '{"ok":false,"failure":{"code":"access.refused","details":{"by":"person"}}}', { failure: 'access.refused', by: 'person' }],
      [418, '{"ok":false,"failure":{"code":"tea.cold"}}', { failure: 'server.answer-bad', code: 'tea.cold' }],
      [502, '<html>a proxy says no</html>', { failure: 'server.answer-bad', status: 502 }],
      [200, '{"ok":true,"value":{"made":7}}', { failure: 'server.answer-bad', name: 'thing.make' }],
      [200, '', { failure: 'server.answer-bad', status: 200 }],
    ]
    for (const [status, body, expected] of bodies) {
      const { origin } = await serve((_request, response) => response.writeHead(status).end(body))
      expect(await failureOf(client(origin).call('thing.make', { name: 'x' }))).toEqual(expected)
    }
  })

  test('reads no answer of any size', async () => {
    const { origin } = await serve((_request, response) => {
      const chunk = Buffer.alloc(1_000_000, 'a')
      const write = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.on('drain', write)
      write()
    })
    expect(await failureOf(client(origin).call('thing.make', { name: 'x' }))).toEqual({ failure: 'server.answer-bad', maxBytes: 8_388_608 })
  })

  test('says that the server is away: refused, silent, broken off', async () => {
    const { origin, server } = await serve((_request, response) => response.destroy())
    expect(await failureOf(client(origin).call('thing.make', { name: 'x' }))).toMatchObject({ failure: 'server.unreachable', hop: 'answer' })
    await new Promise((resolve) => server.close(resolve))
    expect(await failureOf(client(origin).call('thing.make', { name: 'x' }))).toMatchObject({ failure: 'server.unreachable', hop: 'tcp' })
    const silent = await serve(() => undefined)
    expect(await failureOf(client(silent.origin).call('thing.make', { name: 'x' }, { timeoutMs: 100 }))).toMatchObject({
      failure: 'server.unreachable',
      reason: 'timeout',
    })
  })

  test('ends with the reason of its signal', async () => {
    const { origin } = await serve(() => undefined)
    const reason = new Error('enough')
    expect(await failureOf(client(origin).call('thing.make', { name: 'x' }, { signal: AbortSignal.timeout(50) }))).toMatchObject({ name: 'TimeoutError' })
    expect(await failureOf(client(origin).call('thing.make', { name: 'x' }, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  })

  test('without keep-alive leaves no socket open, and resumes the TLS session (R053)', async () => {
    const { origin, connections, resumed } = await serve(ok)
    const api = client(origin)
    for (let index = 0; index < 3; index++) await api.call('thing.make', { name: 'x' })
    expect(resumed).toEqual([false, true, true])
    await expect.poll(() => connections.filter((socket) => !socket.destroyed).length).toBe(0)
  })

  test('with keep-alive uses one connection, and another after the server went away in between', async () => {
    const { origin, server, connections } = await serve(ok)
    const api = client(origin, { keepAlive: true })
    for (let index = 0; index < 3; index++) await api.call('thing.make', { name: 'x' })
    expect(connections).toHaveLength(1)
    server.closeAllConnections()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await api.call('thing.make', { name: 'again' })).toEqual({ made: 'again' })
    expect(connections).toHaveLength(2)
  })
})

describe('closing a client', () => {
  test('ends calls and connections that are only being made, so that no socket is left', async () => {
    const { origin, connections } = await serve(() => undefined)
    for (const waitMs of [0, 2, 5, 20]) {
      const one = createApiClient(contract, { origin, prefix: '/', dial, keepAlive: true })
      const call = failureOf(one.call('thing.make', { name: 'x' }))
      await new Promise((resolve) => setTimeout(resolve, waitMs))
      one.close()
      expect(await call).toMatchObject({ failure: 'server.unreachable' })
    }
    await expect.poll(() => connections.filter((socket) => !socket.destroyed).length).toBe(0)
  })
})

describe('a document', () => {
  test('is fetched and parsed', async () => {
    const { origin } = await serve((request, response) => response.writeHead(request.url === '/known' ? 200 : 404).end('{"name":"x"}'))
    const target = { origin, dial }
    const Shape = z.object({ name: z.string() })
    expect(await getJson(target, Shape, { path: '/known' })).toEqual({ name: 'x' })
    expect(await failureOf(getJson(target, Shape, { path: '/other' }))).toEqual({ failure: 'server.answer-bad', status: 404 })
    expect(await failureOf(getJson(target, z.object({ other: z.string() }), { path: '/known' }))).toEqual({ failure: 'server.answer-bad', status: 200 })
  })
})

describe('server-sent events', () => {
  const stream =
    (text: string[], end: boolean): Answer =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const part of text) response.write(part)
      if (end) response.end()
    }

  async function collect(origin: string, idleMs?: number) {
    const events: unknown[] = []
    const failure = await failureOf(
      (async () => {
        for await (const event of openEventStream({ origin, path: '/updates', dial, ...(idleMs ? { idleMs } : {}) })) events.push(event)
      })(),
    )
    return { events, failure }
  }

  test('come as they were sent, however they are cut and whatever else the stream holds', async () => {
    const text = [': hi\n\nevent: a\nda', 'ta: {"x":1}\n\n', 'id: 7\nretry: 10\nunknown\ndata: [1,\ndata: 2]\r\n\r\n', 'event: half\ndata: 1\n']
    const { origin } = await serve(stream(text, true))
    const { events, failure } = await collect(origin)
    expect(events).toEqual([
      { event: 'a', data: { x: 1 } },
      { event: 'message', data: [1, 2] },
    ])
    expect(failure).toMatchObject({ failure: 'server.unreachable' })
  })

  test('are given up when the server says nothing any more', async () => {
    const { origin } = await serve(stream([': hi\n\n'], false))
    expect((await collect(origin, 100)).failure).toMatchObject({ failure: 'server.unreachable', reason: 'timeout' })
  })

  test('are refused with the server’s own code', async () => {
    const { origin } = await serve((_request, response) => response.writeHead(401).end('{"ok":false,"failure":{"code":"auth.session-expired"}}'))
    expect((await collect(origin)).failure).toEqual({ failure: 'auth.session-expired' })
  })
})
