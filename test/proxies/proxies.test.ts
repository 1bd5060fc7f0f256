import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFindProxy } from '../../main/pac/find-proxy.ts'
import { createProxyRoutes } from '../../main/services/main-server/proxy-routes.ts'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { openLeg } from '../../shared/node/leg.ts'
import { openLinkedLeg } from '../../shared/node/link-legs.ts'
import { createExceptions, fixedRoutes, type ProxyRoutes } from '../../shared/node/proxy-rules.ts'
import { readUntil } from '../../shared/node/read-until.ts'
import { account, type ProxyProgram, startMitmproxy, startSquid, startTinyproxy, stopAll } from './support/proxy-programs.ts'
import { addresses, byName, enrol, everything, failureOf, type ProxyWorld, poll, startProxyWorld, tunnel } from './support/world.ts'

/** The fourteen proxies of goal D9, with real programs: what an agent does through each of them, and what it says where it cannot. */
let world: ProxyWorld
const folder = mkdtempSync(join(tmpdir(), 'proxies-'))
beforeAll(async () => {
  world = await startProxyWorld()
})
afterAll(async () => {
  await stopAll()
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

type Change = { secure?: boolean; ca?: string; host?: string; credentials?: { user: string; password: string } | null; except?: string[] }

function through({ port }: ProxyProgram, { secure = false, ca, host = '127.0.0.1', credentials = account, except = [] }: Change = {}): ProxyRoutes {
  const rules = createExceptions(except, 'except')
  return fixedRoutes({ address: { host, port, secure }, ca: ca ?? null, except: rules, credentials: async () => credentials })
}

const allowed = () => world.ports

test('1. no proxy: straight out (D9, R046)', async () => {
  await everything(world, world.dialler())
})

describe('through a proxy that lets it through (D9, R046, R054)', () => {
  const variants: [string, () => Promise<[ProxyProgram, Change?]>][] = [
    ['2. squid without authentication', async () => [await startSquid({ allowed: allowed() }), { credentials: null }]],
    ['3. squid with Basic', async () => [await startSquid({ allowed: allowed(), auth: 'basic' })]],
    ['4. squid with Digest', async () => [await startSquid({ allowed: allowed(), auth: 'digest' })]],
    ['5. tinyproxy with Basic', async () => [await startTinyproxy({ allowed: allowed(), idleSeconds: 60 })]],
    ['7. squid behind TLS of its own', startSecureSquid],
    ['13. squid on IPv6 alone', async () => [await startSquid({ allowed: allowed(), host: '::1' }), { host: '::1' }]],
  ]
  test.each(variants)('%s', async (_name, start) => {
    const [proxy, change] = await start()
    const dial = world.dialler(through(proxy, change))
    await everything(world, dial)
    // What is remembered of the proxy serves again.
    await everything(world, dial)
    await proxy.stop()
  })
})

async function startSecureSquid(): Promise<[ProxyProgram, Change]> {
  const ca = await createCa('Hospital CA')
  const issued = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  const tls = { cert: join(folder, 'proxy.pem'), key: join(folder, 'proxy.key') }
  writeFileSync(tls.cert, issued.certificatePem)
  writeFileSync(tls.key, issued.keyPem)
  return [await startSquid({ allowed: allowed(), tls }), { secure: true, ca: ca.certificatePem, credentials: null }]
}

test('6. CONNECT to the documented port alone: others are refused, and the refusal names them (D9, R038)', async () => {
  const [, agentPort = 0, accessPort = 0] = world.ports
  const proxy = await startSquid({ allowed: [agentPort] })
  const dial = world.dialler(through(proxy))
  await poll(world, dial)
  const at = { code: 'server.proxy-refused', proxy: `127.0.0.1:${proxy.port}`, status: 403, reason: 'forbidden', host: '127.0.0.1' }
  expect(await failureOf(tunnel(world, dial))).toEqual({ ...at, port: accessPort })
})

test('8. a proxy that cuts idle tunnels: polls do not notice, a leg breaks, and a session’s link goes on over a new one (D9, R054)', async () => {
  const proxy = await startTinyproxy({ allowed: allowed(), idleSeconds: 2 })
  const dial = world.dialler(through(proxy))
  const { access } = world
  const { text, payload } = await access.ticket()
  const server = [access.ref] as const
  const both = { dial, ticket: text, ticketId: payload.id }
  const [agent, client] = await Promise.all([
    openLinkedLeg([...server], { ...both, leg: 'control-1', side: 'agent', key: access.deviceKey, peerKey: access.sessionKey.publicJwk }),
    openLinkedLeg([...server], { ...both, leg: 'control-1', side: 'client', key: access.sessionKey, peerKey: access.deviceKey.publicJwk }),
  ])
  const pair = await Promise.all([
    openLeg({ ...both, server: access.ref, leg: 'files-1', epoch: 1, side: 'agent', key: access.deviceKey }),
    openLeg({ ...both, server: access.ref, leg: 'files-1', epoch: 1, side: 'client', key: access.sessionKey }),
  ])
  const cut = new Promise((resolve) => pair[0].resume().once('end', resolve).once('close', resolve))
  let interruptions = 0
  for (const end of [agent, client]) end.on('interrupted', () => interruptions++)
  await Promise.all([cut, expect.poll(() => interruptions, { timeout: 20_000 }).toBeGreaterThan(0)])
  for (const leg of pair) leg.destroy()
  agent.write('still here\n')
  expect((await readUntil(client, '\n', { maxBytes: 100 })).toString()).toBe('still here')
  client.write('so am I\n')
  expect((await readUntil(agent, '\n', { maxBytes: 100 })).toString()).toBe('so am I')
  await everything(world, dial)
  for (const end of [agent, client]) end.destroy()
})

test('9. a proxy that restarts: away in between, then all as before, with a nonce that it no longer knows (D9)', async () => {
  const proxy = await startSquid({ allowed: allowed(), auth: 'digest' })
  const dial = world.dialler(through(proxy))
  await everything(world, dial)
  await proxy.stop()
  expect(await failureOf(poll(world, dial))).toMatchObject({
    code: 'server.unreachable',
    hop: 'proxy',
    proxy: `127.0.0.1:${proxy.port}`,
    reason: 'ECONNREFUSED',
  })
  await proxy.start()
  await everything(world, dial)
})

test('10. a proxy that cannot reach the server, then can (D9)', async () => {
  const proxy = await startSquid({ allowed: allowed() })
  const dial = world.dialler(through(proxy))
  await world.main.stop()
  const failure = await failureOf(poll(world, dial))
  expect(failure).toMatchObject({ code: 'server.proxy-refused', reason: 'failed', proxy: `127.0.0.1:${proxy.port}` })
  expect((failure as { status: number }).status).toBeGreaterThanOrEqual(500)
  await world.main.start()
  await everything(world, dial)
})

describe('11. a wrong password is said, and tried so rarely that no account is locked (D9)', () => {
  test.each(['basic', 'digest'] as const)('%s', async (auth) => {
    const proxy = await startSquid({ allowed: allowed(), auth })
    let credentials = { user: account.user, password: 'wrong battery' }
    const routes = fixedRoutes({
      ...{ address: { host: '127.0.0.1', port: proxy.port, secure: false }, ca: null, except: () => false },
      credentials: async () => credentials,
    })
    const dial = world.dialler(routes)
    const failures = await Promise.all(Array.from({ length: 10 }, () => failureOf(poll(world, dial))))
    failures.push(await failureOf(enrol(world, dial)), await failureOf(tunnel(world, dial)))
    for (const failure of failures) expect(failure).toMatchObject({ code: 'server.proxy-refused', status: 407, reason: 'credentials-wrong' })
    expect(JSON.stringify(failures)).not.toContain('battery')
    // squid writes the user only where somebody tried one.
    await expect.poll(() => proxy.requests().length).toBeGreaterThanOrEqual(11)
    expect(proxy.requests().filter((line) => line.endsWith(` ${account.user}`)).length).toBeLessThanOrEqual(4)
    credentials = account
    await everything(world, dial)
  })

  test('a proxy that wants a password that nobody set, and a scheme that is not spoken', async () => {
    const proxy = await startSquid({ allowed: allowed(), auth: 'basic' })
    const failure = await failureOf(poll(world, world.dialler(through(proxy, { credentials: null }))))
    expect(failure).toMatchObject({ code: 'server.proxy-refused', status: 407, reason: 'credentials-missing', offers: 'basic' })
  })
})

test('12. a proxy that opens TLS is refused before a byte is said, and its issuer named (D9, R049)', async () => {
  const proxy = await startMitmproxy()
  const dial = world.dialler(through(proxy))
  for (const doing of [poll, enrol, tunnel]) {
    expect(await failureOf(doing(world, dial))).toMatchObject({ code: 'server.identity-wrong', host: '127.0.0.1', issuer: 'mitmproxy' })
  }
})

test('1. no proxy and no DNS: by configured addresses, each certificate checked for its name (D9, R043)', async () => {
  await everything(byName(world), world.dialler(undefined, { addresses }))
  expect(await failureOf(poll(byName(world), world.dialler(undefined, { addresses: {} })))).toMatchObject({ hop: 'dns', host: 'main.example' })
})

test('14. PAC: the client goes as the file says, past a proxy that is away, and straight where it says so (D9)', async () => {
  const proxy = await startSquid({ allowed: allowed(), auth: 'digest', names: { 'main.example': '127.0.0.1' } })
  const file = join(folder, 'proxy.pac')
  const source = `function FindProxyForURL(url, host) { return host === 'main.example' ? 'PROXY 127.0.0.1:1; PROXY 127.0.0.1:${proxy.port}' : 'DIRECT' }`
  writeFileSync(file, source)
  const secretStore = { get: async () => JSON.stringify(account) }
  const find = { pac: createFindProxy() }
  const dial = world.dialler(createProxyRoutes({ setting: () => ({ use: 'pac', url: pathToFileURL(file).href }), secretStore, env: {}, find }), { addresses })
  await everything(byName(world), dial)
  await expect.poll(() => proxy.requests().filter((line) => line.includes(' 200 ')).length).toBe(2)
  expect(proxy.requests().join('\n')).not.toContain('access.example')
})

test('14. NO_PROXY: what is excepted goes straight out, all else through (D9)', async () => {
  const proxy = await startSquid({ allowed: allowed() })
  const [, agentPort] = world.ports
  await everything(world, world.dialler(through(proxy, { except: [`127.0.0.0/8`] })))
  expect(proxy.requests()).toEqual([])
  await everything(world, world.dialler(through(proxy, { except: [`127.0.0.1:${agentPort}`] })))
  await expect.poll(() => proxy.requests().length).toBe(2)
  expect(proxy.requests().join('\n')).not.toContain(`:${agentPort}`)
})
