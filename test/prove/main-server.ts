import { setTimeout as sleep } from 'node:timers/promises'
import { finish } from './kills.ts'
import { codeOf, createChance, milliseconds, type Proof, quantile, row } from './proof.ts'
import { nowMs, openWorkout } from './workout.ts'
import { deviceId } from './world/desk.ts'
import { openWorld } from './world/world.ts'

export const mainServer: Proof = {
  name: 'main-server',
  title: 'The death of the main server ends no session',
  covers: ['D2', 'R012', 'R015'],
  method:
    'Topology T. kill -9 of the main server at random moments during a shell and a transfer; after each restart a question is asked of it, after every tenth a new session is opened.',
  async run({ quick, seed }) {
    const chance = createChance(seed)
    const world = await openWorld()
    try {
      const workout = await openWorkout(world, { copyBytes: 67_108_864 })
      const times = quick ? 5 : 50
      const answered: number[] = []
      const longest: number[] = []
      const opened: number[] = []
      const failures: string[] = []
      let asked = 0
      for (let index = 0; index < times; index += 1) {
        await sleep(chance() * 500)
        const sinceMs = nowMs()
        const before = world.kill('main-server', 'SIGKILL')
        await world.upAgain('main-server', before)
        const upMs = nowMs()
        while (!(await world.client.call('main-server.ask', {}).catch(() => null))) await sleep(50)
        answered.push(nowMs() - upMs)
        longest.push(await workout.longestEcho(sinceMs))
        if (index % 10 === 4) {
          asked += 1
          const fresh = await world.client
            .call('session.open', { device: deviceId, access: 'diagnostics' })
            .catch((error: unknown) => void failures.push(codeOf(error)))
          if (!fresh) continue
          opened.push(fresh.ms)
          await world.client.call('session.end', { requestId: fresh.requestId })
        }
      }
      const view = await workout.view()
      return [
        row(`${times} kills: sessions that ended`, '0', view.state === 'open' ? '0' : `1: ${view.endCause}`, view.state === 'open'),
        row('longest wait for an echo meanwhile', '≤ 1 s', milliseconds(quantile(longest, 1)), quantile(longest, 1) <= 1_000),
        row(
          'from the restart to the first answer',
          '≤ 5 s',
          `median ${milliseconds(quantile(answered, 0.5))}, max ${milliseconds(quantile(answered, 1))}`,
          quantile(answered, 1) <= 5_000,
        ),
        row(
          'new sessions right after a restart',
          'all open',
          `${opened.length} of ${asked}${failures.length > 0 ? ` (${failures.join(', ')})` : ''}, set-up at most ${milliseconds(quantile(opened, 1))}`,
          opened.length === asked,
        ),
        ...(await finish(workout)),
      ]
    } finally {
      await world.close()
    }
  },
}
