import { newNonce } from '@gantry/shared/node/signing.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../../../test/support/listen.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { ask, exchange, form } from '../../../test/support/sign-in-browser.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'

let server: TestServer
let agent: TestAgent
beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
})
const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})
afterAll(() => server.close())

const listenTo = (token: string) => listen(server, token, stops)

async function makeRequest(accessToken: string) {
  const asked = await signedRequest(server, server.people.elena, server.devices.mine)
  await agent.poll()
  const { request } = await server.client(accessToken).call('access-request.create', { request: asked.signed, certificate: server.people.elena.certificate })
  return request
}

describe('server-sent updates', () => {
  test('tell the owner of each step of a request, of the device, and of what the session did', async () => {
    const { access_token } = await server.signIn(server.people.elena)
    const updates = await listenTo(access_token)
    const view = await makeRequest(access_token)
    await updates.next('access-request.changed', ({ state }: { state: string }) => state === 'requested')
    await agent.answer(view.ticket, { kind: 'picked-up', rule: 'allow', draw: newNonce(), hostKey: agent.hostKey })
    expect(await updates.next('access-request.changed', ({ state }: { state: string }) => state === 'picked-up')).toMatchObject({
      data: { id: view.id, answers: [expect.any(String)] },
    })
    await updates.next('device.changed', (row: { openRequest: unknown }) => row.openRequest !== null)
    await agent.answer(view.ticket, { kind: 'approved', by: 'policy', hostKey: agent.hostKey })
    const about = { actor: { kind: 'agent' as const }, requestId: view.id, deviceId: agent.device.id }
    await agent.report([
      { ...about, kind: 'session.opened' },
      { ...about, kind: 'exec.started' },
    ])
    expect(await updates.next('session.activity', ({ event }: { event: { kind: string } }) => event.kind === 'exec.started')).toMatchObject({
      data: { requestId: view.id },
    })
    await updates.next('access-request.changed', ({ state }: { state: string }) => state === 'open')
    await agent.report([{ ...about, kind: 'session.ended', cause: 'idle' }])
    await updates.next('access-request.changed', ({ endCause }: { endCause: string | null }) => endCause === 'idle')
  })

  test('nothing of it reaches another specialist, who sees the device alone (R073)', async () => {
    const { access_token } = await server.signIn(server.people.elena)
    const other = await listenTo((await server.signIn(server.people.tomas)).access_token)
    const view = await makeRequest(access_token)
    await server.client(access_token).call('access-request.cancel', { requestId: view.id })
    await other.next('device.changed', ({ openRequest }: { openRequest: { mine: boolean } | null }) => openRequest === null || !openRequest.mine)
    expect(new Set(other.events.map(({ event }) => event))).toEqual(new Set(['device.changed']))
  })

  test('a device that falls silent is told without anybody asking', async () => {
    const updates = await listenTo((await server.signIn(server.people.elena)).access_token)
    await agent.poll()
    server.clock.aheadMs += 100_000
    await updates.next('device.changed', ({ reach }: { reach: { why: string } }) => reach.why === 'silent')
    await agent.poll()
    await updates.next('device.changed', ({ reach }: { reach: { why: string } }) => reach.why === 'reachable')
  })

  test('end with the sign-in: signed out, or a refresh token used twice', async () => {
    for (const how of ['revoke', 'reuse'] as const) {
      const tokens = await server.signIn(server.people.elena)
      const updates = await listenTo(tokens.access_token)
      if (how === 'revoke') await ask(`${server.origin}/oidc/token/revocation`, server.ca, form({ client_id: 'gantry-desktop', token: tokens.refresh_token }))
      else
        for (let count = 0; count < 2; count++) await exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
      await updates.next('sign-in.ended')
      await updates.ended
    }
  })

  test('need a sign-in', async () => {
    const refused = await listenTo('not-a-token-that-anybody-made')
    expect(await refused.ended).toMatchObject({ code: 'auth.session-expired' })
    expect(JSON.parse((await ask(`${server.origin}/api/v1/updates`, server.ca)).text)).toEqual({ ok: false, failure: { code: 'auth.not-signed-in' } })
  })

  test('a server that stops closes them, and takes them again after it is back', async () => {
    const { access_token } = await server.signIn(server.people.elena)
    const updates = await listenTo(access_token)
    await server.stop()
    await updates.ended
    await server.start()
    const again = await listenTo(access_token)
    expect(again.events).toEqual([])
  })
})
