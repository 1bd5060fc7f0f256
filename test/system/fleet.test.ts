import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AccessServer, startAccessServer } from '../../cloud/access-server/access-server.ts'
import { Config as AccessConfig } from '../../cloud/access-server/config.ts'
import { BulletinAnswer } from '../../shared/access-api.ts'
import { agentApi } from '../../shared/agent-api.ts'
import { WellKnown } from '../../shared/client-api.ts'
import { getJson } from '../../shared/node/api-client.ts'
import { readCalls } from '../../shared/node/bulletin.ts'
import { generateSigningKey, privatePem, readUnverified } from '../../shared/node/signing.ts'
import { TicketPayload } from '../../shared/ticket.ts'
import { createTestServer, type TestServer } from '../support/main-server.ts'
import { enrolAgent, plainPoll, signedRequest, type TestAgent } from '../support/test-agent.ts'

/** A main server and two access servers that register themselves at it, all real, on loopback. */
const folder = mkdtempSync(join(tmpdir(), 'fleet-'))
const fleetFile = join(folder, 'fleet.json')
const sites = { 'east-1': ['East', 'na-east'], 'west-1': ['West', 'na-west'] } as const
type Name = keyof typeof sites
const names = Object.keys(sites) as Name[]
const keys = { 'east-1': generateSigningKey(), 'west-1': generateSigningKey() }
const clock = { aheadMs: 0 }

let main: TestServer
let agent: TestAgent
let elena: ReturnType<TestServer['client']>
let ticketKey: WellKnown['ticketKey']
let servers: Record<Name, AccessServer>
let ports: Record<Name, number>

beforeAll(async () => {
  writeList({ 'east-1': 1, 'west-1': 2 })
  main = await createTestServer({ fleetFile })
  ;({ ticketKey } = await getJson({ origin: main.origin, dial: main.dial }, WellKnown, { path: '/.well-known/gantry' }))
  writeFileSync(join(folder, 'ca.pem'), main.ca)
  const started = await Promise.all(names.map((name) => startServer(name, 0)))
  servers = { 'east-1': started[0] as AccessServer, 'west-1': started[1] as AccessServer }
  ports = { 'east-1': servers['east-1'].port, 'west-1': servers['west-1'].port }
  agent = await enrolAgent(main, main.devices.mine)
  elena = main.client((await main.signIn(main.people.elena)).access_token)
})
afterAll(async () => {
  await Promise.all(Object.values(servers).map((server) => server.close()))
  await main.close()
  rmSync(folder, { recursive: true, force: true })
})

function writeList(at: Record<Name, number>, weights: Partial<Record<Name, number>> = {}): void {
  const accessServers = names.map((name) => {
    const [site, region] = sites[name]
    return { name, site, region, host: '127.0.0.1', port: at[name], weight: weights[name] ?? 1, key: keys[name].publicJwk }
  })
  writeFileSync(fleetFile, JSON.stringify({ version: 1, accessServers }))
}

async function startServer(name: Name, port: number): Promise<AccessServer> {
  const key = join(folder, `${name}.pem`)
  writeFileSync(key, privatePem(keys[name]), { mode: 0o600 })
  const [site, region] = sites[name]
  const tls = { cert: join(main.stateDir, '..', 'tls.pem'), key: join(main.stateDir, '..', 'tls.key') }
  const register = { mainServers: [main.origin], ca: join(folder, 'ca.pem'), key }
  const limits = { drainMs: 200 }
  const config = AccessConfig.parse({ name, site, region, host: '127.0.0.1', port, tls, ticketKey, register, limits, stateDir: join(folder, name) })
  return startAccessServer(config, { now: () => main.now() + clock.aheadMs })
}

/** Where the next request would run; it is taken back at once. */
async function nextRoute(): Promise<[string, string | undefined]> {
  const asked = await signedRequest(main, main.people.elena, main.devices.mine)
  await agent.poll()
  const { request } = await elena.call('access-request.create', { request: asked.signed, certificate: main.people.elena.certificate })
  await elena.call('access-request.cancel', { requestId: request.id })
  const { accessServer, fallback } = readUnverified(request.ticket, TicketPayload, 'ticket.bad')
  return [accessServer.name, fallback?.name]
}

async function routes(count: number): Promise<string[]> {
  const found: string[] = []
  for (let round = 0; round < count; round++) found.push((await nextRoute())[0])
  return found
}

function audited(): string[] {
  const lines = readFileSync(join(main.stateDir, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line).event).map(({ kind, data }) => `${kind} ${data?.name ?? data?.code ?? ''}`)
}

