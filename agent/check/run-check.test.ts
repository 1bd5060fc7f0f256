import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AllowListFacts, allowListOf } from '../../shared/allow-list.ts'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { privatePem } from '../../shared/node/signing.ts'
import { findingsOf, type Passport } from '../../shared/passport.ts'
import { type LegWorld, startLegWorld } from '../../test/support/access-server.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { enrolAgent } from '../../test/support/test-agent.ts'
import { type CheckWith, runCheck } from './run-check.ts'

/** Against a real main server and a real access server on loopback, and against what networks put in between. */
let main: TestServer
let access: LegWorld
let identity: NonNullable<CheckWith['identity']>
const servers: Server[] = []

beforeAll(async () => {
  ;[main, access] = await Promise.all([createTestServer(), startLegWorld()])
  const agent = await enrolAgent(main, main.devices.mine)
  identity = { cert: agent.certificate, key: privatePem(agent.key) }
}, 60_000)
afterAll(async () => {
  for (const server of servers) server.close()
  await Promise.all([main.close(), access.close()])
})

const mainServers = () => [{ name: 'main', site: 'East', enrolOrigin: main.origin, agentOrigin: main.agentOrigin }]

function check(facts: Partial<AllowListFacts> = {}, change: Partial<CheckWith> = {}): Promise<Passport> {
  const list = allowListOf({ device: 'CT Suite 3', proxy: null, mainServers: mainServers(), accessServers: [access.ref], addresses: {}, ...facts })
  return runCheck({
    list,
    dial: createDialler({ ca: `${main.ca}\n${access.ca}` }),
    isProxied: async () => false,
    identity,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...change,
  })
}
const hopsOf = (passport: Passport, purpose: string) =>
  passport.hosts.find((host) => host.purpose === purpose)?.hops.map(({ hop, verdict }) => `${hop} ${verdict}`)
const troubles = (passport: Passport) =>
  findingsOf(passport).map(({ host, hop, trouble }) => ({ purpose: host.purpose, hop, code: trouble.code, ...trouble.details }))

async function listen(server: Server): Promise<number> {
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
/** An access server of this name, and what stands on its port in its place. */
async function insteadOfAccess(server: Server, host = '127.0.0.1') {
  return { accessServers: [{ name: 'access-1', site: 'East', host, port: await listen(server) }] }
}
async function impostor(change: { hosts?: string[]; notAfter?: Date; answer?: string; issuer?: string } = {}) {
  const ca = await createCa(change.issuer ?? 'Test servers')
  const { certificatePem, keyPem } = await issueServerCertificate(ca, { hosts: change.hosts ?? ['127.0.0.1'] })
  const server = createTlsServer({ cert: certificatePem, key: keyPem }, (socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(change.answer ?? ''))
  })
  return { server, dial: createDialler({ ca: `${main.ca}\n${access.ca}\n${ca.certificatePem}` }) }
}

