import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { newId } from '@gantry/shared/ids.ts'
import { privatePem } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { ask, askAs } from '../../../test/support/sign-in-browser.ts'
import { enrolAgent, plainPoll, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'
import { type RowView, reachOf } from './row.ts'
import type { DeviceRecord } from './store.ts'

let server: TestServer
let agent: TestAgent
let token: string
let elena: ReturnType<TestServer['client']>

beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  ;({ access_token: token } = await server.signIn(server.people.elena))
  elena = server.client(token)
})
afterAll(() => server.close())

async function rowOf(id: string): Promise<DeviceRow | undefined> {
  const { devices } = await elena.call('device.list', {})
  return devices.find((device) => device.id === id)
}

describe('the device list', () => {
  test('shows what the profile grants, and nothing else (R071, R073)', async () => {
    const { mine, second, lapsed, off } = server.devices
    const { devices } = await elena.call('device.list', {})
    expect(new Set(devices.map(({ id }) => id))).toEqual(new Set([mine.id, second.id, lapsed.id, off.id]))
    const tomas = server.client((await server.signIn(server.people.tomas)).access_token)
    const other = await tomas.call('device.list', {})
    expect(other.devices.map(({ id, levels }) => ({ id, levels }))).toEqual([{ id: mine.id, levels: ['diagnostics'] }])
  })

  test('a hidden device and one that is not there answer the same, byte for byte (R073)', async () => {
    const shown = (deviceId: string) => {
      const headers = { 'content-type': 'application/json' }
      return askAs(token, `${server.origin}/api/v1/device.show`, server.ca, { method: 'POST', headers, body: JSON.stringify({ deviceId }) })
    }
    const [hidden, missing] = [await shown(server.devices.hidden.id), await shown(newId('dev'))]
    expect(hidden).toMatchObject({ status: 404, text: '{"ok":false,"failure":{"code":"device.unknown"}}' })
    const withoutDate = ({ headers: { date: _date, ...headers }, ...answer }: typeof hidden) => ({ ...answer, headers })
    expect(withoutDate(missing)).toEqual(withoutDate(hidden))
  })

  test('says what a device told of itself, and why one cannot be reached', async () => {
    await agent.poll({ softwareVersion: '5.1', instantPickup: true })
    expect(await rowOf(server.devices.mine.id)).toMatchObject({
      softwareVersion: '5.1',
      instantPickup: true,
      rules: { os: 'ask-typed' },
      reach: { stopsAt: null, why: 'reachable' },
    })
    expect(await rowOf(server.devices.second.id)).toMatchObject({ lastContactMs: null, rules: null, reach: { stopsAt: 'device', why: 'never-seen' } })
    expect(await rowOf(server.devices.lapsed.id)).toMatchObject({
      reach: { stopsAt: 'gantry', why: 'entitlement-ended' },
      entitlement: { endsOn: '2021-01-01' },
    })
  })

  test('shows a waiting request, its maker, and the sessions that were', async () => {
    const asked = await signedRequest(server, server.people.elena, server.devices.mine)
    await agent.poll()
    const { request: view } = await elena.call('access-request.create', { request: asked.signed, certificate: server.people.elena.certificate })
    expect(await rowOf(server.devices.mine.id)).toMatchObject({
      reach: { why: 'waiting' },
      openRequest: { requestId: view.id, state: 'requested', specialist: 'elena of the test', mine: true },
    })
    const hostKey = agent.hostKey
    await agent.answer(view.ticket, { kind: 'picked-up', rule: 'allow', draw: asked.nonce, hostKey })
    await agent.answer(view.ticket, { kind: 'approved', by: 'policy', hostKey })
    const event = { actor: { kind: 'agent' as const }, requestId: view.id, deviceId: agent.device.id }
    await agent.report([{ ...event, kind: 'session.opened' }])
    expect(await rowOf(server.devices.mine.id)).toMatchObject({ reach: { why: 'in-session' }, openRequest: { state: 'open' } })
    await agent.report([{ ...event, kind: 'session.ended', cause: 'idle' }])
    const shown = await elena.call('device.show', { deviceId: server.devices.mine.id })
    expect(shown).toMatchObject({ device: { openRequest: null }, sessions: [{ requestId: view.id, access: 'files', cause: 'idle' }] })
  })
})

