import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLineSplitter } from '../shared/node/lines.ts'
import { createDeviceFolder, type DeviceFolder } from '../test/support/device.ts'
import { type MainServerDouble, startMainServerDouble } from '../test/support/main-server-double.ts'
import { createPeople, type People } from '../test/support/people.ts'

/** Agent and supervisor as real processes, as a device runs them. */
let people: People
let server: MainServerDouble
let device: DeviceFolder
let child: ChildProcess
let lines: Record<string, unknown>[]

beforeEach(async () => {
  people = createPeople()
  server = await startMainServerDouble({ people })
  device = createDeviceFolder({ origin: server.origin, ca: server.ca, authorityKey: people.authority.publicJwk })
  device.writePolicy({ instantPickup: true })
})
afterEach(async () => {
  child.kill('SIGKILL')
  await until(() => child.exitCode !== null || child.signalCode !== null)
  await server.close()
  device.remove()
})

const until = async <T>(what: () => T | undefined | null | false): Promise<T> => {
  for (;;) {
    const value = what()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function start(entry = 'supervisor/main.ts'): Promise<number> {
  const config = join(device.folder, 'device.json')
  writeFileSync(config, JSON.stringify({ ...device.config, stopWithStdin: true }))
  child = spawn(process.execPath, [join(import.meta.dirname, entry), '--config', config], { stdio: ['pipe', 'pipe', 'pipe'] })
  lines = []
  for (const stream of [child.stdout, child.stderr] as Readable[]) {
    const split = createLineSplitter(1_000_000)
    stream.on('data', (chunk) => {
      for (const line of split(chunk)) lines.push(JSON.parse(line))
    })
  }
  await until(() => lines.some((line) => line.ready || line.fatal))
  return Number(lines.find((line) => line.ready)?.agentPid)
}

function childrenOf(pid: number | undefined): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}
function isAlive(pid: number): boolean {
  try {
    // A process that ended and was not yet waited for is a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Sockets of a process that wait for others: TCP in state LISTEN (0A), any bound UDP, Unix sockets with SO_ACCEPTCON, named or abstract. */
function listenersOf(pid: number): string[] {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? []
      } catch {
        return []
      }
    }),
  )
  const rows = (name: string) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
  const inet = (name: string, states: string[]) =>
    rows(name)
      .filter((row) => states.includes(row[3] ?? '') && own.has(row[9] ?? ''))
      .map(() => name)
  const unix = rows('unix')
    .filter((row) => (Number.parseInt(row[3] ?? '0', 16) & 0x10000) !== 0 && own.has(row[6] ?? ''))
    .map(() => 'unix')
  return [...inet('tcp', ['0A']), ...inet('tcp6', ['0A']), ...inet('udp', ['01', '07']), ...inet('udp6', ['01', '07']), ...unix]
}

describe('the agent under its supervisor', () => {
  test('is ready with its first poll, and listens on nothing, nor does its supervisor (R041)', async () => {
    const agentPid = await start()
    expect(lines.find((line) => line.ready)).toMatchObject({ deviceId: server.deviceId, enrolled: true })
    expect(childrenOf(child.pid)).toEqual([agentPid])
    await until(() => server.polls.length >= 1)
    const seen = new Set<string>()
    for (let at = 0; at < 20; at++) {
      for (const pid of [child.pid as number, agentPid]) for (const listener of listenersOf(pid)) seen.add(listener)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect([...seen]).toEqual([])
  })

  test('is back after kill -9, as the same device, without a new enrolment (R101)', async () => {
    const agentPid = await start()
    await until(() => server.polls.length >= 1)
    const before = server.polls.length
    process.kill(agentPid, 'SIGKILL')
    await until(() => server.polls.length > before)
    expect(childrenOf(child.pid)).not.toContain(agentPid)
    expect(server.enrolments).toHaveLength(1)
  })

  test('leaves with its supervisor, also when that is killed while the agent hangs', async () => {
    const agentPid = await start()
    process.kill(agentPid, 'SIGSTOP')
    child.kill('SIGKILL')
    await until(() => !isAlive(agentPid))
  })

  test('stops when stdin ends, and says so in its audit', async () => {
    const agentPid = await start()
    child.stdin?.end()
    await until(() => child.exitCode !== null)
    expect(child.exitCode).toBe(0)
    expect(isAlive(agentPid)).toBe(false)
    expect(readFileSync(join(device.config.stateDir, 'audit.jsonl'), 'utf8')).toContain('"kind":"device.stopped"')
  })

  test('says in one line why it cannot start', async () => {
    device.config.enrolmentCode = 'nonsense'
    await start('main.ts')
    expect(lines.at(-1)).toEqual({ fatal: { code: 'enrol.code-bad' } })
    await until(() => child.exitCode === 1)
  })
})
