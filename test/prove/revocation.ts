import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestId } from '@gantry/shared/ids.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { createLineClient, type LineClient } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, SandboxFile, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import type { Seed } from '../../cloud/main-server/seed.ts'
import { isAlive } from '../e2e/support/processes.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, root, startSandbox } from '../e2e/support/sandbox.ts'
import { codeOf, milliseconds, type Proof, quantile, type Row, row } from './proof.ts'
import { allowAll, deviceId, openDriver } from './world/desk.ts'

export const revocation: Proof = {
  name: 'revocation',
  title: 'What is taken away ends what is open',
  covers: ['D13', 'R010', 'R087', 'R088'],
  method:
    'The sandbox as it is started by hand, and a client that opens a shell on the operating system. Then the operator’s directory is written anew, the case is closed, or somebody at the panel ends it, and the time is taken until the shell’s process is gone from the device. Then all is given back. At the end the main server is stopped (SIGSTOP) under a session of a device whose policy is strict, and last of all two officers of the authority take the person’s keys back, for good.',
  async run({ quick, say }) {
    const dir = newStateFolder()
    allowAll(dir, { strict: true })
    const sandbox = await startSandbox(dir, ...oneDevice)
    let close: () => unknown = () => undefined
    try {
      await signIn(sandbox)
      const driver = openDriver([], dir, join(dir, 'driver.log'))
      close = () => driver.child.kill()
      const panel = createLineClient(sandboxApi, connect(readJsonFile(join(dir, 'sandbox.json'), SandboxFile).controlSocket))
      const world: World = { sandbox, client: driver.client, panel }
      const rows: Row[] = []
      for (const kind of kinds) {
        const took: number[] = []
        await signIn(sandbox)
        for (let round = 0; round < (quick ? 3 : 50); round += 1) {
          took.push(await one(world, kind, round))
          if (round % 10 === 9) say(`${kind.name}: ${round + 1}`)
        }
        const p99 = quantile(took, 0.99)
        const found = `p50 ${milliseconds(quantile(took, 0.5))}, p99 ${milliseconds(p99)}, longest ${milliseconds(Math.max(...took))}`
        say(`${kind.name}: ${found}`)
        rows.push(row(`${kind.name}, ${took.length} times: the shell is gone after`, `p99 ${kind.boundMs / 1_000} s`, found, p99 <= kind.boundMs))
      }
      return [...rows, await partition(world), await takeKeysBack(world)]
    } finally {
      close()
      await removeSandbox(sandbox)
    }
  },
}

type World = { sandbox: RunningSandbox; client: ReturnType<typeof openDriver>['client']; panel: LineClient<SandboxApi> }
type Kind = { name: string; boundMs: number; take: (seed: Seed) => void } | { name: string; boundMs: number; press: 'end' | 'close' }

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
  { name: 'the case is closed', boundMs: 5_000, press: 'close' },
  { name: 'End is pressed at the panel', boundMs: 2_000, press: 'end' },
]

async function one(world: World, kind: Kind, round: number): Promise<number> {
  const { sandbox } = world
  const caseId = `proof-${'press' in kind ? kind.press : 'seed'}-${round}`
  const { pid, requestId } = await openShell(world, caseId)
  if ('press' in kind) {
    const pressed =
      kind.press === 'end'
        ? world.panel.call('panel.input', { device: deviceId, input: { type: 'end', requestId } })
        : world.client.call('case.close', { device: deviceId, number: caseId })
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
export async function openShell({ client }: Pick<World, 'client'>, caseId = 'proof'): Promise<{ requestId: RequestId; pid: number }> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { requestId } = await client.call('session.open', { device: deviceId, access: 'os', caseId })
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

/** The code of this half minute counts once more: what is measured is how sessions end, and a new code each time would be half an hour. */
export async function signIn(sandbox: RunningSandbox): Promise<void> {
  const db = new DatabaseSync(join(sandbox.dir, 'main-server/gantry.db'), { timeout: 5_000 })
  db.exec('update specialists set totp_step = 0')
  db.close()
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
  return row(
    'the main server stops answering, policy strict: the shell is gone after',
    '≤ 60 s, and not at once',
    milliseconds(took),
    took > 20_000 && took <= 60_000,
  )
}

/** As the security office does it, on its own machine; what it signed is carried to the main server as files. */
async function takeKeysBack(world: World): Promise<Row> {
  const { sandbox } = world
  await signIn(sandbox)
  const { pid } = await openShell(world)
  const { officers } = JSON.parse(readFileSync(join(sandbox.dir, 'sandbox/credentials.json'), 'utf8')) as { officers: Record<string, string> }
  const names = Object.keys(officers).sort()
  const [first] = (JSON.parse(readFileSync(join(sandbox.dir, 'sandbox/configs/seed.json'), 'utf8')) as Seed).specialists
  const argv = ['revoke', '--username', first?.username ?? '', '--reason', 'Workstation lost', ...names.flatMap((name) => ['--officer', name])]
  const out = join(sandbox.dir, 'main-server/authority-in')
  const office = spawn(process.execPath, [join(root, 'authority/main.ts'), ...argv, '--dir', join(sandbox.dir, 'authority'), '--out', out], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  office.stdin.end(`${names.map((name) => officers[name]).join('\n')}\n`)
  const signed = await new Promise((resolve) => office.once('close', resolve))
  const took = await untilGone(pid)
  const again = await openShell(world).then(
    () => 'and the next request is let in',
    (error: unknown) => `and the next request is refused: ${codeOf(error)}`,
  )
  const holds = signed === 0 && took <= 5_000 && again.endsWith('access.certificate-bad')
  return row('two officers take the person’s keys back: the shell is gone after', '≤ 5 s', `${milliseconds(took)}, ${again}`, holds)
}