describe('why a device cannot be reached', () => {
  const nowMs = Date.parse('2026-11-20T12:00:00Z')
  const device = {
    time_zone: 'UTC',
    connectivity: 'on',
    disabled_ms: null,
    two_places_ms: null,
    clock_off_s: 0,
    last_contact_ms: nowMs - 10_000,
    rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'deny' },
    entitlement: { kind: 'agreement', name: 'x', startsOn: '2026-01-01', endsOn: '2026-12-31' },
  } as DeviceRecord
  const view: RowView = { viewer: newId('spc'), levels: ['files'], open: undefined, siteSilent: false, nowMs }
  const none = { diagnostics: 'deny', files: 'deny', application: 'deny', os: 'deny' } as const

  test.each([
    ['reachable', {}, {}, { stopsAt: null, why: 'reachable' }],
    ['entitlement over', { entitlement: null }, {}, { stopsAt: 'gantry', why: 'entitlement-ended' }],
    ['no level', {}, { levels: [] }, { stopsAt: 'gantry', why: 'no-level' }],
    ['never seen', { last_contact_ms: null }, {}, { stopsAt: 'device', why: 'never-seen' }],
    ['silent', { last_contact_ms: nowMs - 600_000 }, {}, { stopsAt: 'device', why: 'silent', sinceMs: nowMs - 600_000 }],
    ['the site silent', { last_contact_ms: nowMs - 600_000 }, { siteSilent: true }, { stopsAt: 'site', why: 'site-silent' }],
    ['disabled', { disabled_ms: nowMs - 5_000 }, {}, { stopsAt: 'gantry', why: 'disabled', sinceMs: nowMs - 5_000 }],
    ['switched off here', { connectivity: 'off' }, {}, { stopsAt: 'device', why: 'connectivity-off' }],
    ['in two places', { two_places_ms: nowMs - 7_000 }, {}, { stopsAt: 'gantry', why: 'two-places', sinceMs: nowMs - 7_000 }],
    ['its clock wrong', { clock_off_s: -3_600 }, {}, { stopsAt: 'device', why: 'clock-off' }],
    ['switched off there', { rules: none }, {}, { stopsAt: 'device', why: 'connectivity-off' }],
  ])('%s', (_name, deviceChange, viewChange, expected) => {
    expect(reachOf({ ...device, ...deviceChange } as DeviceRecord, { ...view, ...viewChange } as RowView)).toMatchObject(expected)
  })
})

// Which certificates get through: test/system/certificates.test.ts.
describe('who may speak on the agents’ listener (R061, R066)', () => {
  const facts = plainPoll(Date.now())

  test('a TLS session that resumes still tells which device it is, and is checked again', async () => {
    const tls = new Agent({ keepAlive: false, maxCachedSessions: 10, ca: server.ca, cert: agent.certificate, key: privatePem(agent.key) })
    const body = JSON.stringify(facts)
    const once = () =>
      new Promise<{ status: number | undefined; reused: boolean }>((resolve, reject) => {
        const sent = request(
          `${server.agentOrigin}/agent/v1/device.poll`,
          { method: 'POST', agent: tls, headers: { 'content-type': 'application/json' } },
          (response) => {
            const reused = (response.socket as import('node:tls').TLSSocket).isSessionReused()
            response.resume().on('end', () => resolve({ status: response.statusCode, reused }))
          },
        )
        sent.on('error', reject).end(body)
      })
    expect(await once()).toEqual({ status: 200, reused: false })
    expect(await once()).toEqual({ status: 200, reused: true })
    const db = new DatabaseSync(join(server.stateDir, 'gantry.db'))
    db.prepare('update devices set revoked_ms = 1 where id = ?').run(agent.device.id)
    expect(await once()).toEqual({ status: 404, reused: true })
    db.prepare('update devices set revoked_ms = null where id = ?').run(agent.device.id)
    db.close()
    tls.destroy()
  })

  test('a device reaches nothing of the people’s listener, and people nothing of the agents’', async () => {
    const people = await ask(`${server.origin}/agent/v1/device.poll`, server.ca, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(JSON.parse(people.text)).toMatchObject({ failure: { code: 'contract.unknown-name' } })
    await expect(agent.api.call('device.enrol', {} as never)).rejects.toMatchObject({ code: 'contract.unknown-name' })
  })
})
