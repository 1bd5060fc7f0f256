import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentApi } from '../../shared/agent-api.ts'
import type { AuthorityKeyPayload } from '../../shared/authority-keys.ts'
import { createApiClient } from '../../shared/node/api-client.ts'
import { generateSigningKey, readUnverified, type SigningKey, signJws, thumbprint } from '../../shared/node/signing.ts'
import { CertificatePayload } from '../../shared/ticket.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { enrolAgent, enrolmentOf, plainPoll, signedRequest, type TestAgent } from '../../test/support/test-agent.ts'

// R061, T3: the authority's next key comes in as its files do; devices hear of it with their next poll, and the key before it counts as long as it says.

let server: TestServer
let agent: TestAgent
beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
})
afterAll(() => server.close())

const next = generateSigningKey()
const seconds = () => Math.floor(server.now() / 1_000)
const statement = (by: SigningKey, key: SigningKey, change: Partial<AuthorityKeyPayload> = {}) => {
  const said = { version: 1, number: 2, issuedAt: seconds(), by: by.publicJwk, key: key.publicJwk, until: seconds() + 600, next: null, ...change }
  return signJws('authority-key', said, by)
}
const put = (...statements: string[]) => writeFileSync(join(server.authorityIn, 'authority-keys.jws'), `${statements.join('\n')}\n`)
const told = (key: SigningKey, number = 0) => ({ authority: { key: thumbprint(key.publicJwk), number } })
const poll = (known: ReturnType<typeof told> | null, holdMs = 0) => agent.api.call('device.poll', plainPoll(server.now(), { run: agent.run, holdMs, ...known }))
const ask = async (certificate: string) => {
  const client = server.client((await server.signIn(server.people.elena)).access_token)
  const { signed, payload } = await signedRequest(server, server.people.elena, server.devices.mine)
  const { request } = await client.call('access-request.create', { request: signed, certificate })
  await client.call('access-request.cancel', { requestId: payload.id })
  return request.id
}

test('a poll that is held brings the statement at once; who knows it, or does not ask, hears nothing', async () => {
  const thief = generateSigningKey()
  put(await statement(thief, thief, { number: 9 }))
  expect((await poll(told(server.authority))).authorityKeys).toBeUndefined()
  const held = poll(told(server.authority), 20_000)
  const succession = await statement(server.authority, next)
  put(succession)
  expect((await held).authorityKeys).toEqual([succession])
  expect([(await poll(told(next, 2))).authorityKeys, (await poll(null)).authorityKeys]).toEqual([undefined, undefined])

  const code = await enrolmentOf(server.devices.second, generateSigningKey(), generateSigningKey())
  const people = createApiClient(agentApi, { origin: server.origin, prefix: '/agent/v1/', dial: server.dial, keepAlive: false })
  expect(await people.call('device.enrol', code)).toMatchObject({ authorityKey: server.authority.publicJwk, authorityKeys: [succession] })
})

test('a request comes in with a certificate of either key, and no longer with one of the key that was retired', async () => {
  const { certificate } = server.people.elena
  const again = await signJws('certificate', readUnverified(certificate, CertificatePayload, 'internal'), next)
  await ask(certificate)
  await ask(again)
  put(await statement(server.authority, next), await statement(next, next, { number: 3, until: seconds() - 1 }))
  await expect.poll(async () => (await poll(told(next, 2))).authorityKeys?.length).toBe(1)
  await expect(ask(certificate)).rejects.toMatchObject({ code: 'access.certificate-bad' })
  await ask(again)
  // What is carried in once more, older, brings nothing back.
  put(await statement(server.authority, next))
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  await expect(ask(certificate)).rejects.toMatchObject({ code: 'access.certificate-bad' })
})
