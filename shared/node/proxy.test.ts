import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../errors.ts'
import { createCa, issueServerCertificate } from './certificates.ts'
import { createDialler, type DiallerOptions, type Route } from './dial.ts'
import type { HttpProxy } from './proxy.ts'
import { readUntil } from './read-until.ts'

const ca = await createCa('Right CA')
const issued = await issueServerCertificate(ca, { hosts: ['127.0.0.1', 'main.example'] })
const proxyCa = await createCa('Hospital CA')
const proxyIssued = await issueServerCertificate(proxyCa, { hosts: ['127.0.0.1'] })

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)))
  })
  server.listen(0, host)
  await once(server, 'listening')
  open.push({
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  })
  return (server.address() as AddressInfo).port
}

/** What the device wants to reach. It greets, so that a test knows who answers. */
async function startTarget(): Promise<number> {
  return listen(
    createTlsServer({ cert: issued.certificatePem, key: issued.keyPem }, (socket) => {
      socket.on('error', () => undefined)
      socket.write('hello\n')
    }),
  )
}

type Request = { line: string; authorization: string | null; socket: Socket }
type Answer = (request: Request) => void

/** A proxy that does what the test says: the first answer for the first CONNECT, the last for all that follow. */
async function startProxy(answers: Answer[], { tls = false, host = '127.0.0.1' } = {}): Promise<{ port: number; requests: Request[] }> {
  const requests: Request[] = []
  const serve = async (socket: Socket) => {
    socket.on('error', () => undefined)
    const head = await readUntil(socket, '\r\n\r\n', { maxBytes: 20_000 }).catch(() => null)
    if (!head) return
    const [line = '', ...headers] = head.toString().split('\r\n')
    const request = { line, authorization: headers.find((one) => one.startsWith('Proxy-Authorization: '))?.slice(21) ?? null, socket }
    requests.push(request)
    answers[Math.min(requests.length, answers.length) - 1]?.(request)
  }
  const allowHalfOpen = true
  const server = tls
    ? createTlsServer({ cert: proxyIssued.certificatePem, key: proxyIssued.keyPem, allowHalfOpen }, serve)
    : createServer({ allowHalfOpen }, serve)
  return { port: await listen(server, host), requests }
}

const say =
  (text: string): Answer =>
  ({ socket }) =>
    void socket.end(text)
const demand = (challenge: string) => say(`HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: 3\r\n\r\nno!`)
const basic = 'Basic realm="hospital"'
const digest = (nonce: string, more = '') => `Digest realm="hospital", nonce="${nonce}", qop="auth"${more}`

/** Agrees and carries on; in `pieces` of a few bytes where asked. */
const agree =
  (pieces = 1_000, first = 'HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n'): Answer =>
  async ({ line, socket }) => {
    const [, host = '', port] = /^CONNECT (.+):(\d+) HTTP\/1\.1$/.exec(line) ?? []
    const target = connect({ port: Number(port), host: host === 'main.example' ? '127.0.0.1' : host.replace(/^\[|\]$/g, ''), allowHalfOpen: true })
    await once(target, 'connect')
    target.on('error', () => socket.destroy())
    for (let at = 0; at < first.length; at += pieces) {
      socket.write(first.slice(at, at + pieces))
      if (pieces < first.length) await new Promise((resolve) => setImmediate(resolve))
    }
    socket.pipe(target).pipe(socket)
  }

const user = { user: 'device', password: 'pa:ss "w\\rd' }
const sum = (text: string) => createHash('md5').update(text).digest('hex')

function through(proxy: Partial<HttpProxy> & { port: number }, more: Partial<DiallerOptions> = {}) {
  const route: Route = { host: '127.0.0.1', tls: null, credentials: async () => user, ...proxy }
  return createDialler({ ca: ca.certificatePem, routesFor: async () => [route], ...more })
}

async function greeting(dialling: Promise<Socket>): Promise<string> {
  const socket = await dialling
  const line = await readUntil(socket, '\n', { maxBytes: 100 })
  socket.destroy()
  return line.toString()
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof AppError ? { code: error.code, ...error.details } : error
  }
}

