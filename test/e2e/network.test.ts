import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentOf, established, listeners, processes, processesOf, type SocketRow, socketsOf } from './support/processes.ts'
import { newStateFolder, type RunningSandbox, removeSandbox, startSandbox, until } from './support/sandbox.ts'

/** What the agents hold open, looked at every 50 ms from before they start. */
type Watch = { seen: Map<string, SocketRow>; looks: number; stop(): void }
const ask = ['--reason', 'Console reacts slowly', '--case', '48213']

let dir: string
let sandbox: RunningSandbox
let watch: Watch

function isAgent(command: string): boolean {
  return command.includes(dir) && command.includes('device.json')
}

function watchAgents(): Watch {
  const seen = new Map<string, SocketRow>()
  const state = { seen, looks: 0, stop: () => clearInterval(timer) }
  const timer = setInterval(() => {
    for (const { pid } of processes().filter(({ command }) => isAgent(command))) {
      state.looks += 1
      for (const row of listeners(socketsOf(pid))) seen.set(`${row.kind} ${row.local}`, row)
    }
  }, 50)
  return state
}

beforeAll(async () => {
  dir = newStateFolder()
  watch = watchAgents()
  sandbox = await startSandbox(dir)
})
afterAll(async () => {
  watch.stop()
  await removeSandbox(sandbox)
})

describe('the agent on the network', () => {
  test('R041, R037: listens on nothing, through start, enrolment, poll, request, session and crash', async () => {
    const [device] = sandbox.facts.devices
    if (!device) throw new Error('no device')
    expect((await sandbox.gantry('sign-in')).code).toBe(0)
    const running = sandbox.startGantry('get', `${device.id}:/README.txt`, dir, ...ask)
    expect((await sandbox.panel(device.id, 'approve', '--next', '--timeout', '30')).code).toBe(0)
    expect((await running.done).code).toBe(0)
    expect((await sandbox.gantry('run', device.id, 'diagnostics.collect', ...ask)).code).toBe(0)
    process.kill(agentOf(device.pid), 'SIGKILL')
    await until('another agent', () => processes().some(({ parent }) => parent === device.pid) || null)
    await sleep(2_000)
    expect(watch.looks).toBeGreaterThan(100)
    expect([...watch.seen.values()]).toEqual([])
  })

  test('R041: the watch would see a listener: the main server has some', () => {
    expect(listeners(socketsOf(sandbox.facts.pids.mainServer)).length).toBeGreaterThanOrEqual(2)
  })

  test('R053: between plain polls a device holds no connection at all', async () => {
    const strict = sandbox.facts.devices[1]
    if (!strict) throw new Error('no device')
    const agent = agentOf(strict.pid)
    // The first poll and its report are over within seconds; the next one is 27 s away at least.
    await until('the first poll is over', () => established(socketsOf(agent)).length === 0 || null)
    const samples = []
    for (let look = 0; look < 40; look += 1) {
      samples.push(established(socketsOf(agent)).length)
      await sleep(100)
    }
    expect(samples.filter((count) => count > 0).length).toBeLessThanOrEqual(4)
    expect(samples.filter((count) => count === 0).length).toBeGreaterThanOrEqual(36)
  })

  test('R027, R038: a device connects to the listed servers only', () => {
    const allowed = [...sandbox.facts.accessServers, sandbox.facts.mainServer].map((origin) => Number(new URL(origin).port))
    const ports = sandbox.facts.devices.flatMap(({ pid }) =>
      established(socketsOf(agentOf(pid))).map(({ remote }) => Number.parseInt(remote.split(':')[1] ?? '0', 16)),
    )
    const agents = listeners(socketsOf(sandbox.facts.pids.mainServer)).map(({ local }) => Number.parseInt(local.split(':')[1] ?? '0', 16))
    expect(ports.filter((port) => ![...allowed, ...agents].includes(port))).toEqual([])
  })
})

/** The last ones here: the main server that the facts name is gone afterwards. */
describe('a main server that dies', () => {
  const mainServer = () => processesOf(join(dir, 'sandbox/configs/main-server.json'))[0]?.pid ?? 0

  test('R012: approvals that were given stay valid, and none appears (goal D2)', async () => {
    const [device] = sandbox.facts.devices
    if (!device) throw new Error('no device')
    const audit = join(dir, 'devices/1/agent/audit.jsonl')
    const countOf = (kind: string) => readFileSync(audit, 'utf8').split(`"${kind}"`).length - 1
    const before = { approved: countOf('access.approved'), opened: countOf('session.opened') }
    const killed = mainServer()
    const running = sandbox.startGantry('get', `${device.id}:/README.txt`, dir, '--replace', ...ask)
    expect((await sandbox.panel(device.id, 'approve', '--next', '--timeout', '30')).code).toBe(0)
    process.kill(killed, 'SIGKILL')
    expect(await running.done).toMatchObject({ code: 0 })
    await until('another main server', () => ![0, killed].includes(mainServer()) || null)
    expect({ approved: countOf('access.approved'), opened: countOf('session.opened') }).toEqual({ approved: before.approved + 1, opened: before.opened + 1 })
  })

  test('R012: new requests work again, over access servers that it has not heard of yet', async () => {
    const [device] = sandbox.facts.devices
    if (!device) throw new Error('no device')
    const killed = mainServer()
    process.kill(killed, 'SIGKILL')
    await until('another main server', () => ![0, killed].includes(mainServer()) || null)
    await until('a request that works', async () => (await sandbox.gantry('run', device.id, 'diagnostics.collect', ...ask)).code === 0 || null)
  })
})