describe('the firewall passport (R017, R049)', () => {
  test('says that everything passes, hop by hop, in the order of the list, with the clock', async () => {
    const seen: string[] = []
    const passport = await check({}, { onProgress: ({ hosts }) => seen.push(hosts.flatMap(({ hops }) => hops.map(({ verdict }) => verdict[0])).join('')) })
    expect(passport).toMatchObject({ verdict: 'open', clock: { verdict: 'passes' }, device: 'CT Suite 3' })
    expect(hopsOf(passport, 'main-server')).toEqual(['tcp passes', 'tls passes', 'answer passes'])
    expect(hopsOf(passport, 'access-server')).toEqual(['tcp passes', 'tls passes', 'upgrade passes'])
    expect(passport.hosts.find(({ purpose }) => purpose === 'enrolment')).toMatchObject({ needed: false, hops: [] })
    expect(Math.abs(passport.clock.offsetSeconds ?? 99)).toBeLessThanOrEqual(2)
    expect(seen[0]).toBe('wwwwww')
    expect(seen.at(-1)).toBe('pppppp')
  })

  test('before the enrolment it asks for that as well, and for no answer that needs the certificate', async () => {
    const passport = await check({ accessServers: [] }, { identity: null })
    expect(passport.verdict).toBe('open')
    expect(hopsOf(passport, 'main-server')).toEqual(['tcp passes', 'tls passes'])
    expect(hopsOf(passport, 'enrolment')).toEqual(['tcp passes', 'tls passes', 'answer passes'])
  })

  test('names DNS, and asks nothing further of that host', async () => {
    const passport = await check(
      { accessServers: [{ name: 'access-1', site: 'East', host: 'access.nowhere.invalid', port: 443 }] },
      { resolve: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })) },
    )
    expect(passport.verdict).toBe('closed')
    expect(hopsOf(passport, 'access-server')).toEqual(['dns fails', 'tcp not-tried', 'tls not-tried', 'upgrade not-tried'])
    expect(troubles(passport)).toMatchObject([{ hop: 'dns', code: 'name-unknown', host: 'access.nowhere.invalid', reason: 'ENOTFOUND' }])
  })

  test('one access server that cannot be reached leaves it working, with less in reserve', async () => {
    const closed = createTcpServer()
    const port = await listen(closed)
    closed.close()
    await once(closed, 'close')
    const passport = await check({ accessServers: [access.ref, { name: 'access-2', site: 'West', host: '127.0.0.1', port }] })
    expect(passport.verdict).toBe('limited')
    expect(troubles(passport)).toMatchObject([{ hop: 'tcp', code: 'no-connection', port, reason: 'ECONNREFUSED' }])
  })

  test('names who opens TLS', async () => {
    const { server } = await impostor({ issuer: 'Riverside Web Gateway' })
    const passport = await check(await insteadOfAccess(server))
    expect(hopsOf(passport, 'access-server')).toEqual(['tcp passes', 'tls fails', 'upgrade not-tried'])
    expect(troubles(passport)).toMatchObject([{ hop: 'tls', code: 'intercepted', issuer: 'Riverside Web Gateway' }])
  })

  test('tells another server under the name from an interceptor', async () => {
    const { server, dial } = await impostor({ hosts: ['elsewhere.example'] })
    expect(troubles(await check(await insteadOfAccess(server), { dial }))).toMatchObject([{ hop: 'tls', code: 'wrong-certificate' }])
  })

  test('says that TLS is cut where the connection is closed in the middle of it', async () => {
    const server = createTcpServer((socket) => socket.once('data', () => socket.destroy()))
    expect(troubles(await check(await insteadOfAccess(server)))).toMatchObject([{ hop: 'tls', code: 'tls-cut' }])
  })

  test.each([
    ['an answer without an upgrade', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'no-upgrade'],
    ['an upgrade to something else', 'HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n\r\n', 'no-upgrade'],
    ['an upgrade after which nothing passes', 'HTTP/1.1 101 OK\r\nUpgrade: gantry-check/1\r\n\r\n', 'no-upgrade'],
    ['an end', '', 'no-upgrade'],
  ])('the tunnel fails at %s', async (_, answer, code) => {
    const { server, dial } = await impostor({ answer })
    const passport = await check(await insteadOfAccess(server), { dial })
    expect(troubles(passport)).toMatchObject([{ hop: 'upgrade', code }])
    expect(hopsOf(passport, 'access-server')).toEqual(['tcp passes', 'tls passes', 'upgrade fails'])
  })

  test.each([
    [-600, 'fails', 'closed'],
    [-20, 'passes', 'open'],
    [100, 'passes', 'open'],
    [300, 'fails', 'closed'],
  ])('a clock that is %i s off: %s', async (seconds, clock, verdict) => {
    const passport = await check({}, { now: () => Date.now() + seconds * 1_000 })
    expect(passport).toMatchObject({ clock: { verdict: clock }, verdict })
    expect(Math.abs((passport.clock.offsetSeconds ?? 0) - seconds)).toBeLessThanOrEqual(2)
  })

  test('is cancelled at once', async () => {
    const silent = createTcpServer()
    const cancel = new AbortController()
    const running = check(await insteadOfAccess(silent), {
      signal: cancel.signal,
      onProgress: ({ hosts }) => {
        const access = hosts.find(({ purpose }) => purpose === 'access-server')
        if (hosts[0]?.hops.every(({ verdict }) => verdict === 'passes') && access) cancel.abort(new Error('enough'))
      },
    })
    await expect(running).rejects.toThrow('enough')
  })
})
