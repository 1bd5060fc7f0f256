import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WellKnown } from '../../shared/client-api.ts'
import { getJson } from '../../shared/node/api-client.ts'
import { type Ca, certificateHash, checkDeviceCertificate, createCa, createCertificateRequest, splitPem } from '../../shared/node/certificates.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom, signJws, thumbprint } from '../../shared/node/signing.ts'
import { checkTicket } from '../../shared/node/ticket.ts'
import type { ServerKeys, ServerKeysPayload } from '../../shared/server-keys.ts'
import type { CompactJws } from '../../shared/ticket.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { agentClient, enrolAgent, plainPoll, signedRequest, type TestAgent } from '../../test/support/test-agent.ts'

// R061: ticket key and device CA take over from the ones before while everything goes on, by the authority's list alone.

let server: TestServer
let agent: TestAgent
let elena: ReturnType<TestServer['client']>
beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  elena = server.client((await server.signIn(server.people.elena)).access_token)
})
afterAll(() => server.close())

const file = (name: string) => join(server.stateDir, name)
const known = () => getJson({ origin: server.origin, dial: server.dial }, WellKnown, { path: '/.well-known/gantry' })
const ticketKeyNow = async () => thumbprint((await known()).ticketKey)
const seconds = () => Math.floor(server.now() / 1_000)
let number = 0

function putList(keys: ServerKeys, signer: SigningKey = server.authority): Promise<CompactJws> {
  const payload: ServerKeysPayload = { ...keys, version: 1, number: ++number, issuedAt: seconds() }
  return signJws('server-keys', payload, signer).then((jws) => {
    writeFileSync(join(server.authorityIn, 'server-keys.jws'), jws)
    return jws
  })
}
const caHashes = async () => splitPem((await known()).deviceCa).map(certificateHash)
const poll = (serverKeysNumber?: number, holdMs = 0) =>
  agent.api.call('device.poll', plainPoll(server.now(), { run: agent.run, holdMs, ...(serverKeysNumber === undefined ? {} : { serverKeysNumber }) }))

async function newTicket(): Promise<CompactJws> {
  const { signed, payload } = await signedRequest(server, server.people.elena, server.devices.mine)
  const { request } = await elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
  await elena.call('access-request.cancel', { requestId: payload.id })
  return request.ticket
}
const isSignedBy = (ticket: CompactJws, { publicJwk }: SigningKey) =>
  checkTicket(ticket, [publicJwk], seconds()).then(
    () => true,
    () => false,
  )

describe('the ticket key', () => {
  test('that waits takes over once the authority has listed it and ten seconds have passed, not before, and not on anybody else’s word', async () => {
    const [before, next] = [signingKeyFrom(readFileSync(file('ticket.key'), 'utf8')), generateSigningKey()]
    writeFileSync(file('ticket.next.key'), privatePem(next), { mode: 0o600 })
    const list: ServerKeys = {
      ticketKeys: [
        { key: next.publicJwk, until: null },
        { key: before.publicJwk, until: seconds() + 86_400 },
      ],
      deviceCas: await caHashes(),
      revoked: [],
    }
    await putList(list, generateSigningKey())
    server.clock.aheadMs += 60_000
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect([await ticketKeyNow(), (await poll(0)).serverKeys]).toEqual([thumbprint(before.publicJwk), undefined])

    // A poll that is held open is answered with the list at once (R054: the next poll brings it at the latest).
    const held = poll(0, 20_000)
    const jws = await putList(list)
    expect((await held).serverKeys).toBe(jws)
    expect([(await poll(number)).serverKeys, (await poll()).serverKeys]).toEqual([undefined, undefined])
    expect(await isSignedBy(await newTicket(), before)).toBe(true)

    server.clock.aheadMs += 11_000
    await expect.poll(ticketKeyNow).toBe(thumbprint(next.publicJwk))
    expect(await isSignedBy(await newTicket(), next)).toBe(true)
    expect([existsSync(file('ticket.next.key')), statSync(file('ticket.key')).mode & 0o777]).toEqual([false, 0o600])
    expect(signingKeyFrom(readFileSync(file('ticket.key'), 'utf8')).publicJwk).toEqual(next.publicJwk)
  })
})

describe('the device CA', () => {
  const ticketKeys = async (): Promise<ServerKeys['ticketKeys']> => [{ key: (await known()).ticketKey, until: null }]
  const renew = async (one: TestAgent) => one.api.call('device.renew', { certificateRequest: await createCertificateRequest(one.key, 'x') })
  let [before, next] = ['', {} as Ca]

  test('that waits takes over; both count meanwhile, and a young certificate of the one before is replaced by one of the new', async () => {
    // TLS goes by the real clock.
    server.clock.aheadMs = 0
    next = await createCa('Gantry devices')
    before = (await caHashes())[0] ?? ''
    writeFileSync(file('device-ca.next.key'), privatePem(next.key), { mode: 0o600 })
    writeFileSync(file('device-ca.next.pem'), next.certificatePem)
    const hash = certificateHash(next.certificatePem)
    await putList({ ticketKeys: await ticketKeys(), deviceCas: [hash, before as never], revoked: [] })
    await expect.poll(async () => (await poll(number - 1)).serverKeys).toBeDefined()
    server.clock.aheadMs += 11_000
    await expect.poll(caHashes).toEqual([hash, before])

    await expect(poll()).resolves.toMatchObject({ deliveries: expect.any(Array) })
    const renewed = await renew(agent)
    expect(renewed.deviceCa?.trim()).toBe(next.certificatePem.trim())
    expect(checkDeviceCertificate(renewed.certificate, next.certificatePem, 'device.answer-bad', server.now()).deviceId).toBe(agent.device.id)
    expect((await renew(agent)).certificate).toBe(renewed.certificate)
    const fresh = agentClient(server, { cert: renewed.certificate, key: privatePem(agent.key) })
    await expect(fresh.call('device.poll', plainPoll(server.now(), { run: agent.run }))).resolves.toMatchObject({ deliveries: expect.any(Array) })
    const enrolled = await enrolAgent(server, server.devices.second)
    expect(checkDeviceCertificate(enrolled.certificate, next.certificatePem, 'device.answer-bad', server.now()).deviceId).toBe(enrolled.device.id)
  })

  test('that is listed no more counts no more: its certificates are refused, on open connections too', async () => {
    await putList({ ticketKeys: await ticketKeys(), deviceCas: [certificateHash(next.certificatePem)], revoked: [] })
    await expect.poll(caHashes).toEqual([certificateHash(next.certificatePem)])
    await expect(poll()).rejects.toMatchObject({ code: expect.stringMatching(/^(server|device)\./) })
    const kinds = readFileSync(file('audit.jsonl'), 'utf8').match(/"what":"(ticket-key|device-ca|device-ca-retired)"/g)
    expect(kinds).toEqual(['"what":"ticket-key"', '"what":"device-ca"', '"what":"device-ca-retired"'])
  })
})
