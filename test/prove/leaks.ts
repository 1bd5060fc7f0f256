import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentOf } from '../e2e/support/processes.ts'
import { filesBelow } from './canaries.ts'
import { codeOf, milliseconds, type Proof, quantile, type Row, row } from './proof.ts'
import { type Holding, holdingOf, tells } from './world/inspect.ts'
import { type Host, openWorld, type World } from './world/world.ts'

/** One session at a time on each. Two, since a policy lets through a thousand requests an hour at most. */
const devices = ['dev_ctsuitethree', 'dev_mrroomtwoeast'] as const
/** Connections that are kept for the next call are gone by then, and so are an access server's places for who does not come (15 s). */
const quietMs = 45_000

export const leaks: Proof = {
  name: 'leaks',
  title: 'A thousand sessions and ten thousand polls leave nothing behind',
  covers: ['D26', 'D29', 'R013', 'R015'],
  method:
    'Topology T. Sessions one after the other on two devices at once; every tenth with a shell. Polls by a device of its own beside them. After a first half that warms up, and at the end, each process is told to collect its garbage, through Node’s inspector or, where it lets nobody inspect it, by a file that is loaded into it for this proof; what it holds is compared.',
  async run({ quick, say }) {
    const world = await openWorld({ devices: 3, prefixIn: (dir) => (host) => (host === 'device' ? tells(dir) : []) })
    try {
      const sessions = quick ? 60 : 1_000
      const polling = poll(world, quick ? 200 : 10_000)
      const tally = createTally()
      await openAndEnd(world, sessions / 2, tally)
      await sleep(quietMs)
      const before = await lookAtAll(world)
      say(`warm after ${tally.opened} sessions`)
      await openAndEnd(world, sessions - tally.asked, tally)
      const polls = await polling
      await sleep(quietMs)
      const after = await lookAtAll(world)
      const share = (tally.servers.get('access-1') ?? 0) / Math.max(1, tally.opened)
      return [
        row(
          'sessions opened and ended',
          `${sessions}`,
          `${tally.opened}; set-up p50 ${milliseconds(quantile(tally.tookMs, 0.5))}, p95 ${milliseconds(quantile(tally.tookMs, 0.95))}${tally.failures.length > 0 ? `; ${tally.failures.slice(0, 3).join(', ')}` : ''}`,
          tally.opened === sessions,
        ),
        row('polls answered', `${polls.asked}`, `${polls.answered}, p99 ${milliseconds(polls.p99Ms)}`, polls.answered === polls.asked),
        row(
          'both access servers up: the share of the first',
          '45 to 55 %',
          `${(share * 100).toFixed(1)} % of ${tally.opened}`,
          quick ? null : share >= 0.45 && share <= 0.55,
        ),
        ...[...before].flatMap(([name, holding]) => compare(name, holding, { after: after.get(name), counts: !quick })),
        filesRow(before.files, after.files),
      ]
    } finally {
      await world.close()
    }
  },
}

type Tally = { asked: number; opened: number; tookMs: number[]; failures: string[]; servers: Map<string, number> }
const createTally = (): Tally => ({ asked: 0, opened: 0, tookMs: [], failures: [], servers: new Map() })

async function openAndEnd(world: World, count: number, tally: Tally): Promise<void> {
  const end = tally.asked + count
  const work = async (device: string) => {
    while (tally.asked < end) {
      const index = tally.asked++
      await one(world, { device, withShell: index % 10 === 9 }, tally).catch((error: unknown) => tally.failures.push(codeOf(error)))
    }
  }
  await Promise.all(devices.map(work))
}