describe('through a proxy (R046, R054)', () => {
  test('CONNECT first, then TLS inside, with the certificate of the server and not of the proxy', async () => {
    const target = await startTarget()
    const proxy = await startProxy([agree()])
    expect(await greeting(through(proxy)({ host: 'main.example', port: target }))).toBe('hello')
    expect(proxy.requests.map(({ line }) => line)).toEqual([`CONNECT main.example:${target} HTTP/1.1`])
    expect(await failureOf(through(proxy)({ host: 'localhost', port: target }))).toMatchObject({
      code: 'server.identity-wrong',
      host: 'localhost',
      issuer: 'Right CA',
    })
  })

  test('an answer that comes byte by byte, by HTTP/1.0, and with a status of its own', async () => {
    const target = await startTarget()
    for (const answer of [agree(1), agree(7, 'HTTP/1.0 200 Connection established\r\n\r\n'), agree(1_000, 'HTTP/1.1 204 \r\nConnection: close\r\n\r\n')]) {
      expect(await greeting(through(await startProxy([answer]))({ host: '127.0.0.1', port: target }))).toBe('hello')
    }
  })

  test('TLS to the proxy, whose own certificate is checked under its own CA', async () => {
    const target = await startTarget()
    const proxy = await startProxy([agree()], { tls: true })
    expect(await greeting(through({ ...proxy, tls: { ca: proxyCa.certificatePem } })({ host: 'main.example', port: target }))).toBe('hello')
    for (const wrong of [ca.certificatePem, null]) {
      const failure = await failureOf(through({ ...proxy, tls: { ca: wrong } })({ host: 'main.example', port: target }))
      expect(failure).toMatchObject({ code: 'server.identity-wrong', host: '127.0.0.1', issuer: 'Hospital CA', proxy: `127.0.0.1:${proxy.port}` })
    }
    expect(proxy.requests.length).toBe(1)
  })

  test('each direction of a tunnel ends by itself, also with TLS in TLS, and nothing stays open', async () => {
    for (const tls of [false, true]) {
      const ended = Promise.withResolvers<string>()
      const server = createTlsServer({ cert: issued.certificatePem, key: issued.keyPem, allowHalfOpen: true }, (socket) => {
        let text = ''
        socket
          .on('error', () => undefined)
          .on('data', (chunk) => {
            text += chunk
          })
        socket.on('end', () => {
          ended.resolve(text)
          socket.end('answer\n')
        })
      })
      const port = await listen(server)
      const proxy = await startProxy([agree()], { tls })
      const dial = through({ ...proxy, tls: tls ? { ca: proxyCa.certificatePem } : null })
      const socket = await dial({ host: 'main.example', port, allowHalfOpen: true })
      socket.end('question')
      expect(await ended.promise).toBe('question')
      expect((await readUntil(socket, '\n', { maxBytes: 100 })).toString()).toBe('answer')
      socket.destroy()
      await expect.poll(() => proxy.requests[0]?.socket.destroyed || proxy.requests[0]?.socket.readableEnded).toBe(true)
    }
  })

  test.each([
    ['an endless head', ({ socket }: Request) => void socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`), 'answer-too-large'],
    ['garbage', say('\u0000\u0001SSH-2.0-proxy\r\n\r\n'), 'answer-bad'],
    ['an interim answer', say('HTTP/1.1 100 Continue\r\n\r\n'), 'answer-bad'],
    ['half an answer', say('HTTP/1.1 200 OK\r\nVia: x'), 'closed'],
    ['nothing', ({ socket }: Request) => void socket.destroy(), 'closed'],
    ['words of its own behind its yes', say('HTTP/1.1 200 OK\r\n\r\nwelcome'), 'early-data'],
  ])('%s is a proxy that does not answer as one', async (_what, answer, reason) => {
    const proxy = await startProxy([answer as Answer])
    const failure = await failureOf(through(proxy)({ host: 'main.example', port: 443 }))
    expect(failure).toEqual({ code: 'server.unreachable', host: 'main.example', port: 443, hop: 'proxy', proxy: `127.0.0.1:${proxy.port}`, reason })
  })

  test('a proxy that is away, or silent, is the hop that fails', async () => {
    const away = await startProxy([agree()])
    for (const one of open.splice(0)) one.close()
    expect(await failureOf(through(away)({ host: 'main.example', port: 443 }))).toMatchObject({ hop: 'proxy', reason: 'ECONNREFUSED' })
    expect(await failureOf(through({ ...away, host: 'no-such-proxy.invalid' })({ host: 'main.example', port: 443 }))).toMatchObject({
      ...{ hop: 'proxy', reason: 'ENOTFOUND', proxy: `no-such-proxy.invalid:${away.port}` },
    })
    const silent = await startProxy([() => undefined])
    expect(await failureOf(through(silent)({ host: 'main.example', port: 443, timeoutMs: 100 }))).toMatchObject({ hop: 'proxy', reason: 'timeout' })
    const reason = new Error('not needed any more')
    const controller = new AbortController()
    const dialling = failureOf(through(silent)({ host: 'main.example', port: 443, signal: controller.signal }))
    await expect.poll(() => silent.requests.length).toBe(2)
    controller.abort(reason)
    expect(await dialling).toBe(reason)
  })

  test('a host that would write a header of its own is not asked for', async () => {
    const proxy = await startProxy([agree()])
    expect(await failureOf(through(proxy)({ host: 'a\r\nX: y', port: 443 }))).toMatchObject({ hop: 'proxy', reason: 'host-bad' })
    expect(proxy.requests).toEqual([])
  })

  test('the next way is taken where a proxy cannot be reached, and not where it says no', async () => {
    const target = await startTarget()
    const good = await startProxy([agree()])
    const refusing = await startProxy([say('HTTP/1.1 403 Forbidden\r\n\r\n')])
    const gone: HttpProxy = { host: '127.0.0.1', port: 1, tls: null }
    const at = (port: number): HttpProxy => ({ host: '127.0.0.1', port, tls: null })
    const dial = (...routes: Route[]) => createDialler({ ca: ca.certificatePem, routesFor: async () => routes })({ host: '127.0.0.1', port: target })
    expect(await greeting(dial(gone, at(good.port)))).toBe('hello')
    expect(await greeting(dial(gone, 'direct'))).toBe('hello')
    expect(await failureOf(dial(at(refusing.port), 'direct'))).toMatchObject({ code: 'server.proxy-refused', status: 403, reason: 'forbidden', port: target })
  })

  test('502, then all is well', async () => {
    const target = await startTarget()
    const proxy = await startProxy([say('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9999999\r\n\r\n<html>'), agree()])
    const dial = through(proxy)
    expect(await failureOf(dial({ host: '127.0.0.1', port: target }))).toMatchObject({ code: 'server.proxy-refused', status: 502, reason: 'failed' })
    expect(await greeting(dial({ host: '127.0.0.1', port: target }))).toBe('hello')
  })

  test('a proxy by IPv6 alone, and an IPv6 server through it', async () => {
    const target = await listen(
      createTlsServer({ cert: issued.certificatePem, key: issued.keyPem }, (socket) => void socket.write('hello\n')),
      '::1',
    )
    const proxy = await startProxy([agree()], { host: '::1' })
    const dial = through({ ...proxy, host: 'proxy.example' }, { addresses: { 'proxy.example': ['127.0.0.1', '::1'] } })
    expect(await failureOf(dial({ host: '::1', port: target }))).toMatchObject({ code: 'server.identity-wrong', host: '::1' })
    expect(proxy.requests[0]?.line).toBe(`CONNECT [::1]:${target} HTTP/1.1`)
  })
})

describe('a proxy that wants to know who comes (R046)', () => {
  test('is told nothing before it asks, then Basic at once', async () => {
    const target = await startTarget()
    const proxy = await startProxy([demand(basic), agree()])
    const dial = through(proxy)
    for (let count = 0; count < 2; count++) expect(await greeting(dial({ host: '127.0.0.1', port: target }))).toBe('hello')
    const header = `Basic ${Buffer.from(`${user.user}:${user.password}`).toString('base64')}`
    expect(proxy.requests.map(({ authorization }) => authorization)).toEqual([null, header, header])
  })

  test('gets Digest with a rising count, a fresh answer when its nonce was forgotten, and one more when it is stale', async () => {
    const target = await startTarget()
    const stale = demand(digest('two', ', stale=TRUE'))
    const proxy = await startProxy([demand(digest('one')), agree(), agree(), demand(digest('lost')), stale, agree()])
    const dial = through(proxy)
    for (let count = 0; count < 3; count++) expect(await greeting(dial({ host: '127.0.0.1', port: target }))).toBe('hello')
    const sent = proxy.requests.map(({ authorization }) => /nonce="(\w+)".* nc=(\w+), cnonce="(\w+)"/.exec(authorization ?? '')?.slice(1, 3))
    expect(sent).toEqual([undefined, ['one', '00000001'], ['one', '00000002'], ['one', '00000003'], ['lost', '00000001'], ['two', '00000001']])
    const [, first] = proxy.requests
    const [, cnonce, response] = /cnonce="(\w+)"/.exec(first?.authorization ?? '')?.concat(/response="(\w+)"/.exec(first?.authorization ?? '')?.[1] ?? '') ?? []
    const ha1 = sum(`${user.user}:hospital:${user.password}`)
    expect(response).toBe(sum(`${ha1}:one:00000001:${cnonce}:auth:${sum(`CONNECT:127.0.0.1:${target}`)}`))
  })

  test.each([
    ['has no password', demand(basic), null, { reason: 'credentials-missing', offers: 'basic' }],
    ['is offered what it does not speak', demand('Negotiate\r\nProxy-Authenticate: NTLM'), user, { reason: 'scheme-unknown', offers: 'negotiate, ntlm' }],
    ['is offered nothing', say('HTTP/1.1 407 No\r\n\r\n'), user, { reason: 'scheme-unknown', offers: 'nothing' }],
    ['calls every nonce stale', demand(digest('n', ', stale=true')), user, { reason: 'credentials-wrong' }],
  ])('a device that %s is told so', async (_what, answer, credentials, facts) => {
    const proxy = await startProxy([answer])
    const dial = through({ ...proxy, credentials: async () => credentials })
    const failure = await failureOf(dial({ host: 'main.example', port: 443 }))
    expect(failure).toEqual({ code: 'server.proxy-refused', host: 'main.example', port: 443, proxy: `127.0.0.1:${proxy.port}`, status: 407, ...facts })
    expect(JSON.stringify(failure)).not.toContain('pa:ss')
    expect(proxy.requests.length).toBeLessThanOrEqual(3)
  })

  test.each([basic, digest('n')])(
    'a wrong password is tried 4 times a minute at most, however many connections want through, and a new one at once (D9): %s',
    async (challenge) => {
      const target = await startTarget()
      let password = 'wrong'
      const right: Answer = (request) => (password === 'right' && request.authorization ? agree() : demand(challenge))(request)
      const proxy = await startProxy([right])
      let nowMs = 0
      const dial = through({ ...proxy, credentials: async () => ({ user: 'device', password }) }, { now: () => nowMs })
      const tries: number[] = []
      for (; nowMs < 600_000; nowMs += 5_000) {
        const before = proxy.requests.filter(({ authorization }) => authorization).length
        const failures = await Promise.all(Array.from({ length: 5 }, () => failureOf(dial({ host: '127.0.0.1', port: target }))))
        for (const failure of failures) expect(failure).toMatchObject({ code: 'server.proxy-refused', reason: 'credentials-wrong' })
        for (let at = before; at < proxy.requests.filter(({ authorization }) => authorization).length; at++) tries.push(nowMs)
      }
      for (const at of tries) expect(tries.filter((other) => other >= at && other < at + 60_000).length).toBeLessThanOrEqual(4)
      expect(tries.length).toBeGreaterThan(3)
      password = 'right'
      expect(await greeting(dial({ host: '127.0.0.1', port: target }))).toBe('hello')
    },
  )
})
