import { WellKnown } from '@gantry/shared/client-api.ts'
import { LicencesPayload } from '@gantry/shared/licences.ts'
import { getJson } from '@gantry/shared/node/api-client.ts'
import { verifyJws } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { changeDirectory, eventsOf, firstCustomer } from '../../../test/support/directory.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, plainPoll, type TestAgent } from '../../../test/support/test-agent.ts'

// R011: a subscription that begins, is renewed or ends is at the device with its next poll, and the device's own word is shown beside it.

let server: TestServer
let agent: TestAgent
beforeEach(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
})
afterEach(() => server.close())

const poll = (change: object) => agent.api.call('device.poll', plainPoll(server.now(), { run: agent.run, ...change }))
const subscribe = (...subscriptions: LicencesPayload['subscriptions']) =>
  changeDirectory(server, (seed) => {
    for (const device of firstCustomer(seed).sites.flatMap(({ devices }) => devices)) if (device.id === agent.device.id) device.subscriptions = subscriptions
  })
async function read(jws: string | undefined): Promise<LicencesPayload> {
  const { ticketKey } = await getJson({ origin: server.origin, dial: server.dial }, WellKnown, { path: '/.well-known/gantry' })
  return verifyJws(jws ?? '', { type: 'licences', schema: LicencesPayload, key: ticketKey, failure: 'internal' })
}
const reports = { feature: 'dose-reports', name: 'Dose reports', from: '2020-01-01', until: '2090-06-30' }
const shown = async () => {
  const client = server.client((await server.signIn(server.people.elena)).access_token)
  return (await client.call('device.show', { deviceId: agent.device.id })).subscriptions
}

test('begun, renewed and taken back, each with the next poll, a held one too', async () => {
  expect(await poll({ licencesNumber: 0 })).not.toHaveProperty('licences')
  const held = poll({ licencesNumber: 0, holdMs: 20_000 })
  await subscribe(reports)
  const first = await read((await held).licences)
  expect(first).toMatchObject({ deviceId: agent.device.id, subscriptions: [reports] })
  expect(await poll({ licencesNumber: first.number })).not.toHaveProperty('licences')
  await subscribe({ ...reports, until: '2095-06-30' })
  const renewed = await read((await poll({ licencesNumber: first.number })).licences)
  expect([renewed.number > first.number, renewed.subscriptions[0]?.until]).toEqual([true, '2095-06-30'])
  await subscribe()
  expect((await read((await poll({ licencesNumber: renewed.number })).licences)).subscriptions).toEqual([])
  expect(eventsOf(server).filter(({ kind, data }) => kind === 'directory.changed' && data?.devices === 1)).toHaveLength(3)
})

test('what the device reports is shown beside what is subscribed to; an agent of before gets none', async () => {
  const over = { feature: 'contrast-log', name: 'Contrast log', from: '2020-01-01', until: '2021-01-01' }
  await subscribe(reports, over)
  expect(await poll({})).not.toHaveProperty('licences')
  expect(await shown()).toMatchObject([
    { feature: 'dose-reports', inForce: true, reported: false },
    { feature: 'contrast-log', inForce: false, reported: false },
  ])
  await poll({ licensed: ['dose-reports'] })
  expect((await shown()).map(({ reported }) => reported)).toEqual([true, false])
})

test('another device gets nothing of it', async () => {
  await subscribe(reports)
  const other = await enrolAgent(server, server.devices.second)
  expect(await other.api.call('device.poll', plainPoll(server.now(), { licencesNumber: 0 }))).not.toHaveProperty('licences')
})