async function one({ client }: World, { device, withShell }: { device: string; withShell: boolean }, tally: Tally): Promise<void> {
  const { requestId, ms } = await patiently(() => client.call('session.open', { device, access: withShell ? 'os' : 'diagnostics' }))
  const { accessServer } = await client.call('session.view', { requestId })
  tally.servers.set(accessServer.name, (tally.servers.get(accessServer.name) ?? 0) + 1)
  try {
    if (withShell) {
      const { shell } = await client.call('shell.open', { requestId })
      await client.call('shell.type', { shell, everyMs: 20 })
      await sleep(100)
      await client.call('shell.rest', { shell })
    }
  } finally {
    // One that went wrong is counted as that; left open it would be counted as a leak, too.
    await client.call('session.end', { requestId })
  }
  tally.opened += 1
  tally.tookMs.push(ms)
}

/** The main server lets nobody have many requests under way; one that has just ended may still count. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (codeOf(error) !== 'access.too-many-open' || tries >= 50) throw error
      await sleep(200)
    }
  }
}

/** A device of its own that only polls; a process on the hospital's side. */
async function poll({ net, dir }: World, asked: number): Promise<{ asked: number; answered: number; p99Ms: number }> {
  const [program, ...argv] = net.on('device', [process.execPath, join(import.meta.dirname, 'world/poller.ts'), dir, String(asked)])
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data
  })
  await new Promise((resolve) => child.once('close', resolve))
  return { asked, ...(JSON.parse(text || '{"answered":0,"p99Ms":0}') as { answered: number; p99Ms: number }) }
}

type Looked = Map<string, Holding> & { files: string[] }

async function lookAtAll(world: World): Promise<Looked> {
  const looked = new Map<string, Holding>()
  const agents: [string, Host, number][] = world.facts.devices.slice(0, 1).map(({ pid }) => ['agent', 'device', agentOf(pid)])
  const all: [string, Host, number][] = [
    ['main server', 'main', world.pidOf('main-server')],
    ['access server 1', 'access1', world.pidOf('access-server-1')],
    ['access server 2', 'access2', world.pidOf('access-server-2')],
    ...agents,
    ['client', 'desk', world.clientPid],
  ]
  for (const [name, host, pid] of all) looked.set(name, await holdingOf(world.net, host, pid))
  return Object.assign(looked, { files: filesBelow(world.dir) })
}

function compare(name: string, before: Holding, { after, counts }: { after: Holding | undefined; counts: boolean }): Row[] {
  if (!after) return [row(`${name}`, 'still there', 'gone', false)]
  const growth = after.rssMb / before.rssMb - 1
  const fromTo = (what: string, pick: (holding: Holding) => number | null) => {
    const [was, is] = [pick(before), pick(after)]
    return was === null || is === null ? '' : `; ${what} ${was.toFixed(1)} to ${is.toFixed(1)} MB`
  }
  const parts = [
    fromTo('heap', ({ heapMb }) => heapMb),
    fromTo('outside it', ({ outsideMb }) => outsideMb),
    fromTo('pages of files', ({ fileMb }) => fileMb),
  ].join('')
  return [
    row(
      `${name}: resident memory`,
      '≤ +5 %',
      `${before.rssMb.toFixed(0)} to ${after.rssMb.toFixed(0)} MB, ${(growth * 100).toFixed(1)} %${parts}`,
      counts ? growth <= 0.05 : null,
    ),
    row(
      `${name}: descriptors; timers`,
      '+0; +0',
      `${before.fds} to ${after.fds}; ${timers(before)} to ${timers(after)}`,
      after.fds <= before.fds && (before.resources === null || timersOf(after) <= timersOf(before)),
    ),
  ]
}

/** Logs and databases grow; a file more for every session would be left behind. */
function filesRow(before: string[], after: string[]): Row {
  const known = new Set(before)
  const more = after.filter((path) => !known.has(path) && !/\.(log|jsonl|sqlite|db)(-\w+)?$/.test(path))
  return row(
    'files that are left behind, logs and databases apart',
    '+0',
    more.length === 0 ? '+0' : `+${more.length}: ${more.slice(0, 5).join(', ')}`,
    more.length === 0,
  )
}

function timersOf({ resources }: Holding): number {
  return resources?.Timeout ?? 0
}

function timers(holding: Holding): string {
  return holding.resources === null ? 'unknown' : String(timersOf(holding))
}
