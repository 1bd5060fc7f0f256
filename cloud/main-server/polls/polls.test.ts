import { sha256 } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, type TestAgent } from '../../../test/support/test-agent.ts'
import { createWaiters } from './waiters.ts'

let server: TestServer
let agent: TestAgent
beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
})
afterAll(() => server.close())

describe('the roster as a data file (R052)', () => {
  test('goes to a device whose number is lower, until it is named as handled, and not again', async () => {
    const [file, ...more] = await agent.poll({ rosterNumber: 0 })
    expect(more).toEqual([])
    if (file?.kind !== 'data-file') throw new Error('no data file came')
    expect(file).toMatchObject({ name: 'roster', version: 1, sha256: sha256(file.content) })
    expect(await agent.poll({ rosterNumber: 0 })).toEqual([file])
    expect(await agent.poll({ rosterNumber: 1, handled: [file.id] })).toEqual([])
    expect(await agent.poll({ rosterNumber: 1 })).toEqual([])
  })

  test('a new one wakes a held poll and comes with the next; one that steps back or is forged is left alone', async () => {
    await server.putRoster({ number: 5 })
    await expect.poll(async () => (await agent.poll({ rosterNumber: 1 })).length, { timeout: 10_000 }).toBe(1)
    const [file] = await agent.poll({ rosterNumber: 1 })
    expect(file).toMatchObject({ kind: 'data-file', version: 5 })
    await agent.poll({ rosterNumber: 5, handled: file ? [file.id] : [] })
    await server.putRoster({ number: 4 })
    expect(await agent.poll({ rosterNumber: 5 })).toEqual([])
  })

  test('a device that has lost it gets it again, though not at every poll', async () => {
    expect(await agent.poll({ rosterNumber: 1 })).toEqual([])
    server.clock.aheadMs += 700_000
    expect(await agent.poll({ rosterNumber: 1 })).toMatchObject([{ kind: 'data-file', version: 5 }])
  })
})

describe('held polls', () => {
  test('end with nothing when their time is over', async () => {
    expect(await agent.poll({ rosterNumber: 9, holdMs: 20 })).toMatchObject([{ kind: 'data-file' }])
    const handled = (await agent.poll({ rosterNumber: 9 })).map(({ id }) => id)
    expect(await agent.poll({ rosterNumber: 9, holdMs: 20, handled })).toEqual([])
  })

  test('a server that stops lets them go at once', async () => {
    const held = agent.poll({ rosterNumber: 9, holdMs: 60_000 })
    const answered = held.then(
      () => 'answered',
      () => 'cut',
    )
    await expect.poll(async () => (await agent.poll({ rosterNumber: 9 })).length).toBe(0)
    await server.stop()
    expect(await answered).toBe('answered')
    await server.start()
  })

  test('a waiter that has gone leaves nothing behind', async () => {
    const waiters = createWaiters()
    const gone = new AbortController()
    const waiting = waiters.wait(agent.device.id, 60_000, gone.signal)
    gone.abort()
    await waiting
    await waiters.wait(agent.device.id, 60_000, gone.signal)
    waiters.wake(agent.device.id)
  })
})
