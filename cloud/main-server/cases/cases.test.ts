import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CaseView } from '@gantry/shared/case-api.ts'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { CustomerId } from '@gantry/shared/ids.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestPerson, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'

type Client = ReturnType<TestServer['client']>
let server: TestServer
let agent: TestAgent
let elena: Client
let tomas: Client

beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  elena = server.client((await server.signIn(server.people.elena)).access_token)
  tomas = server.client((await server.signIn(server.people.tomas)).access_token)
})
afterAll(() => server.close())

async function ask(client: Client, person: TestPerson, caseId: string): Promise<AccessRequestView> {
  const { signed } = await signedRequest(server, person, server.devices.mine, { caseId, access: 'diagnostics' })
  await agent.poll()
  const { request } = await client.call('access-request.create', { request: signed, certificate: person.certificate })
  return request
}
async function begin(number: string): Promise<CaseView> {
  const { id } = await ask(elena, server.people.elena, number)
  await elena.call('access-request.cancel', { requestId: id })
  return caseOf(elena, number)
}
async function caseOf(client: Client, number: string): Promise<CaseView> {
  const found = (await client.call('case.list', {})).cases.find((one) => one.number === number)
  if (!found) throw new Error(`no case ${number}`)
  return found
}
const keyOf = ({ customerId, number }: CaseView) => ({ customerId, number })
const kinds = () => {
  const lines = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line).event as { kind: string; data?: Record<string, unknown> }).filter(({ kind }) => kind.startsWith('case.'))
}

describe('a case (R087)', () => {
  test('begins with the first request that names it, and is with who made that', async () => {
    const first = await begin('70001')
    expect(first).toMatchObject({ state: 'open', held: true, holder: 'elena of the test', device: { name: 'CT Suite 3' }, customer: 'Riverside Hospital' })
    await begin('70001')
    expect((await elena.call('case.list', {})).cases.filter(({ number }) => number === '70001')).toEqual([first])
    expect(kinds().filter(({ kind, data }) => kind === 'case.opened' && data?.caseId === '70001')).toHaveLength(1)
  })

  test('is not there for who has nothing to do with it: every call answers as for one that was never made', async () => {
    const key = keyOf(await begin('70002'))
    expect((await tomas.call('case.list', {})).cases.map(({ number }) => number)).not.toContain('70002')
    const never = { customerId: key.customerId, number: '79999' }
    const elsewhere = { customerId: CustomerId.parse('cus_aaaaaaaaaaaaaaaa'), number: '70002' }
    for (const one of [key, never, elsewhere]) {
      await expect(tomas.call('case.colleagues', one)).rejects.toMatchObject({ code: 'case.unknown' })
      await expect(tomas.call('case.close', { ...one, resolution: 'not mine' })).rejects.toMatchObject({ code: 'case.unknown' })
      await expect(tomas.call('case.escalate', { ...one, to: 'tomas', reason: 'taking it' })).rejects.toMatchObject({ code: 'case.unknown' })
    }
  })

  test('is escalated to a colleague who is assigned to its device, by its holder alone', async () => {
    const key = keyOf(await begin('70003'))
    const { colleagues } = await elena.call('case.colleagues', key)
    expect(colleagues).toEqual([{ username: 'tomas', name: 'tomas of the test', tier: 2, country: 'CA' }])
    for (const to of ['elena', 'nobody']) {
      await expect(elena.call('case.escalate', { ...key, to, reason: 'needs more' })).rejects.toMatchObject({ code: 'case.colleague-unknown' })
    }
    const given = await elena.call('case.escalate', { ...key, to: 'tomas', reason: 'The pump needs its maker' })
    expect(given).toMatchObject({ held: false, holder: 'tomas of the test', escalation: { by: 'elena of the test', reason: 'The pump needs its maker' } })
    expect(await caseOf(tomas, '70003')).toMatchObject({ held: true })
    await expect(elena.call('case.escalate', { ...key, to: 'tomas', reason: 'again' })).rejects.toMatchObject({ code: 'case.not-held' })
    await expect(elena.call('case.close', { ...key, resolution: 'done' })).rejects.toMatchObject({
      code: 'case.not-held',
      details: { holder: 'tomas of the test' },
    })
    expect(await tomas.call('case.close', { ...key, resolution: 'Seal replaced' })).toMatchObject({
      closed: { by: 'tomas of the test', resolution: 'Seal replaced' },
    })
  })

  test('that is closed stays closed: no request names it any more', async () => {
    const key = keyOf(await begin('70004'))
    await elena.call('case.close', { ...key, resolution: 'Cable seated again' })
    await expect(elena.call('case.close', { ...key, resolution: 'twice' })).rejects.toMatchObject({ code: 'case.closed' })
    await expect(elena.call('case.escalate', { ...key, to: 'tomas', reason: 'after all' })).rejects.toMatchObject({ code: 'case.closed' })
    await expect(ask(elena, server.people.elena, '70004')).rejects.toMatchObject({ code: 'case.closed' })
  })

  test('keeps what people wrote about it out of the audit', async () => {
    const key = keyOf(await begin('70005'))
    await elena.call('case.escalate', { ...key, to: 'tomas', reason: 'words of a reason' })
    await tomas.call('case.close', { ...key, resolution: 'words of a resolution' })
    const told = kinds().filter(({ data }) => data?.caseId === '70005')
    expect(told.map(({ kind }) => kind)).toEqual(['case.opened', 'case.escalated', 'case.closed'])
    expect(JSON.stringify(told)).not.toContain('words of')
  })
})
