import { createDialler } from '@gantry/shared/node/dial.ts'
import { privatePem } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../test/support/main-server.ts'
import { enrolAgent, plainPoll, type TestAgent } from '../test/support/test-agent.ts'
import { openMainServer } from './main-server.ts'

let server: TestServer
let device: TestAgent
beforeAll(async () => {
  server = await createTestServer()
  device = await enrolAgent(server, server.devices.mine)
})
afterAll(() => server.close())

const facts = plainPoll(Date.now())

test.each([
  ['does not resolve', 'https://no-such-name.invalid:443', 'server.unreachable'],
  ['is answered by somebody else', 'https://elsewhere.example:PORT', 'server.identity-wrong'],
  ['takes no connection', 'https://127.0.0.1:1', 'server.unreachable'],
])('a device goes on under its main server’s second name where the first one %s (R024)', async (_what, origin, code) => {
  const { port } = new URL(server.agentOrigin)
  const first = origin.replace('PORT', port)
  const second = `https://main.example:${port}`
  const main = openMainServer({
    servers: [first, second].map((one) => ({ agentOrigin: one, enrolOrigin: one })),
    dial: createDialler({ ca: server.ca, addresses: { 'main.example': ['127.0.0.1'], 'elsewhere.example': ['127.0.0.1'] } }),
    ...{ certificate: () => device.certificate, keyPem: privatePem(device.key), keepOpen: () => false },
  })
  await expect(main.call('device.poll', facts)).rejects.toMatchObject({ code })
  expect((await main.call('device.poll', facts)).deliveries).toEqual(expect.any(Array))
  expect((await main.call('device.poll', facts)).deliveries).toEqual(expect.any(Array))
  main.close()
})
