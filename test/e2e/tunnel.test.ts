import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nowMs, openWorkout, type Workout } from '../prove/workout.ts'
import { allowAll, deviceId, openDriver } from '../prove/world/desk.ts'
import { processesOf } from './support/processes.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox, until } from './support/sandbox.ts'

/** One session with a shell in which somebody types and a file that goes to and fro, and what dies meanwhile. `npm run prove -- tunnel` does the same at length. */
const dir = newStateFolder()
let sandbox: RunningSandbox
let driver: ReturnType<typeof openDriver>
let workout: Workout

function pidOf(part: 'main-server' | 'access-server-1' | 'access-server-2'): number {
  return processesOf(join(dir, 'sandbox/configs', `${part}.json`))[0]?.pid ?? 0
}

async function carrier(): Promise<'access-server-1' | 'access-server-2'> {
  return (await workout.view()).accessServer.name === 'access-1' ? 'access-server-1' : 'access-server-2'
}

async function settled(): Promise<void> {
  await until(
    'both ways are there',
    async () => {
      const { network } = await workout.view()
      return network.state === 'carried' && network.standby ? true : null
    },
    60_000,
  )
}

/** What is typed from now on comes back. */
async function goesOn(): Promise<void> {
  expect(await workout.longestEcho(nowMs())).toBeLessThan(Number.POSITIVE_INFINITY)
  expect((await workout.view()).state).toBe('open')
}

beforeAll(async () => {
  mkdirSync(dir, { recursive: true })
  allowAll(dir)
  sandbox = await startSandbox(dir, ...oneDevice)
  expect((await sandbox.gantry('sign-in')).code).toBe(0)
  driver = openDriver([], dir, join(dir, 'driver.log'))
  workout = await openWorkout({ dir, facts: sandbox.facts, client: driver.client, clientPid: driver.child.pid ?? 0 }, { copyBytes: 33_554_432 })
  await settled()
})
afterAll(async () => {
  driver?.client.close()
  await removeSandbox(sandbox)
})

describe(`a session with ${deviceId} goes on`, () => {
  test('R054, R056: when the access server that carries is killed, over the other one', async () => {
    const before = await carrier()
    process.kill(pidOf(before), 'SIGKILL')
    await until('the other one carries', async () => (await carrier()) !== before || null)
    await goesOn()
    await settled()
  })

  test('R054: when it only hangs', async () => {
    const before = await carrier()
    const pid = pidOf(before)
    process.kill(pid, 'SIGSTOP')
    await until('the other one carries', async () => (await carrier()) !== before || null)
    await goesOn()
    process.kill(pid, 'SIGCONT')
    await settled()
  })

  test('R012: when the main server is killed', async () => {
    const before = pidOf('main-server')
    process.kill(before, 'SIGKILL')
    await goesOn()
    await until('another main server', () => ![0, before].includes(pidOf('main-server')) || null)
    await goesOn()
  })

  test('R013, R015: when both access servers are killed, and the client says so meanwhile', async () => {
    for (const part of ['access-server-1', 'access-server-2'] as const) process.kill(pidOf(part), 'SIGKILL')
    await until('it is interrupted', async () => (await workout.view()).network.state === 'interrupted' || null)
    await goesOn()
    await settled()
  })

  test('R015, R057: in the same shell, without a line lost, doubled or altered, and every file arrives whole', async () => {
    await sleep(500)
    const { typed, echoed, wrong, sameShell, copies, intact, failures, ended } = await workout.finish()
    expect({ missing: typed - echoed, wrong, sameShell, ended }).toEqual({ missing: 0, wrong: 0, sameShell: true, ended: null })
    expect(failures).toEqual([])
    expect(copies).toBeGreaterThan(0)
    expect(intact).toBe(copies)
  })
})
