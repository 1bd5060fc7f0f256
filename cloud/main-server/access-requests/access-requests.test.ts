import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '@gantry/shared/agent-api.ts'
import { type AccessRequestView, WellKnown } from '@gantry/shared/client-api.ts'
import { newId } from '@gantry/shared/ids.ts'
import { generateSigningKey, newNonce, requestHash } from '@gantry/shared/node/signing.ts'
import { checkTicket } from '@gantry/shared/node/ticket.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { requestLimits } from '../../../shared/access-request.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { ask, askAs, exchange } from '../../../test/support/sign-in-browser.ts'
import { type Asked, enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'

let server: TestServer
let agent: TestAgent
let accessToken: string
let elena: ReturnType<TestServer['client']>

beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  ;({ access_token: accessToken } = await server.signIn(server.people.elena))
  elena = server.client(accessToken)
})
afterEach(async () => {
  const { requests } = await elena.call('access-request.list', { limit: 200 })
  for (const { id } of requests) await elena.call('access-request.cancel', { requestId: id })
  await handleAll()
})
afterAll(() => server.close())

/** Names everything that lies there as handled, and returns it. */
async function handleAll(): Promise<Delivery[]> {
  const deliveries = await agent.poll()
  if (deliveries.length > 0) await agent.poll({ handled: deliveries.map(({ id }) => id) })
  return deliveries
}

async function makeRequest(change: Record<string, unknown> = {}, device = server.devices.mine): Promise<Asked & { view: AccessRequestView; passed: string[] }> {
  const asked = await signedRequest(server, server.people.elena, device, change)
  await agent.poll()
  const { request, passed } = await elena.call('access-request.create', { request: asked.signed, certificate: server.people.elena.certificate })
  return { ...asked, view: request, passed }
}

async function show({ payload }: Asked): Promise<AccessRequestView> {
  return elena.call('access-request.show', { requestId: payload.id })
}

const pickedUp = () => ({ kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: agent.hostKey }) as const
const approved = () => ({ kind: 'approved', by: 'person', hostKey: agent.hostKey }) as const
const opened = ({ payload }: Asked) => {
  return { kind: 'session.opened', actor: { kind: 'agent' as const, id: agent.device.id }, requestId: payload.id, deviceId: agent.device.id } as const
}

