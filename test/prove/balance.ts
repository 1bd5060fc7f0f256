import { codeOf, milliseconds, type Proof, quantile, row } from './proof.ts'
import { nowMs } from './workout.ts'
import { deviceId } from './world/desk.ts'
import { deaf } from './world/faults.ts'
import { openWorld, type World } from './world/world.ts'

export const balance: Proof = {
  name: 'balance',
  title: 'New sessions when access servers are lost',
  covers: ['D29', 'R013', 'R046', 'R056'],
  method:
    'Topology T. Sessions are opened and ended one after the other: with both access servers, with one that no longer answers anybody (its packets are dropped, the worst way to be down), with none. The share of each when both are up is counted by `leaks`.',
  async run({ quick, say }) {
    const world = await openWorld()
    try {
      const both = await openMany(world, quick ? 5 : 20)
      const hear = deaf(world.net, 'access1')
      const one = await openMany(world, quick ? 10 : 100)
      say(`one down: ${one.opened} of ${one.asked}`)
      const hearToo = deaf(world.net, 'access2')
      const none = await openMany(world, 3)
      const polls = await world.client.call('main-server.ask', {})
      hear()
      hearToo()
      const [p95Both, p95One] = [quantile(both.tookMs, 0.95), quantile(one.tookMs, 0.95)]
      return [
        row('both up: sessions opened', 'all', `${both.opened} of ${both.asked}; set-up p95 ${milliseconds(p95Both)}`, both.opened === both.asked),
        row(
          'one down: sessions opened',
          'all',
          `${one.opened} of ${one.asked}${one.failures.length > 0 ? ` (${one.failures.slice(0, 3).join(', ')})` : ''}`,
          one.opened === one.asked,
        ),
        row('one down: set-up p95', 'at most 2 s more', `${milliseconds(p95One)} (the first ${milliseconds(one.tookMs[0] ?? 0)})`, p95One <= p95Both + 2_000),
        row(
          'both down: it is said',
          '≤ 10 s, by a code of its own',
          `${none.failures.join(', ') || 'opened'} after at most ${milliseconds(quantile(none.tookMs, 1))}`,
          none.opened === 0 && quantile(none.tookMs, 1) <= 10_000,
        ),
        row('both down: the main server answers', '≤ 1 s', milliseconds(polls.ms), polls.ms <= 1_000),
      ]
    } finally {
      await world.close()
    }
  },
}

async function openMany({ client }: World, asked: number): Promise<{ asked: number; opened: number; tookMs: number[]; failures: string[] }> {
  const tookMs: number[] = []
  const failures: string[] = []
  for (let index = 0; index < asked; index += 1) {
    const sinceMs = nowMs()
    try {
      const { requestId } = await client.call('session.open', { device: deviceId, access: 'diagnostics' })
      tookMs.push(nowMs() - sinceMs)
      await client.call('session.end', { requestId })
    } catch (error) {
      tookMs.push(nowMs() - sinceMs)
      failures.push(codeOf(error))
    }
  }
  return { asked, opened: asked - failures.length, tookMs, failures }
}
