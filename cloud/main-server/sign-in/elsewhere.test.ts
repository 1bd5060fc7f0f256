import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { newNonce, sha256 } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changeDirectory } from '../../../test/support/directory.ts'
import { listen } from '../../../test/support/listen.ts'
import { createTestServer, type TestPerson, type TestServer } from '../../../test/support/main-server.ts'
import { exchange, type Tokens } from '../../../test/support/sign-in-browser.ts'
import { enrolAgent, type TestAgent } from '../../../test/support/test-agent.ts'
import { openSession } from '../../../test/support/test-session.ts'
import { systemOf } from './elsewhere.ts'

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

const me = ({ access_token }: Tokens) => server.client(access_token).call('specialist.me', {})
const isOver = (tokens: Tokens) => expect(me(tokens)).rejects.toMatchObject({ code: 'auth.session-expired' })
const end = ({ access_token }: Tokens, place: string) => server.client(access_token).call('specialist.end-sign-in', { place: place as never })
const shownTo = ({ access_token }: Tokens, { id }: AccessRequestView) => server.client(access_token).call('access-request.show', { requestId: id })
/** As a client does that has a sign-in already. */
const follow = async (person: TestPerson, before: string) =>
  JSON.parse((await exchange(server.origin, server.ca, await server.visit(person, { replaces: sha256(before) }))).text) as Tokens

describe('one person, signed in at two places (R068)', () => {
  test('each is shown the other, at once, and ends it with what was opened there', async () => {
    const first = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, first)
    const updates = await listen(server, first.access_token, stops)
    const second = await server.signIn(server.people.elena)
    await updates.next('sign-in.places-changed')
    const { signIns } = await me(first)
    expect(signIns).toMatchObject([
      { mine: false, address: '127.0.0.1', system: null },
      { mine: true, address: '127.0.0.1' },
    ])
    expect((await me(second)).signIns.map(({ mine }) => mine)).toEqual([true, false])

    await end(second, signIns[1]?.place ?? '')
    await updates.next('sign-in.ended', ({ why }: { why: string }) => why === 'elsewhere')
    await isOver(first)
    expect(JSON.parse((await exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token: first.refresh_token })).text)).toMatchObject({
      error: 'invalid_grant',
    })
    expect(await shownTo(second, session)).toMatchObject({ endCause: 'revoked', refusal: { code: 'auth.signed-in-elsewhere' } })
    expect((await me(second)).signIns.map(({ mine }) => mine)).toEqual([true])
  })

  test('the directory can end all that began before a time, with what was opened under it', async () => {
    const first = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, first)
    const updates = await listen(server, first.access_token, stops)
    await changeDirectory(server, (seed) => {
      seed.signedInSince = new Date(server.now() + 1).toISOString()
    })
    await updates.next('sign-in.ended', ({ why }: { why: string }) => why === 'signed-out')
    await isOver(first)
    const anew = await server.signIn(server.people.elena)
    expect(await shownTo(anew, session)).toMatchObject({ endCause: 'revoked', refusal: { code: 'auth.session-expired' } })
    expect((await me(anew)).signIns.map(({ mine }) => mine)).toEqual([true])

    // The same file again, with something else changed: who signed in since stays.
    await changeDirectory(server, (seed) => {
      seed.organisation = 'Another name'
    })
    expect((await me(anew)).signIns).toHaveLength(1)
  })

  test('where the directory allows one, a new sign-in ends those elsewhere', async () => {
    const first = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, first)
    await changeDirectory(server, (seed) => {
      seed.signIns = 'one'
    })
    const tomas = await server.signIn(server.people.tomas)
    const second = await server.signIn(server.people.elena)
    await isOver(first)
    expect(await shownTo(second, session)).toMatchObject({ endCause: 'revoked', refusal: { code: 'auth.signed-in-elsewhere' } })
    expect((await me(tomas)).signIns).toHaveLength(1)
  })

  test('a client that signs in anew is no other place: its sessions stay, and it shows once', async () => {
    await changeDirectory(server, (seed) => {
      seed.signIns = 'one'
    })
    const before = await server.signIn(server.people.elena)
    const session = await openSession(server, agent, before)
    const after = await follow(server.people.elena, before.refresh_token)
    expect((await me(after)).signIns.map(({ mine }) => mine)).toEqual([true])
    expect(await shownTo(after, session)).toMatchObject({ endCause: null, refusal: null })
    // What was opened under the sign-in that gave way belongs to the same place, and ends with it.
    const other = await server.signIn(server.people.elena)
    await isOver(after)
    expect(await shownTo(other, session)).toMatchObject({ endCause: 'revoked' })
  })

  test.each(['made up', 'of somebody else'])('a token that is %s makes nobody the same place', async (whose) => {
    await changeDirectory(server, (seed) => {
      seed.signIns = 'one'
    })
    const first = await server.signIn(server.people.elena)
    const token = whose === 'made up' ? newNonce() : (await server.signIn(server.people.tomas)).refresh_token
    await follow(server.people.elena, token)
    await isOver(first)
  })

  test('nobody sees or ends the sign-in of somebody else', async () => {
    const elena = await server.signIn(server.people.elena)
    const tomas = await server.signIn(server.people.tomas)
    const [own] = (await me(elena)).signIns
    await end(tomas, own?.place ?? '')
    await end(tomas, newNonce())
    expect((await me(elena)).signIns).toEqual([own])
    expect((await me(tomas)).signIns.map(({ place }) => place)).not.toContain(own?.place)
  })
})

test.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', 'Windows'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)', 'macOS'],
  ['Mozilla/5.0 (X11; Linux x86_64)', 'Linux'],
  ['<script>', null],
  [undefined, null],
])('systemOf: %s', (said, system) => expect(systemOf(said)).toBe(system))
