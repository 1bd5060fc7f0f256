import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { CustomerId } from '@gantry/shared/ids.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { listen } from '../../test/support/listen.ts'
import { createTestServer, nothingElse, type TestDevice, type TestPerson, type TestServer } from '../../test/support/main-server.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../test/support/test-agent.ts'
import type { Seed } from './seed.ts'

let server: TestServer
let agent: TestAgent
let accessToken: string
let client: ReturnType<TestServer['client']>

beforeEach(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  ;({ access_token: accessToken } = await server.signIn(server.people.elena))
  client = server.client(accessToken)
})
afterEach(() => server.close())

async function makeRequest(): Promise<AccessRequestView> {
  const { signed } = await signedRequest(server, server.people.elena, server.devices.mine, { caseId: '48213' })
  await agent.poll()
  return (await client.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })).request
}

async function openSession(): Promise<AccessRequestView> {
  const view = await makeRequest()
  await agent.answer(view.ticket, { kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: agent.hostKey })
  await agent.answer(view.ticket, { kind: 'approved', by: 'person', hostKey: agent.hostKey })
  const opened = { kind: 'session.opened', actor: { kind: 'agent', id: agent.device.id }, requestId: view.id, deviceId: agent.device.id } as const
  await agent.report([opened])
  return view
}

/** What the device is told about the end of this request. */
async function endOf({ id }: AccessRequestView): Promise<unknown> {
  const ends = (await agent.poll({ holdMs: 4_000 })).flatMap((delivery) => (delivery.kind === 'end' && delivery.requestId === id ? [delivery.cause] : []))
  return ends[0] ?? endOf({ id } as AccessRequestView)
}

const kinds = () => events().map(({ kind }) => kind)
function events(): { kind: string; data?: Record<string, unknown> }[] {
  const lines = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line).event)
}

const personIn = ({ specialists }: Seed, { id }: TestPerson) => must(specialists.find((person) => person.id === id))
const deviceIn = (seed: Seed, { id }: TestDevice) => {
  return must(seed.customers.flatMap(({ sites }) => sites.flatMap(({ devices }) => devices)).find((device) => device.id === id))
}
function must<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('not in the directory file')
  return found
}

describe('what let a session pass has to go on holding (R010, R087): it ends', () => {
  const disabled: [string, string, (seed: Seed) => void][] = [
    ['when its specialist is disabled', 'revoked', (seed) => Object.assign(personIn(seed, server.people.elena), { disabled: true })],
    ['when its specialist is taken out of the directory', 'revoked', (seed) => seed.specialists.splice(0, 1)],
    ['when its device is disabled', 'revoked', (seed) => Object.assign(deviceIn(seed, server.devices.mine), { disabled: true })],
    ['when the agreement has ended', 'policy', (seed) => Object.assign(deviceIn(seed, server.devices.mine).entitlement ?? {}, { endsOn: '2020-02-01' })],
    ['when the customer has switched the device off', 'policy', (seed) => Object.assign(deviceIn(seed, server.devices.mine), { connectivity: 'off' })],
    ['when the terms are accepted no more', 'policy', (seed) => Object.assign(deviceIn(seed, server.devices.mine).entitlement ?? {}, { terms: null })],
    ['when the specialist’s training has ended', 'policy', (seed) => Object.assign(personIn(seed, server.people.elena), { training: [] })],
    ['when the specialist’s screening is taken back', 'policy', (seed) => Object.assign(personIn(seed, server.people.elena), { screenedOn: null })],
    [
      'when the specialist’s word on the IT security plan is taken back',
      'policy',
      (seed) => Object.assign(personIn(seed, server.people.elena), { planAcknowledgedOn: null }),
    ],
    ['when the customer admits nobody from there any more', 'policy', (seed) => Object.assign(must(seed.customers[0]), { origins: [] })],
    [
      'when the customer demands a change, and none is approved',
      'policy',
      (seed) => Object.assign(must(seed.customers[0]), { changeControl: { levels: ['files'], changes: [] } }),
    ],
    [
      'when the profile no longer holds its level',
      'policy',
      ({ profiles }) => {
        for (const profile of profiles) profile.grants = [{ devices: [server.devices.mine.id], levels: ['diagnostics'], ...nothingElse }]
      },
    ],
    [
      'when the profile no longer holds its device',
      'policy',
      ({ profiles }) => {
        for (const profile of profiles) profile.grants = []
      },
    ],
  ]
  test.each(disabled)('%s', async (_, cause, change) => {
    const view = await openSession()
    server.changeSeed(change)
    expect(await endOf(view)).toBe(cause)
    expect(events().find(({ kind }) => kind === 'access.revoked')).toMatchObject({ requestId: view.id, cause })
  })

  test('when the authority takes the person’s keys back (R062)', async () => {
    const view = await openSession()
    await server.putRoster({ number: 2, specialists: [] })
    expect(await endOf(view)).toBe('revoked')
    expect(events().find(({ kind }) => kind === 'access.revoked')).toMatchObject({ requestId: view.id, cause: 'revoked', data: { what: 'roster' } })
  })

  test('when its case is closed', async () => {
    const view = await openSession()
    const [found] = (await client.call('case.list', {})).cases
    await client.call('case.close', { customerId: CustomerId.parse(found?.customerId), number: '48213', resolution: 'Mended' })
    expect(await endOf(view)).toBe('case-closed')
  })

  test('and not when something else in the directory has changed, or quiet hours have begun', async () => {
    const view = await openSession()
    server.changeSeed((seed) => {
      Object.assign(personIn(seed, server.people.tomas), { disabled: true })
      Object.assign(must(seed.customers[0]?.sites[0]), { quietHours: [{ from: '00:00', until: '23:59' }] })
    })
    await vi.waitFor(() => expect(kinds()).toContain('specialist.disabled'), 10_000)
    expect(await agent.poll()).not.toContainEqual(expect.objectContaining({ kind: 'end' }))
    expect(await client.call('access-request.show', { requestId: view.id })).toMatchObject({ state: 'open' })
  })

  test('a request that waits is refused, with the reason', async () => {
    const { id } = await makeRequest()
    server.changeSeed((seed) => Object.assign(deviceIn(seed, server.devices.mine), { disabled: true }))
    await vi.waitFor(async () => {
      expect(await client.call('access-request.show', { requestId: id })).toMatchObject({ state: 'refused', refusal: { code: 'access.device-disabled' } })
    }, 10_000)
  })
})

