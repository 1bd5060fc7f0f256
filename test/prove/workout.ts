import { createHash } from 'node:crypto'
import { chownSync, createReadStream, createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { createChance } from './proof.ts'
import { type Desk, deviceId } from './world/desk.ts'

/** An open session at work: a shell in which somebody types without pause, and a large file that goes to and fro. What a break costs is read off the echoes. */
export type Workout = {
  requestId: RequestId
  /** Waits until what was typed a second after `sinceMs` has come back, and gives the longest anybody waited for an echo meanwhile. */
  longestEcho(sinceMs: number, withinMs?: number): Promise<number>
  /** Every echo so far, as [sent at, took], both ms. */
  echoes(): Promise<readonly [number, number][]>
  view(): Promise<SessionView>
  rest(): Promise<unknown>
  type(): Promise<unknown>
  /** Seconds that the first copy took, once it is over. */
  copied(): Promise<number>
  /** Stops typing and copying; what must be true of all that was sent. */
  finish(): Promise<Result>
}
export type Result = {
  typed: number
  echoed: number
  wrong: number
  sameShell: boolean
  copies: number
  intact: number
  failures: string[]
  ended: string | null
}

export const nowMs = (): number => performance.timeOrigin + performance.now()

/** `once`: one copy, from the device. */
export type WorkoutOptions = { copyBytes: number; everyMs?: number; once?: boolean }

export async function openWorkout(world: Desk, { copyBytes, everyMs = 20, once = false }: WorkoutOptions): Promise<Workout> {
  const { client } = world
  const { requestId } = await client.call('session.open', { device: deviceId, access: 'os' })
  const { shell, pid } = await client.call('shell.open', { requestId })
  const startTicks = startOf(pid)
  await client.call('shell.type', { shell, everyMs })
  const echoes: [number, number][] = []
  let last = { sent: 0, echoed: 0, wrong: 0, closed: false }
  const collect = async () => {
    const { echoes: more, ...counts } = await client.call('shell.report', { shell })
    echoes.push(...more)
    last = counts
  }
  const copying = copyBytes > 0 ? copyToAndFro(world, requestId, { bytes: copyBytes, once }) : null
  return {
    requestId,
    view: () => client.call('session.view', { requestId }),
    rest: () => client.call('shell.rest', { shell }),
    type: () => client.call('shell.type', { shell, everyMs }),
    copied: () => copying?.first ?? Promise.reject(new Error('nothing is copied')),
    async echoes() {
      await collect()
      return echoes
    },
    async longestEcho(sinceMs, withinMs = 60_000) {
      const end = nowMs() + withinMs
      for (;;) {
        await collect()
        const [sentMs = 0] = echoes.at(-1) ?? []
        if (sentMs > sinceMs + 1_000) break
        if (last.closed || nowMs() > end) return Number.POSITIVE_INFINITY
        await sleep(100)
      }
      return Math.max(...echoes.filter(([sentMs]) => sentMs > sinceMs - 200).map(([, tookMs]) => tookMs))
    },
    async finish() {
      await client.call('shell.rest', { shell })
      const copied = (await copying?.stop()) ?? { copies: 0, intact: 0, failures: [] }
      for (let tries = 0; tries < 200; tries += 1) {
        await collect()
        if (last.echoed === last.sent || last.closed) break
        await sleep(100)
      }
      const view = await client.call('session.view', { requestId })
      const sameShell = startTicks !== null && startOf(pid) === startTicks
      if (view.state === 'open') await client.call('session.end', { requestId })
      return { typed: last.sent, echoed: last.echoed, wrong: last.wrong, sameShell, ended: view.endCause, ...copied }
    },
  }
}

/** When a process was started, in ticks since boot: its number alone could be another's by now. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

type Copied = { copies: number; intact: number; failures: string[] }

/** Gets and puts in turn until told to stop; each copy is compared by SHA-256 of the files themselves, whatever the client says. */
function copyToAndFro(
  world: Desk,
  requestId: RequestId,
  { bytes, once }: { bytes: number; once: boolean },
): { first: Promise<number>; stop(): Promise<Copied> } {
  const root = world.facts.devices[0]?.filesRoot ?? ''
  const local = join(world.dir, 'copies')
  const copied: Copied = { copies: 0, intact: 0, failures: [] }
  let stopping = once
  const first = Promise.withResolvers<number>()
  const run = async () => {
    mkdirSync(local, { recursive: true })
    const [there, here] = [join(root, 'there.bin'), join(local, 'here.bin')]
    await Promise.all([writeRandom(there, bytes, 1), writeRandom(here, bytes, 2)])
    // A sandbox of root's keeps a device's files apart under an account without rights.
    if (process.getuid?.() === 0) chownSync(there, 65_534, 65_534)
    for (let index = 0; !stopping || index < 1; index += 1) {
      const get = index % 2 === 0
      const [from, to, target] = get ? ['/there.bin', local, join(local, 'there.bin')] : [here, '/', join(root, 'here.bin')]
      const startMs = nowMs()
      const done = await world.client.call('transfer.run', { requestId, direction: get ? 'get' : 'put', from, to })
      first.resolve((nowMs() - startMs) / 1_000)
      copied.copies += 1
      if (done.state !== 'done') {
        copied.failures.push(`${get ? 'get' : 'put'}: ${done.failure?.code ?? done.state} at ${done.bytes} of ${done.totalBytes}`)
        await sleep(500)
        continue
      }
      if ((await digestOf(get ? there : here)) === (await digestOf(target))) copied.intact += 1
      else copied.failures.push(`${basename(target)} differs`)
      rmSync(target, { force: true })
    }
    rmSync(local, { recursive: true, force: true })
  }
  const running = run().catch((error: unknown) => {
    copied.failures.push(String(error))
  })
  return {
    first: first.promise,
    async stop() {
      stopping = true
      await running
      return copied
    },
  }
}

async function writeRandom(path: string, bytes: number, seed: number): Promise<void> {
  const chance = createChance(seed)
  const block = Buffer.alloc(4 * 1_048_576)
  for (let index = 0; index < block.length; index += 4) block.writeUInt32LE(Math.floor(chance() * 4_294_967_296), index)
  const blocks = function* () {
    for (let written = 0; written < bytes; written += block.length) {
      // Each block differs from the others, so that one in the wrong place shows.
      block.writeUInt32LE(written / block.length, 0)
      yield Buffer.from(block.subarray(0, Math.min(block.length, bytes - written)))
    }
  }
  await pipeline(Readable.from(blocks()), createWriteStream(path))
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1_048_576 }), hash)
  return hash.digest('hex')
}
