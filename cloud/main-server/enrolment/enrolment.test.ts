import { agentApi } from '@gantry/shared/agent-api.ts'
import { createApiClient } from '@gantry/shared/node/api-client.ts'
import { checkDeviceCertificate } from '@gantry/shared/node/certificates.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, enrolmentOf } from '../../../test/support/test-agent.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())

const people = () => createApiClient(agentApi, { origin: server.origin, prefix: '/agent/v1/', dial: server.dial, keepAlive: false })

describe('enrolling a device (R021, R066)', () => {
  test('a code becomes a certificate for the device’s own key, and tells whom to trust', async () => {
    const key = generateSigningKey()
    const answer = await people().call('device.enrol', await enrolmentOf(server.devices.mine, key, generateSigningKey()))
    expect(answer).toMatchObject({
      deviceId: server.devices.mine.id,
      name: 'CT Suite 3',
      customer: 'Riverside Hospital',
      site: 'East wing',
      agentOrigin: server.agentOrigin,
    })
    expect(answer.authorityKey).toEqual(server.authority.publicJwk)
    expect(checkDeviceCertificate(answer.certificate, answer.deviceCa)).toEqual({ deviceId: server.devices.mine.id, publicJwk: key.publicJwk })
  })

  test('a code that was used answers as one that never was', async () => {
    await enrolAgent(server, server.devices.second)
    const used = await enrolmentOf(server.devices.second, generateSigningKey(), generateSigningKey())
    await expect(people().call('device.enrol', used)).rejects.toMatchObject({ code: 'enrol.code-bad', details: undefined })
    await expect(people().call('device.enrol', { ...used, code: 'never-was-a-code-here' })).rejects.toMatchObject({
      code: 'enrol.code-bad',
      details: undefined,
    })
  })

  test('of two that use one code at once, one gets in', async () => {
    const enrol = async () => people().call('device.enrol', await enrolmentOf(server.devices.hidden, generateSigningKey(), generateSigningKey()))
    const results = await Promise.allSettled([enrol(), enrol(), enrol()])
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  test('a request that is not signed by its own key, or a host key of another kind, leaves the code good', async () => {
    const good = await enrolmentOf(server.devices.lapsed, generateSigningKey(), generateSigningKey())
    await expect(people().call('device.enrol', { ...good, certificateRequest: 'not a request' })).rejects.toMatchObject({ code: 'enrol.request-bad' })
    await expect(people().call('device.enrol', { ...good, hostKey: 'ssh-rsa AAAA' })).rejects.toMatchObject({ code: 'enrol.request-bad' })
    expect((await people().call('device.enrol', good)).deviceId).toBe(server.devices.lapsed.id)
  })

  test('a used code stays used after a restart with the same seed', async () => {
    await server.stop()
    await server.start()
    const again = await enrolmentOf(server.devices.mine, generateSigningKey(), generateSigningKey())
    await expect(people().call('device.enrol', again)).rejects.toMatchObject({ code: 'enrol.code-bad' })
  })
})
