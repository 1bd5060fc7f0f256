import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readLines } from '@gantry/shared/node/lines.ts'
import type { AttackerTask } from './hostile/attacker.ts'
import { milliseconds, type Proof, quantile, row } from './proof.ts'
import { nowMs, openWorkout, type Workout } from './workout.ts'
import { rssOf } from './world/inspect.ts'
import { openWorld, type World } from './world/world.ts'

const addresses = 40

export const flood: Proof = {
  name: 'flood',
  title: 'A thousand slow and ten thousand junk connections',
  covers: ['D30', 'R013', 'R058'],
  method:
    'Topology T. Somebody outside with forty addresses holds slow connections open at one access server, opening a new one for each that is cut, and throws junk at both access servers and the main server, while a session runs and the main server is asked ten times a second. Attacker and attacked share two cores.',
  limits: ['the five sign-in attempts a minute of D30, which the main server’s own tests show.'],
  async run({ quick, say }) {
    const world = await openWorld()
    let attacker: ChildProcess | null = null
    try {
      const workout = await openWorkout(world, { copyBytes: 0, everyMs: 50 })
      await sleep(2_000)
      const calm = await watch(world, workout, sleep(quick ? 4_000 : 15_000))
      const rssBefore = rssOf(world.pidOf('access-server-1'))
      const task: AttackerTask = {
        addresses: manyAddresses(world),
        slow: { host: world.names.access1, count: quick ? 200 : 1_000 },
        junk: { hosts: [world.names.access1, world.names.access2, world.names.people], count: quick ? 300 : 10_000, atOnce: 24 },
      }
      attacker = attack(world, task)
      const lines = linesOf(attacker)
      await lines.next()
      const held = connectionsAt(world)
      const perConnectionKiB = ((rssOf(world.pidOf('access-server-1')) - rssBefore) * 1_024) / Math.max(1, held)
      say(`${held} slow connections stand`)
      const storm = await watch(world, workout, lines.next())
      const result = await workout.finish()
      return [
        row(`slow connections that stand at once`, `${task.slow.count}`, String(held), held >= task.slow.count * 0.8),
        row(
          `main server’s answer p99 during ${task.junk.count} junk connections (${storm.seconds.toFixed(0)} s)`,
          '≤ 1 s',
          `${milliseconds(storm.answerP99)} (calm ${milliseconds(calm.answerP99)})`,
          storm.answerP99 <= 1_000,
        ),
        row('answers that failed', '0', String(storm.failed), storm.failed === 0),
        row('echo p95 of the session', '≤ +50 ms', `${milliseconds(storm.echoP95)} (calm ${milliseconds(calm.echoP95)})`, storm.echoP95 <= calm.echoP95 + 50),
        row('memory for each unauthenticated connection', '≤ 64 KiB', `${perConnectionKiB.toFixed(0)} KiB`, perConnectionKiB <= 64),
        row('the session goes on', 'yes', result.ended ?? 'yes', result.ended === null && result.wrong === 0),
      ]
    } finally {
      attacker?.kill('SIGKILL')
      await world.close()
    }
  },
}

type Watched = { seconds: number; answerP99: number; failed: number; echoP95: number }

async function watch(world: World, workout: Workout, until: Promise<unknown>): Promise<Watched> {
  const sinceMs = nowMs()
  const tookMs: number[] = []
  let failed = 0
  let over = false
  void until.then(() => {
    over = true
  })
  const asking: Promise<unknown>[] = []
  while (!over) {
    asking.push(
      world.client.call('main-server.ask', {}).then(
        ({ ms }) => tookMs.push(ms),
        () => {
          failed += 1
        },
      ),
    )
    await sleep(100)
  }
  await Promise.all(asking)
  const echoes = (await workout.echoes()).filter(([sentMs]) => sentMs > sinceMs).map(([, took]) => took)
  return { seconds: (nowMs() - sinceMs) / 1_000, answerP99: quantile(tookMs, 0.99), failed, echoP95: quantile(echoes, 0.95) }
}

function manyAddresses({ net }: World): string[] {
  const own = net.address.outside.v4
  const more = Array.from({ length: addresses }, (_, index) => `${own.slice(0, own.lastIndexOf('.'))}.${index + 10}`)
  for (const address of more) net.run('outside', ['ip', 'addr', 'add', `${address}/24`, 'dev', 'above'])
  return more
}

function attack({ net }: World, task: AttackerTask): ChildProcess {
  const [program, ...argv] = net.on('outside', [process.execPath, join(import.meta.dirname, 'hostile/attacker.ts'), JSON.stringify(task)])
  return spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
}

function linesOf({ stdout }: ChildProcess): AsyncGenerator<string, void, void> {
  if (!stdout) throw new Error('no output')
  return readLines(stdout, { maxBytes: 10_000 })
}

function connectionsAt({ net }: World): number {
  return net
    .run('access1', ['ss', '-Htn', 'state', 'established', 'sport', '=', ':443'])
    .split('\n')
    .filter((line) => line.includes('198.18.')).length
}