describe('asking for access', () => {
  test('a request that passes becomes a ticket for exactly that request, at one access server with its fallback (R028, R077)', async () => {
    const { view, signed, passed } = await makeRequest({ access: 'os' })
    expect(view).toMatchObject({ state: 'requested', access: 'os', device: { name: 'CT Suite 3' }, specialist: { name: 'elena of the test' } })
    expect(passed).toContain('requireEntitlement')
    const { ticketKey } = WellKnown.parse(JSON.parse((await ask(`${server.origin}/.well-known/gantry`, server.ca)).text))
    const ticket = await checkTicket(view.ticket, [ticketKey], Math.floor(server.now() / 1000))
    expect(ticket).toMatchObject({ requestHash: requestHash(signed), deviceKey: agent.key.publicJwk, access: 'os', minutes: 30 })
    expect(new Set([ticket.accessServer.name, ticket.fallback?.name])).toEqual(new Set(['access-1', 'access-2']))
    expect(view.accessServer.name).toBe(ticket.accessServer.name)
  })

  test('the device finds it in its next poll, and again until it names it (R033, R052)', async () => {
    const { view, signed } = await makeRequest()
    const [delivery] = await agent.poll()
    expect(delivery).toMatchObject({ kind: 'access-request', ticket: view.ticket, request: signed, certificate: server.people.elena.certificate })
    expect(await agent.poll()).toEqual([delivery])
    expect(await agent.poll({ handled: delivery ? [delivery.id] : [] })).toEqual([])
    expect(await agent.poll()).toEqual([])
  })

  test('a held poll answers at once when a request arrives', async () => {
    const held = agent.poll({ holdMs: 60_000 })
    const asked = await makeRequest()
    expect(await held).toMatchObject([{ kind: 'access-request', ticket: asked.view.ticket }])
  })

  test('of many held polls none misses a request that arrives while it begins', async () => {
    for (let round = 0; round < 10; round++) {
      const asked = await signedRequest(server, server.people.elena, server.devices.mine)
      const [deliveries] = await Promise.all([
        agent.poll({ holdMs: 10_000 }),
        elena.call('access-request.create', { request: asked.signed, certificate: server.people.elena.certificate }),
      ])
      expect(deliveries).toMatchObject([{ kind: 'access-request' }])
      await elena.call('access-request.cancel', { requestId: asked.payload.id })
      await handleAll()
    }
  })

  test('the same request again is a replay, also under another ticket', async () => {
    const { signed } = await makeRequest()
    await expect(elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })).rejects.toMatchObject({
      code: 'access.replayed',
    })
  })

  test('one of two requests with the same commitment is refused when both arrive at once', async () => {
    const { signed } = await signedRequest(server, server.people.elena, server.devices.mine)
    await agent.poll()
    const call = () => elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
    const results = await Promise.allSettled([call(), call()])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'access.replayed' } })
  })

  test('a third request while two wait is refused', async () => {
    await makeRequest()
    await makeRequest()
    await expect(makeRequest()).rejects.toMatchObject({ code: 'access.too-many-open', details: { max: 2 } })
  })

  test('a device of others, hidden or never made, gets one and the same answer, byte for byte (R073)', async () => {
    const create = async (id: string) => {
      const { signed } = await signedRequest(server, server.people.elena, { id: id as Asked['payload']['deviceId'] } as never)
      const body = JSON.stringify({ request: signed, certificate: server.people.elena.certificate })
      const headers = { 'content-type': 'application/json' }
      return askAs(accessToken, `${server.origin}/api/v1/access-request.create`, server.ca, { method: 'POST', headers, body })
    }
    const [hidden, missing] = [await create(server.devices.hidden.id), await create(newId('dev'))]
    expect(hidden.text).toBe('{"ok":false,"failure":{"code":"device.unknown"}}')
    expect(missing.text).toBe(hidden.text)
    expect(missing.status).toBe(hidden.status)
  })

  test.each([
    ['lapsed', 'access.not-entitled'],
    ['second', 'device.offline'],
    ['off', 'device.offline'],
  ] as const)('the device %s answers %s', async (name, code) => {
    await expect(makeRequest({}, server.devices[name])).rejects.toMatchObject({ code })
  })

  test('a device that went silent is offline, and the answer says for how long', async () => {
    server.clock.aheadMs += 200_000
    const { signed } = await signedRequest(server, server.people.elena, server.devices.mine)
    const call = elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
    await expect(call).rejects.toMatchObject({ code: 'device.offline', details: { seconds: expect.any(Number) } })
  })

  test('another person’s certificate does not help, with their signatures or ours', async () => {
    const { tomas, elena: owner } = server.people
    const { signed } = await signedRequest(server, tomas, server.devices.mine)
    await expect(elena.call('access-request.create', { request: signed, certificate: tomas.certificate })).rejects.toMatchObject({
      code: 'access.certificate-bad',
    })
    await expect(elena.call('access-request.create', { request: signed, certificate: owner.certificate })).rejects.toMatchObject({
      code: 'access.signature-bad',
    })
  })

  test('a profile that holds diagnostics on this device holds nothing else (R071, R073)', async () => {
    const { access_token } = await server.signIn(server.people.tomas)
    const tomas = server.client(access_token)
    await agent.poll()
    const call = async (access: string) => {
      const { signed } = await signedRequest(server, server.people.tomas, server.devices.mine, { access })
      return tomas.call('access-request.create', { request: signed, certificate: server.people.tomas.certificate })
    }
    await expect(call('files')).rejects.toMatchObject({ code: 'access.level-not-allowed', details: { level: 'files' } })
    const { request } = await call('diagnostics')
    await expect(elena.call('access-request.show', { requestId: request.id })).rejects.toMatchObject({ code: 'access.unknown' })
    await expect(elena.call('access-request.cancel', { requestId: request.id })).rejects.toMatchObject({ code: 'access.unknown' })
    await tomas.call('access-request.cancel', { requestId: request.id })
  })

  test.each([
    ['a reason that is too long', { reason: 'x'.repeat(1_001) }, 'access.reason-too-long'],
    ['a reason with a bidirectional override', { reason: 'ok \u202e' }, 'contract.bad-input'],
    ['no minutes', { minutes: 0 }, 'contract.bad-input'],
    ['a member that nobody knows', { extra: true }, 'contract.bad-input'],
  ])('%s is refused with a code', async (_what, change, code) => {
    await expect(makeRequest(change)).rejects.toMatchObject({ code })
  })
})

