import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RequestId } from '@gantry/shared/ids.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'

// T16: one device key, shown from two places.

let server: TestServer
let agent: TestAgent
let elena: ReturnType<TestServer['client']>
beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  elena = server.client((await server.signIn(server.people.elena)).access_token)
})
afterAll(() => server.close())

const poll = (run: Hash) => agent.poll({ run })
const reach = async () => (await elena.call('device.list', {})).devices.find(({ id }) => id === agent.device.id)?.reach.why
function alarms(): { deviceId: string }[] {
  const lines = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line).event).filter(({ kind }) => kind === 'device.two-places')
}
async function makeRequest(): Promise<RequestId> {
  const { signed, payload } = await signedRequest(server, server.people.elena, server.devices.mine)
  await elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
  return payload.id
}

test('an agent that is started again and again is one place, with a last poll of its own still on the way', async () => {
  const runs = Array.from({ length: 5 }, newNonce)
  for (const run of runs) {
    await poll(run)
    await poll(run)
  }
  // One that a killed process had sent already.
  await poll(runs[3] as Hash)
  await poll(runs[4] as Hash)
  expect(alarms()).toEqual([])
  expect(await reach()).toBe('reachable')
})

test('two that call in by turns are two: an alarm, once, and nobody gets in', async () => {
  const [own, copy] = [newNonce(), newNonce()]
  const requestId = await makeRequest()
  await poll(own)
  await poll(copy)
  await poll(own)
  expect(alarms()).toEqual([])
  await poll(own)
  expect(alarms()).toMatchObject([{ deviceId: agent.device.id }])
  await poll(copy)
  expect(alarms()).toHaveLength(1)
  expect(await reach()).toBe('two-places')
  await expect(makeRequest()).rejects.toMatchObject({ code: 'device.two-places' })
  // What waits or runs is over too.
  expect(await elena.call('access-request.show', { requestId })).toMatchObject({ state: 'refused', refusal: { code: 'device.two-places' } })
})

test('a new enrolment is a new key, and a new beginning', async () => {
  const secret = 'a second secret of this device'
  server.changeSeed((seed) => {
    for (const device of seed.customers.flatMap(({ sites }) => sites.flatMap(({ devices }) => devices))) {
      if (device.id === agent.device.id) device.enrolmentSecret = secret
    }
  })
  agent = await vi.waitFor(() => enrolAgent(server, { ...agent.device, secret }), { timeout: 15_000, interval: 200 })
  expect(await reach()).toBe('reachable')
})

test('one that draws a new number for each poll is told from an agent, before it fills the table', async () => {
  const before = alarms().length
  for (let polls = 0; polls < 510 && alarms().length === before; polls += 1) await poll(newNonce())
  expect(alarms()).toHaveLength(before + 1)
  expect(await reach()).toBe('two-places')
})
