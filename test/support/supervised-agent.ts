import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEvent } from '../../shared/audit.ts'
import { createLineSplitter } from '../../shared/node/lines.ts'
import { createDeviceFolder, type DeviceFolder } from './device.ts'
import { type MainServerDouble, startMainServerDouble } from './main-server-double.ts'
import { createPeople } from './people.ts'

/** A device as it runs at a hospital: supervisor and agent as processes of their own, and a main server that sees when it polls and what it reports. */
export type SupervisedAgent = {
  device: DeviceFolder
  server: MainServerDouble
  /** What both wrote on stdout and stderr, line by line. */
  lines: Record<string, unknown>[]
  supervisorPid: number
  /** Of the agent that runs now; null while there is none. */
  agentPid(): number | null
  signal(name: NodeJS.Signals): void
  /** Does `fault` to it, and resolves with the milliseconds until the next poll of another agent process. */
  poll(fault: () => void): Promise<number>
  /** Events `device.started` that name what was before. */
  restarts(): AuditEvent[]
  /** Only with `smallDisk`. */
  fillDisk(): void
  freeDisk(): void
  stop(): Promise<void>
}

export type SupervisedWith = {
  /** What starts the supervisor, before Node: setpriv. */
  launcher?: string[]
  /** What Node loads first, in both processes. */
  preload?: string
  /** The state folder is a file system of its own, of 1 MiB; for root. */
  smallDisk?: boolean
}

const agentMain = join(import.meta.dirname, '../../agent/supervisor/main.ts')

/** Resolves after the first poll. */
export async function startSupervisedAgent({ launcher = [], preload, smallDisk = false }: SupervisedWith = {}): Promise<SupervisedAgent> {
  const people = createPeople()
  const server = await startMainServerDouble({ people })
  const device = createDeviceFolder({ origin: server.origin, ca: server.ca, authorityKey: people.authority.publicJwk })
  const { stateDir } = device.config
  if (smallDisk) mountSmall(stateDir)
  const config = join(device.folder, 'device.json')
  writeFileSync(config, JSON.stringify({ ...device.config, stopWithStdin: true }))
  const [command = process.execPath, ...argv] = [...launcher, process.execPath, ...(preload ? ['--require', preload] : []), agentMain, '--config', config]
  // The supervisor starts the agent without its own options of Node, so these go by the environment.
  const env = preload ? { ...process.env, NODE_OPTIONS: `--require ${preload}` } : process.env
  const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'pipe'], env })
  const lines = linesOf(child)
  const agentPid = () => childrenOf(child.pid)[0] ?? null
  await server.waitFor(() => server.polls.length > 0)
  const poll = async (fault: () => void) => {
    const before = agentPid()
    const beganMs = performance.now()
    fault()
    await server.waitFor(() => agentPid() !== before)
    const polls = server.polls.length
    await server.waitFor(() => server.polls.length > polls)
    return performance.now() - beganMs
  }
  return {
    ...{ device, server, lines, agentPid, poll },
    supervisorPid: child.pid as number,
    signal: (name) => void process.kill(agentPid() as number, name),
    fillDisk: () => fill(join(stateDir, 'filler')),
    freeDisk: () => rmSync(join(stateDir, 'filler'), { force: true }),
    restarts: () => server.events.filter(({ kind, data }) => kind === 'device.started' && data?.after !== undefined),
    async stop() {
      child.kill('SIGKILL')
      await server.waitFor(() => child.exitCode !== null || child.signalCode !== null)
      // The agent goes with its supervisor, a moment later.
      await sleep(100)
      if (smallDisk) spawnSync('umount', ['-l', stateDir])
      await server.close()
      device.remove()
    },
  }
}

function mountSmall(folder: string): void {
  mkdirSync(folder)
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

function fill(path: string): void {
  const block = Buffer.alloc(4_096)
  try {
    for (;;) writeFileSync(path, block, { flag: 'a' })
  } catch {
    // Full.
  }
}

function linesOf(child: ChildProcess): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  for (const stream of [child.stdout, child.stderr] as Readable[]) {
    const split = createLineSplitter(1_000_000)
    stream.on('data', (chunk) => {
      for (const line of split(chunk)) lines.push(parse(line))
    })
  }
  return lines
}

function parse(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line)
  } catch {
    return { text: line }
  }
}

/** None for a process that is gone. */
function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
