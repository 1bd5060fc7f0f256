import { agentApi } from '@gantry/shared/agent-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { createApiClient } from '@gantry/shared/node/api-client.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeDirectory, eventsOf } from '../../../test/support/directory.ts'
import { createTestServer, type TestDevice, type TestServer } from '../../../test/support/main-server.ts'
import { enrolmentOf } from '../../../test/support/test-agent.ts'
import { enrolmentDays } from '../seeding.ts'
import { throttle } from '../throttle.ts'

/** One server for all of them, since only its clock goes on; each test has devices of its own. */
let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())

const dayMs = 86_400_000

/** What a device with this code is told: null where it is enrolled. */
async function refusalOf(device: TestDevice): Promise<string | null> {
  const client = createApiClient(agentApi, { origin: server.origin, prefix: '/agent/v1/', dial: server.dial, keepAlive: false })
  try {
    await client.call('device.enrol', await enrolmentOf(device, generateSigningKey(), generateSigningKey()))
    return null
  } catch (error) {
    return error instanceof AppError ? error.code : 'internal'
  }
}

/** The directory file is another one, and says of these devices until when their codes count. */
async function sayUntil(...ends: [TestDevice, number][]): Promise<void> {
  await changeDirectory(server, ({ customers }) => {
    for (const seeded of customers.flatMap(({ sites }) => sites.flatMap(({ devices }) => devices))) {
      const end = ends.find(([{ id }]) => id === seeded.id)?.[1]
      Object.assign(seeded, { serial: `${seeded.serial} b` }, end === undefined ? {} : { enrolmentUntil: new Date(end).toISOString() })
    }
  })
}

describe('an enrolment code ends (R021, R066, T17)', () => {
  test('a day before its 30 days are over it is good, a day after it answers as one that never was', async () => {
    server.clock.aheadMs += (enrolmentDays - 1) * dayMs
    expect(await refusalOf(server.devices.mine)).toBeNull()
    server.clock.aheadMs += 2 * dayMs
    expect(await refusalOf(server.devices.second)).toBe('enrol.code-bad')
  })

  test('a changed directory file does not begin the days anew, and may say another end; one that was used stays used', async () => {
    const { mine, second, hidden, lapsed } = server.devices
    await sayUntil([mine, server.now() + 90 * dayMs], [hidden, server.now() + 60_000], [lapsed, server.now() + 90 * dayMs])
    expect(await refusalOf(second)).toBe('enrol.code-bad')
    expect(await refusalOf(mine)).toBe('enrol.code-bad')
    server.clock.aheadMs += 2 * enrolmentDays * dayMs
    expect(await refusalOf(hidden)).toBe('enrol.code-bad')
    expect(await refusalOf(lapsed)).toBeNull()
  })
})

test('after 20 misses of one address no code is looked at, not even a good one, until they are a minute old; people sign in meanwhile (R021, T17)', async () => {
  const { off } = server.devices
  await sayUntil([off, server.now() + dayMs])
  server.clock.aheadMs += throttle.windowMs
  const refusals = () => eventsOf(server).filter(({ kind }) => kind === 'enrolment.refused').length
  const before = refusals()
  const wrong = { ...off, secret: 'never was a code of this server' }
  for (let count = 0; count < throttle.perAddress; count += 1) expect(await refusalOf(wrong)).toBe('enrol.code-bad')
  expect(await refusalOf(off)).toBe('auth.throttled')
  expect(refusals()).toBe(before + throttle.perAddress)
  expect((await server.signIn(server.people.elena)).access_token).toBeTruthy()
  server.clock.aheadMs += throttle.windowMs
  expect(await refusalOf(off)).toBeNull()
})