describe('the device’s answers', () => {
  test('picked up, asked, approved, opened, ended: each moves the state, and the client sees the signed words (R078, R080)', async () => {
    const asked = await makeRequest()
    const { ticket } = asked.view
    await agent.answer(ticket, pickedUp())
    expect(await show(asked)).toMatchObject({ state: 'picked-up' })
    await agent.answer(ticket, { kind: 'asking', answerBefore: Math.floor(server.now() / 1000) + 120 })
    expect(await show(asked)).toMatchObject({ state: 'asking' })
    await agent.answer(ticket, approved())
    const view = await show(asked)
    expect(view.state).toBe('approved')
    expect(view.answers).toHaveLength(3)
    expect(view.deviceCertificate).toBe(agent.certificate)
    await agent.report([opened(asked)])
    expect(await show(asked)).toMatchObject({ state: 'open' })
    await agent.report([{ ...opened(asked), kind: 'session.ended', cause: 'person' }])
    expect(await show(asked)).toMatchObject({ state: 'ended', endCause: 'person', endedMs: expect.any(Number) })
  })

  test('a session that the device prolonged is looked for until its new end, and no report makes it longer than any may be', async () => {
    const asked = await makeRequest()
    await agent.answer(asked.view.ticket, pickedUp())
    await agent.answer(asked.view.ticket, approved())
    await agent.report([opened(asked)])
    const prolonged = (total: number) => agent.report([{ ...opened(asked), kind: 'session.prolonged', data: { minutes: 30, total } }])
    await prolonged(60)
    server.clock.aheadMs += 45 * 60_000
    await sleep(1_500)
    expect(await show(asked)).toMatchObject({ state: 'open' })
    await prolonged(100_000)
    server.clock.aheadMs += (requestLimits.maxMinutes + 11 - 45) * 60_000
    await expect.poll(async () => (await show(asked)).state).toBe('ended')
  })

  test('an answer that comes twice changes nothing', async () => {
    const asked = await makeRequest()
    const answer = pickedUp()
    await agent.answer(asked.view.ticket, answer)
    await agent.answer(asked.view.ticket, answer)
    expect((await show(asked)).answers).toHaveLength(1)
  })

  test('an answer under another key, or with another host key, is refused', async () => {
    const asked = await makeRequest()
    await expect(agent.answer(asked.view.ticket, pickedUp(), generateSigningKey())).rejects.toMatchObject({ code: 'device.answer-bad' })
    await expect(agent.answer(asked.view.ticket, { ...pickedUp(), hostKey: 'ecdsa-sha2-nistp256 AAAAother' })).rejects.toMatchObject({
      code: 'device.host-key-wrong',
    })
    expect(await show(asked)).toMatchObject({ state: 'requested', answers: [] })
  })

  test('nothing is approved that was not picked up (R065)', async () => {
    const asked = await makeRequest()
    await expect(agent.answer(asked.view.ticket, approved())).rejects.toMatchObject({ code: 'access.wrong-state' })
    expect(await show(asked)).toMatchObject({ state: 'requested', answers: [] })
  })

  test('a report that overtakes the approval is not lost', async () => {
    const asked = await makeRequest()
    await agent.answer(asked.view.ticket, pickedUp())
    await agent.report([opened(asked)])
    expect(await show(asked)).toMatchObject({ state: 'picked-up' })
    await agent.answer(asked.view.ticket, approved())
    expect(await show(asked)).toMatchObject({ state: 'open' })
    const second = await makeRequest()
    await agent.answer(second.view.ticket, pickedUp())
    await agent.report([opened(second), { ...opened(second), kind: 'session.ended', cause: 'person' }])
    await agent.answer(second.view.ticket, approved())
    expect(await show(second)).toMatchObject({ state: 'ended', endCause: 'person' })
    await agent.report([{ ...opened(asked), kind: 'session.ended', cause: 'person' }])
  })

  test('a refusal carries the device’s code', async () => {
    const asked = await makeRequest()
    await agent.answer(asked.view.ticket, { kind: 'refused', code: 'access.rate-limited', details: { minutes: 12 } })
    expect(await show(asked)).toMatchObject({ state: 'refused', refusal: { code: 'access.rate-limited', details: { minutes: 12 } } })
  })
})

describe('revealing the nonce', () => {
  test('reaches the device only after its own draw, and only the nonce that was committed to', async () => {
    const asked = await makeRequest()
    const reveal = (nonce: Asked['nonce']) => elena.call('access-request.reveal', { requestId: asked.payload.id, nonce })
    await expect(reveal(asked.nonce)).rejects.toMatchObject({ code: 'access.wrong-state' })
    await agent.answer(asked.view.ticket, pickedUp())
    await expect(reveal(newNonce())).rejects.toMatchObject({ code: 'access.commitment-bad' })
    await handleAll()
    const held = agent.poll({ holdMs: 60_000 })
    await reveal(asked.nonce)
    expect(await held).toMatchObject([{ kind: 'reveal', requestId: asked.payload.id, nonce: asked.nonce }])
    await reveal(asked.nonce)
    expect(await agent.poll()).toHaveLength(1)
  })
})

