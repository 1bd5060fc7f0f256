import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listen } from '../../../test/support/listen.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { ask, exchange, form, type Tokens } from '../../../test/support/sign-in-browser.ts'
import { enrolAgent, type TestAgent } from '../../../test/support/test-agent.ts'
import { makeRequest, openSession } from '../../../test/support/test-session.ts'

/** D12: somebody holds a copy of the workstation's keychain, tokens and key alike. Then the reuse of a rotated refresh token is what tells. */
let server: TestServer
let agent: TestAgent
const stops: (() => void)[] = []
beforeEach(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
})
afterEach(async () => {
  for (const stop of stops.splice(0)) stop()
  await server.close()
})

const refresh = (refresh_token: string) => exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token })
const events = (): { kind: string; data?: Record<string, unknown> }[] => {
  const lines = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line).event)
}

/** What the device is told about the ends of these requests. */
async function endsOf(views: AccessRequestView[]): Promise<Record<string, string>> {
  const ends: Record<string, string> = {}
  while (Object.keys(ends).length < views.length) {
    for (const delivery of await agent.poll({ holdMs: 4_000 })) if (delivery.kind === 'end') ends[delivery.requestId] = delivery.cause
  }
  return ends
}
const shownTo = ({ access_token }: Tokens, { id }: AccessRequestView) => server.client(access_token).call('access-request.show', { requestId: id })

describe('a rotated refresh token that is used again (D12)', () => {
  test('ends the family everywhere, and what was opened under it with a stated cause; both are in the audit', async () => {
    const first = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, first)
    const waiting = await makeRequest(server, agent, first)
    const rotated = JSON.parse((await refresh(first.refresh_token)).text) as Tokens
    const updates = await listen(server, rotated.access_token, stops)
    expect(JSON.parse((await refresh(first.refresh_token)).text)).toMatchObject({ error: 'invalid_grant' })
    await updates.next('sign-in.ended', ({ why }: { why: string }) => why === 'token-reused')
    await updates.ended
    expect(await endsOf([session, waiting])).toEqual({ [session.id]: 'revoked', [waiting.id]: 'revoked' })
    for (const { access_token, refresh_token } of [first, rotated]) {
      await expect(server.client(access_token).call('specialist.me', {})).rejects.toMatchObject({ code: 'auth.session-expired' })
      expect(JSON.parse((await refresh(refresh_token)).text)).toMatchObject({ error: 'invalid_grant' })
    }
    const again = await server.signIn(server.people.elena)
    expect(await shownTo(again, session)).toMatchObject({ endCause: 'revoked', refusal: { code: 'auth.sign-in-copied' } })
    expect(await shownTo(again, waiting)).toMatchObject({ state: 'refused', refusal: { code: 'auth.sign-in-copied' } })
    const audited = events().filter(({ kind }) => kind === 'specialist.signed-out' || kind === 'access.revoked')
    expect(audited.map(({ data }) => data?.why ?? data?.code)).toEqual(expect.arrayContaining(['token-reused', 'auth.sign-in-copied', 'auth.sign-in-copied']))
  })

  test('leaves the sessions of another sign-in alone, the same person’s too', async () => {
    const [one, other] = [await server.signIn(server.people.elena), await server.signIn(server.people.elena)]
    const [ending, staying] = [await openSession(server, agent, one), await openSession(server, agent, other)]
    for (let count = 0; count < 2; count++) await refresh(one.refresh_token)
    expect(await endsOf([ending])).toEqual({ [ending.id]: 'revoked' })
    expect(await shownTo(other, staying)).toMatchObject({ state: 'open', refusal: null })
  })

  test('takes along what an earlier sign-in opened that gave way to this one', async () => {
    const earlier = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, earlier)
    const present = await server.signIn(server.people.elena)
    await ask(`${server.origin}/oidc/token/revocation`, server.ca, form({ client_id: 'gantry-desktop', token: earlier.refresh_token }))
    expect(await shownTo(present, session)).toMatchObject({ state: 'open', refusal: null })
    for (let count = 0; count < 2; count++) await refresh(present.refresh_token)
    expect(await endsOf([session])).toEqual({ [session.id]: 'revoked' })
  })

  test('signing out ends no session: that is for who wants to go', async () => {
    const tokens = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, tokens)
    await ask(`${server.origin}/oidc/token/revocation`, server.ca, form({ client_id: 'gantry-desktop', token: tokens.refresh_token }))
    expect(await shownTo(await server.signIn(server.people.elena), session)).toMatchObject({ state: 'open', refusal: null })
  })
})
