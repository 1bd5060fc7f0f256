import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkDeviceCertificate, createCertificateRequest } from '../../../shared/node/certificates.ts'
import { generateSigningKey, privatePem, type SigningKey } from '../../../shared/node/signing.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { ask } from '../../../test/support/sign-in-browser.ts'
import { agentClient, enrolAgent, plainPoll, type TestAgent } from '../../../test/support/test-agent.ts'

// R066: a device's certificate follows its key; who has the key, and is not revoked, gets the next one.

const dayMs = 86_400_000
let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())

/** Enrolled 250 days ago, with a certificate of a year. */
async function enrolLongAgo(device: TestServer['devices'][keyof TestServer['devices']]): Promise<TestAgent> {
  server.clock.aheadMs = -250 * dayMs
  const agent = await enrolAgent(server, device)
  server.clock.aheadMs = 0
  return agent
}

const renew = async (agent: TestAgent, key: SigningKey = agent.key) =>
  (await agent.api.call('device.renew', { certificateRequest: await createCertificateRequest(key, 'x') })).certificate
const renewals = () =>
  readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"kind":"device.renewed"'))

describe('a device’s certificate', () => {
  test('is renewed for the same key; the one before goes on working beside it, and asking again gives the same', async () => {
    const agent = await enrolLongAgo(server.devices.mine)
    const certificate = await renew(agent)
    expect(certificate).not.toBe(agent.certificate)
    expect(checkDeviceCertificate(certificate, (await certificateAuthority()).certificatePem)).toEqual({
      deviceId: agent.device.id,
      publicJwk: agent.key.publicJwk,
    })
    await expect(agent.poll()).resolves.toEqual(expect.any(Array))
    const fresh = agentClient(server, { cert: certificate, key: privatePem(agent.key) })
    await expect(fresh.call('device.poll', plainPoll(server.now()))).resolves.toMatchObject({ deliveries: expect.any(Array) })
    expect(await renew(agent)).toBe(certificate)
    expect(renewals()).toHaveLength(1)
  })

  test('that is young is answered as it is, so that nobody collects certificates', async () => {
    const agent = await enrolAgent(server, server.devices.second)
    const before = renewals().length
    expect(await renew(agent)).toBe(agent.certificate)
    expect(renewals()).toHaveLength(before)
  })

  test('is not issued for another key, nor for what is no request, nor to a device that was revoked', async () => {
    const agent = await enrolLongAgo(server.devices.lapsed)
    const before = renewals().length
    await expect(renew(agent, generateSigningKey())).rejects.toMatchObject({ code: 'enrol.request-bad', details: { field: 'key' } })
    await expect(agent.api.call('device.renew', { certificateRequest: 'rubbish' })).rejects.toMatchObject({ code: 'enrol.request-bad' })
    const db = new DatabaseSync(join(server.stateDir, 'gantry.db'))
    db.prepare('update devices set revoked_ms = 1 where id = ?').run(agent.device.id)
    db.close()
    await expect(renew(agent)).rejects.toMatchObject({ code: 'device.unknown' })
    expect(renewals()).toHaveLength(before)
  })

  test('is nothing for somebody without one', async () => {
    const nobody = agentClient(server, {})
    await expect(nobody.call('device.renew', { certificateRequest: 'x' })).rejects.toMatchObject({ code: expect.stringMatching(/^(server|device)\./) })
  })
})

/** As clients learn it. */
async function certificateAuthority(): Promise<{ certificatePem: string }> {
  const { text } = await ask(`${server.origin}/.well-known/gantry`, server.ca)
  return { certificatePem: (JSON.parse(text) as { deviceCa: string }).deviceCa }
}