describe('cancelling and running out', () => {
  test('before the device fetched it, the request is taken back', async () => {
    const asked = await makeRequest()
    await elena.call('access-request.cancel', { requestId: asked.payload.id })
    expect(await show(asked)).toMatchObject({ state: 'cancelled' })
    expect(await handleAll()).toMatchObject([{ kind: 'cancel', requestId: asked.payload.id }])
    await elena.call('access-request.cancel', { requestId: asked.payload.id })
    expect(await handleAll()).toEqual([])
  })

  test('while the device asks, it is told at once', async () => {
    const asked = await makeRequest()
    await handleAll()
    await agent.answer(asked.view.ticket, pickedUp())
    const held = agent.poll({ holdMs: 60_000 })
    await elena.call('access-request.cancel', { requestId: asked.payload.id })
    expect(await held).toMatchObject([{ kind: 'cancel', requestId: asked.payload.id }])
    await expect(agent.answer(asked.view.ticket, approved())).rejects.toMatchObject({ code: 'access.wrong-state' })
  })

  test('an open session gets its end through the device', async () => {
    const asked = await makeRequest()
    await handleAll()
    await agent.answer(asked.view.ticket, pickedUp())
    await agent.answer(asked.view.ticket, approved())
    await agent.report([opened(asked)])
    await elena.call('access-request.cancel', { requestId: asked.payload.id })
    expect(await handleAll()).toMatchObject([{ kind: 'end', requestId: asked.payload.id, cause: 'specialist' }])
    expect(await show(asked)).toMatchObject({ state: 'open' })
    await agent.report([{ ...opened(asked), kind: 'session.ended', cause: 'specialist' }])
    expect(await show(asked)).toMatchObject({ state: 'ended', endCause: 'specialist' })
  })

  test('what the specialist signed reaches the device as it is (R062)', async () => {
    const asked = await makeRequest()
    await handleAll()
    await agent.answer(asked.view.ticket, pickedUp())
    const withdrawal = 'aa.bb.cc'
    await elena.call('access-request.cancel', { requestId: asked.payload.id, withdrawal })
    expect(await handleAll()).toMatchObject([{ kind: 'cancel', requestId: asked.payload.id, withdrawal }])
  })

  test('a request that nobody fetches runs out, and the device is told so', async () => {
    const asked = await makeRequest()
    server.clock.aheadMs += 400_000
    await expect.poll(async () => (await show(asked)).state, { timeout: 10_000 }).toBe('expired')
    expect(await handleAll()).toMatchObject([{ kind: 'cancel', requestId: asked.payload.id }])
  })

  test('a stale second factor is refused for os once the clock has moved on (R065)', async () => {
    server.clock.aheadMs += 16 * 60_000
    await expect(makeRequest({ access: 'os' })).rejects.toMatchObject({ code: 'access.mfa-stale', details: { minutes: 15 } })
    const asked = await makeRequest({ access: 'application' })
    expect(asked.view.state).toBe('requested')
  })
})

describe('a main server that dies', () => {
  test('keeps request, deliveries, answers and sign-in; the device and the client go on where they were (R052)', async () => {
    const { access_token, refresh_token } = await server.signIn(server.people.elena)
    const asked = await makeRequest()
    const [delivery] = await agent.poll()
    await agent.answer(asked.view.ticket, pickedUp())
    await server.stop()
    await server.start()
    expect(await agent.poll()).toEqual([delivery])
    await agent.answer(asked.view.ticket, approved())
    const again = server.client(access_token)
    expect(await again.call('access-request.show', { requestId: asked.payload.id })).toMatchObject({ state: 'approved', ticket: asked.view.ticket })
    expect((await exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token })).status).toBe(200)
    await expect(makeRequest().then(() => agent.answer(asked.view.ticket, pickedUp()))).resolves.toBeUndefined()
  })

  test('what a session did while it was away is stored when the device reports it, once', async () => {
    const asked = await makeRequest()
    await agent.answer(asked.view.ticket, pickedUp())
    await agent.answer(asked.view.ticket, approved())
    await server.stop()
    await server.start()
    const events = [opened(asked), { ...opened(asked), kind: 'session.ended' as const, cause: 'time' as const }].map((event) => {
      return { ...event, id: newId('evt'), at: new Date(server.now()).toISOString() }
    })
    await agent.report(events as never)
    await agent.report(events as never)
    expect(await show(asked)).toMatchObject({ state: 'ended', endCause: 'time' })
  })
})