describe('a disabled person', () => {
  test('is signed out at once, cannot sign in or ask, and can again once that is taken back', async () => {
    const stream = await listen(server, accessToken, [])
    server.changeSeed((seed) => Object.assign(personIn(seed, server.people.elena), { disabled: true }))
    await stream.ended
    expect(stream.events).toContainEqual(expect.objectContaining({ event: 'sign-in.ended' }))
    await expect(client.call('device.list', {})).rejects.toMatchObject({ code: 'auth.session-expired' })
    expect((await server.signIn(server.people.elena)).access_token).toBeUndefined()
    expect(kinds()).toEqual(expect.arrayContaining(['specialist.disabled', 'specialist.signed-out']))
    server.changeSeed((seed) => Object.assign(personIn(seed, server.people.elena), { disabled: false }))
    await vi.waitFor(() => expect(kinds()).toContain('specialist.enabled'), 10_000)
    expect((await server.signIn(server.people.elena)).access_token).toBeTruthy()
  })
})

describe('a disabled device', () => {
  test('shows that in the list, whose readers are told, and may still call in', async () => {
    const stop: (() => void)[] = []
    const stream = await listen(server, accessToken, stop)
    server.changeSeed((seed) => Object.assign(deviceIn(seed, server.devices.mine), { disabled: true }))
    await stream.next('device.list-changed')
    const { devices } = await client.call('device.list', {})
    expect(devices.find(({ id }) => id === server.devices.mine.id)?.reach).toMatchObject({ stopsAt: 'gantry', why: 'disabled' })
    for (const end of stop) end()
    expect(await agent.poll()).toEqual([])
    const { signed } = await signedRequest(server, server.people.elena, server.devices.mine)
    const asked = client.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
    await expect(asked).rejects.toMatchObject({ code: 'access.device-disabled' })
  })

  test('cannot enrol', async () => {
    server.changeSeed((seed) => Object.assign(deviceIn(seed, server.devices.second), { disabled: true }))
    await vi.waitFor(() => expect(kinds()).toContain('device.disabled'), 10_000)
    await expect(enrolAgent(server, server.devices.second)).rejects.toMatchObject({ code: 'enrol.code-bad' })
  })
})

test('a directory file that does not fit changes nothing and is audited once, with its field; the next good one counts', async () => {
  const path = join(server.stateDir, '..', 'seed.json')
  const good = readFileSync(path, 'utf8')
  writeFileSync(path, good.slice(0, 400))
  await vi.waitFor(() => expect(kinds()).toContain('directory.refused'), 10_000)
  server.clock.aheadMs += 5_000
  expect((await client.call('device.list', {})).devices.length).toBeGreaterThan(0)
  writeFileSync(path, good)
  server.changeSeed((seed) => Object.assign(deviceIn(seed, server.devices.mine), { name: 'CT Suite 3c' }))
  await vi.waitFor(async () => {
    expect((await client.call('device.list', {})).devices).toContainEqual(expect.objectContaining({ name: 'CT Suite 3c' }))
  }, 10_000)
  expect(kinds().filter((kind) => kind === 'directory.refused')).toHaveLength(1)
})
