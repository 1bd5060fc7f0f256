import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { Seed } from '../../cloud/main-server/seed.ts'
import { isAlive } from '../e2e/support/processes.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox } from '../e2e/support/sandbox.ts'
import { milliseconds, type Proof, quantile, type Row, row } from './proof.ts'
import { allowAll, deviceId, openDriver } from './world/desk.ts'

export const revocation: Proof = {
  name: 'revocation',
  title: 'What is taken away ends what is open',
  covers: ['D13', 'R010', 'R087', 'R088'],
  method:
    'The sandbox as it is started by hand, and a client that opens a shell on the operating system. Then the operator’s directory is written anew, or somebody at the panel ends it, and the time is taken until the shell’s process is gone from the device. Then all is given back. At the end the main server is stopped (SIGSTOP) under a session of a device whose policy is strict.',
  async run({ quick, say }) {
    const dir = newStateFolder()
    allowAll(dir, { strict: true })
    const sandbox = await startSandbox(dir, ...oneDevice)
    let close: () => unknown = () => undefined
    try {
      await signIn(sandbox)
      const driver = openDriver([], dir, join(dir, 'driver.log'))
      close = () => driver.child.kill()
      const world: World = { sandbox, client: driver.client }
      const rows: Row[] = []
      for (const kind of kinds) {
        const took: number[] = []
        await signIn(sandbox)
        for (let round = 0; round < (quick ? 3 : 50); round += 1) took.push(await one(world, kind))
        const p99 = quantile(took, 0.99)
        const found = `p50 ${milliseconds(quantile(took, 0.5))}, p99 ${milliseconds(p99)}, longest ${milliseconds(Math.max(...took))}`
        say(`${kind.name}: ${found}`)
        rows.push(row(`${kind.name}, ${took.length} times: the shell is gone after`, `p99 ${kind.boundMs / 1_000} s`, found, p99 <= kind.boundMs))
      }
      return [...rows, await partition(world)]
    } finally {
      close()
      await removeSandbox(sandbox)
    }
  },
}

type World = { sandbox: RunningSandbox; client: ReturnType<typeof openDriver>['client'] }
type Kind = { name: string; boundMs: number; take: (seed: Seed) => void } | { name: string; boundMs: number; press: true }

const deviceIn = (seed: Seed) => seed.customers.flatMap(({ sites }) => sites.flatMap(({ devices }) => devices)).find(({ id }) => id === deviceId)
function expireTraining({ specialists: [first] }: Seed): void {
  for (const one of first?.training ?? []) one.until = '2021-01-01'
}
const kinds: Kind[] = [
  { name: 'the person is disabled', boundMs: 5_000, take: (seed) => Object.assign(seed.specialists[0] ?? {}, { disabled: true }) },
  { name: 'the device is disabled', boundMs: 5_000, take: (seed) => Object.assign(deviceIn(seed) ?? {}, { disabled: true }) },
  { name: 'the entitlement ends', boundMs: 5_000, take: (seed) => Object.assign(deviceIn(seed)?.entitlement ?? {}, { endsOn: '2021-01-01' }) },
  {
    name: 'the training has expired',
    boundMs: 5_000,
    take: expireTraining,
  },
  { name: 'End is pressed at the panel', boundMs: 2_000, press: true },
]

async function one(world: World, kind: Kind): Promise<number> {
  const { sandbox } = world
  const { pid, requestId } = await openShell(world)
  if ('press' in kind) {
    const pressed = sandbox.panel(deviceId, 'end')
    const took = await untilGone(pid)
    await pressed
    return took
  }
  const path = join(sandbox.dir, 'sandbox/configs/seed.json')
  const before = readFileSync(path, 'utf8')
  const seed = JSON.parse(before) as Seed
  kind.take(seed)
  writeFileSync(path, JSON.stringify(seed))
  const took = await untilGone(pid)
  writeFileSync(path, before)
  await world.client.call('session.end', { requestId }).catch(() => undefined)
  // The directory is looked at once a second.
  await sleep(1_500)
  if (kind === kinds[0]) await signIn(sandbox)
  return took
}

/** Who asks too soon after all was given back asks again. */
export async function openShell({ client }: Pick<World, 'client'>): Promise<{ requestId: RequestId; pid: number }> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { requestId } = await client.call('session.open', { device: deviceId, access: 'os' })
      const { pid } = await client.call('shell.open', { requestId })
      return { requestId, pid }
    } catch (error) {
      if (tries === 10) throw error
      await sleep(1_000)
    }
  }
}

export async function untilGone(pid: number, withinMs = 90_000): Promise<number> {
  const start = performance.now()
  while (isAlive(pid) && performance.now() - start < withinMs) await sleep(20)
  return performance.now() - start
}

export async function signIn(sandbox: RunningSandbox): Promise<void> {
  const { code, stderr } = await sandbox.gantry('sign-in')
  if (code !== 0) throw new Error(stderr)
}

/** `strict`: without a main server that answers, nobody stays on the operating system. */
async function partition(world: World): Promise<Row> {
  const { sandbox } = world
  await signIn(sandbox)
  const { pid } = await openShell(world)
  process.kill(sandbox.facts.pids.mainServer, 'SIGSTOP')
  const took = await untilGone(pid)
  process.kill(sandbox.facts.pids.mainServer, 'SIGCONT')
  return row('the main server stops answering, policy strict: the shell is gone after', '55 to 65 s', milliseconds(took), took > 55_000 && took < 65_000)
}