/** True once the main server has heard both: then it knows who drains, who is lost, and what each carries. */
const bothUp = () => expect.poll(() => audited().filter((one) => one.startsWith('access-server.up')).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(2)

async function bulletinAt(name: Name): Promise<string | number> {
  const target = { origin: servers[name].origin, dial: main.dial }
  return getJson(target, BulletinAnswer, { path: '/bulletin' }).then(
    ({ bulletin }) => bulletin,
    (error: { details?: { status: number } }) => error.details?.status ?? 0,
  )
}

describe('access servers that register themselves', () => {
  test('are refused until the operator’s list says the same as they do, and are up as soon as it does (R026, R027)', async () => {
    await expect.poll(audited, { timeout: 20_000 }).toContain('access-server.refused access-server.facts-differ')
    writeList(ports)
    await bothUp()
    expect(audited()).toEqual(expect.arrayContaining(['access-server.up east-1', 'access-server.up west-1']))
  })

  test('take new sessions in turns, each with the other as fallback; the audit names both sites (R026, R028, R029)', async () => {
    // Again and again, since on a machine that does many things one of them may be busy for a while, and is passed over.
    await expect.poll(async () => (await routes(8)).filter((name) => name === 'east-1').length, { timeout: 20_000 }).toBe(4)
    const [first, fallback] = await nextRoute()
    expect([first, fallback].sort()).toEqual(names)
    const requested = readFileSync(join(main.stateDir, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
    const last = requested.map((line) => JSON.parse(line).event).findLast(({ kind }) => kind === 'access.requested')
    expect(last.data).toMatchObject({ accessServer: first, site: sites[first as Name][0], region: sites[first as Name][1], fallback })
  })

  test('a weight changes without a restart, and 0 takes one out (R029)', async () => {
    writeList(ports, { 'east-1': 3 })
    await expect.poll(async () => (await routes(8)).filter((name) => name === 'east-1').length, { timeout: 20_000 }).toBe(6)
    writeList(ports, { 'east-1': 0 })
    await expect.poll(nextRoute, { timeout: 20_000 }).toEqual(['west-1', undefined])
    writeList(ports)
    await expect.poll(async () => new Set(await routes(2)).size, { timeout: 20_000 }).toBe(2)
  })

  test('one that is stopped is named by no ticket from then on, and again when it is back', async () => {
    await servers['east-1'].close()
    expect(audited()).toContain('access-server.draining east-1')
    expect(await nextRoute()).toEqual(['west-1', undefined])
    servers['east-1'] = await startServer('east-1', ports['east-1'])
    await expect.poll(async () => new Set(await routes(2)).size, { timeout: 20_000 }).toBe(2)
  })

  test('a main server that comes back names them at once, without waiting for their beats (D2)', async () => {
    await main.stop()
    await main.start()
    expect((await nextRoute()).sort()).toEqual(names)
    await bothUp()
  })
})

describe('the bulletin, where the main server is out of reach', () => {
  const keyOf = async (one: TestAgent) => {
    const { bulletinKey } = await one.api.call('device.poll', plainPoll(Date.now(), { run: one.run, wantsBulletin: true }))
    return agentApi['device.poll'].output.shape.bulletinKey.unwrap().parse(bulletinKey)
  }
  const seconds = () => Math.floor(main.now() / 1_000)

  test('tells the device that something waits, and nobody else', async () => {
    const other = await enrolAgent(main, main.devices.second)
    const [mine, theirs] = [await keyOf(agent), await keyOf(other)]
    const called = async (key: string) =>
      readCalls(String(await bulletinAt('west-1')), { ticketKeys: [ticketKey], key, now: seconds() }).then(
        ({ calls }) => calls,
        (error: unknown) => String(error),
      )
    for (let deliveries = await agent.poll(); deliveries.length > 0; ) deliveries = await agent.poll({ handled: deliveries.map(({ id }) => id) })
    await expect.poll(() => called(mine), { timeout: 20_000 }).toBe(false)
    const asked = await signedRequest(main, main.people.elena, main.devices.mine)
    const { request } = await elena.call('access-request.create', { request: asked.signed, certificate: main.people.elena.certificate })
    await expect.poll(() => called(mine), { timeout: 20_000 }).toBe(true)
    expect(await called(theirs)).toBe(false)
    const text = Buffer.from(String(await bulletinAt('west-1')).split('.')[1] ?? '', 'base64url').toString()
    expect(JSON.parse(text).marks).toHaveLength(16)
    expect(text).not.toContain('dev_')
    await elena.call('access-request.cancel', { requestId: request.id })
  })

  test('goes on while the main server is away, until it is two minutes old; after that there is none', async () => {
    await expect.poll(() => bulletinAt('east-1'), { timeout: 20_000 }).toEqual(expect.any(String))
    await main.stop()
    expect(await bulletinAt('east-1')).toEqual(expect.any(String))
    clock.aheadMs = 130_000
    expect(await bulletinAt('east-1')).toBe(503)
    clock.aheadMs = 0
    await main.start()
  })
})
