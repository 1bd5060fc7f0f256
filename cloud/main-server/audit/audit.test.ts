import { readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type AuditEvent, AuditKind, DeviceKind } from '@gantry/shared/audit.ts'
import { newId } from '@gantry/shared/ids.ts'
import { verifyAuditFile } from '@gantry/shared/node/audit-verify.ts'
import { generateSigningKey, newNonce, signJws } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'

let server: TestServer
let mine: TestAgent
let other: TestAgent
let elena: ReturnType<TestServer['client']>
beforeAll(async () => {
  server = await createTestServer()
  mine = await enrolAgent(server, server.devices.mine)
  other = await enrolAgent(server, server.devices.second)
  elena = server.client((await server.signIn(server.people.elena)).access_token)
})
afterAll(() => server.close())

const auditFile = () => join(server.stateDir, 'audit.jsonl')
const stored = (): AuditEvent[] =>
  readFileSync(auditFile(), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event)

async function request() {
  const asked = await signedRequest(server, server.people.elena, server.devices.mine)
  await mine.poll()
  await elena.call('access-request.create', { request: asked.signed, certificate: server.people.elena.certificate })
  return asked
}

describe('what the main server writes (R089, R092)', () => {
  test('enrolment, sign-in, request, refusal and cancelling, each with its actor', async () => {
    const { payload, signed } = await request()
    await expect(elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })).rejects.toMatchObject({
      code: 'access.replayed',
    })
    await elena.call('access-request.cancel', { requestId: payload.id })
    const kinds = stored().map(({ kind }) => kind)
    for (const kind of ['log.opened', 'server.started', 'device.enrolled', 'specialist.signed-in'] as const) expect(kinds).toContain(kind)
    const actor = { kind: 'specialist', id: server.people.elena.id, name: 'elena of the test' }
    expect(stored().filter(({ requestId }) => requestId === payload.id)).toMatchObject([
      { kind: 'case.opened', actor, deviceId: mine.device.id, data: { caseId: '48213' } },
      { kind: 'access.requested', actor, deviceId: mine.device.id, data: { access: 'files', caseId: '48213', minutes: 30 } },
      { kind: 'access.refused', actor, data: { step: 'requireNotReplayed', code: 'access.replayed' } },
      { kind: 'access.cancelled', actor },
    ])
    expect(await verifyAuditFile(auditFile())).toMatchObject({ ok: true, party: 'main-server', fault: null })
  })

  test('nothing else in the state folder has audit in its name', () => {
    expect(readdirSync(server.stateDir).filter((name) => name.includes('audit') && name !== 'audit.jsonl')).toEqual([])
  })

  test('where nothing can be written, nothing is granted', async () => {
    const asked = await signedRequest(server, server.people.elena, server.devices.mine)
    await mine.poll()
    renameSync(auditFile(), `${auditFile()}.away`)
    const call = elena.call('access-request.create', { request: asked.signed, certificate: server.people.elena.certificate })
    await expect(
      call.finally(() => {
        renameSync(`${auditFile()}.away`, auditFile())
      }),
    ).rejects.toMatchObject({ code: 'audit.unavailable' })
    await expect(elena.call('access-request.show', { requestId: asked.payload.id })).rejects.toMatchObject({ code: 'access.unknown' })
    expect((await mine.poll()).filter(({ kind }) => kind === 'access-request')).toEqual([])
  })
})

describe('what devices report', () => {
  const event = (change: Partial<AuditEvent>): AuditEvent => ({
    id: newId('evt'),
    at: '2026-11-20T10:00:00.000Z',
    kind: 'exec.started',
    actor: { kind: 'agent' },
    ...change,
  })

  test('is stored unchanged, once, and the heads are exchanged (R089)', async () => {
    const { payload } = await request()
    const told = event({ kind: 'session.opened', requestId: payload.id, deviceId: mine.device.id, privateHash: newNonce() })
    const first = await mine.report([told])
    await mine.report([told])
    expect(stored().filter(({ id }) => id === told.id)).toEqual([told])
    expect(stored().some(({ kind, actor }) => kind === 'head.witnessed' && actor.name === mine.device.id)).toBe(true)
    expect(await verifyAuditFile(auditFile(), { knownHeads: [first.head] })).toMatchObject({ ok: true })
    await elena.call('access-request.cancel', { requestId: payload.id })
  })

  test('nothing lands in the story of another device’s session, nor under another’s name', async () => {
    const { payload } = await request()
    const before = stored().length
    await expect(other.report([event({ requestId: payload.id })])).rejects.toMatchObject({ code: 'contract.bad-input' })
    await expect(other.report([event({ deviceId: mine.device.id })])).rejects.toMatchObject({ code: 'contract.bad-input' })
    const others = AuditKind.options.filter((kind) => !DeviceKind.safeParse(kind).success)
    expect(others).toEqual(expect.arrayContaining(['specialist.signed-in', 'notice.answered', 'case.closed', 'leg.admitted', 'server.started']))
    for (const kind of others) {
      await expect(other.report([event({ kind })])).rejects.toMatchObject({ code: 'contract.bad-input' })
    }
    expect(stored()).toHaveLength(before)
    await elena.call('access-request.cancel', { requestId: payload.id })
  })

  test('a head that another key signed is refused, with all that came along', async () => {
    const head = await signJws('head', { version: 1, logId: newId('log'), seq: 1, hash: newNonce(), at: 1 }, generateSigningKey())
    await expect(mine.api.call('audit.report', { events: [event({})], head })).rejects.toMatchObject({ code: 'device.answer-bad' })
  })
})

describe('heads of workstations', () => {
  test('are kept under the person’s name, and ours is given for it', async () => {
    const head = await signJws('head', { version: 1, logId: newId('log'), seq: 7, hash: newNonce(), at: 1 }, generateSigningKey())
    const ours = await elena.call('head.exchange', { head })
    expect(stored().at(-1)).toMatchObject({ kind: 'head.witnessed', actor: { name: 'elena' }, data: { seq: 7, head } })
    expect(await verifyAuditFile(auditFile(), { knownHeads: [ours.head] })).toMatchObject({ ok: true })
    await expect(elena.call('head.exchange', { head: 'a.b.c' })).rejects.toMatchObject({ code: 'contract.bad-input' })
  })
})
