import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock, type ManualClock } from '../test/support/clock.ts'
import { type Judge, judgeGap, judgeMode, type PollMode, startPollLoop } from './poll-loop.ts'

const timing = { intervalMs: 30_000, holdMs: 25_000 }
const judged = (change: Partial<Judge>): number =>
  judgeGap({ asked: 'plain', mode: 'plain', outcome: { kind: 'answered', fresh: 0 }, elapsedMs: 50, failures: 0, timing, random: () => 0.5, ...change })

describe('how the next poll is timed', () => {
  test('plain polls come every 30 s, with at most 10 % of jitter, and nothing that comes in shortens that (R051)', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(200), fc.nat(30_000), (luck, fresh, elapsedMs) => {
        const gap = judged({ random: () => luck, outcome: { kind: 'answered', fresh }, elapsedMs })
        expect(gap).toBeGreaterThanOrEqual(27_000)
        expect(gap).toBeLessThanOrEqual(33_000)
      }),
    )
    expect(judged({})).toBe(30_000)
  })

  test('a main server that is away is asked at the same pace for six minutes, then ever more rarely (R012)', () => {
    const failed = (failures: number) => judged({ outcome: { kind: 'failed' }, failures })
    expect(failed(1)).toBe(30_000)
    expect(failed(12)).toBe(30_000)
    expect(failed(20)).toBe(30_000 + 64_000)
    expect(failed(1_000)).toBe(30_000 + 300_000)
  })

  test('during a session a lost main server is tried again soon, but never in a tight loop', () => {
    const failed = (failures: number) => judged({ asked: 'held', mode: 'held', outcome: { kind: 'failed' }, failures })
    expect(failed(1)).toBe(1_050)
    expect(failed(3)).toBe(9_050)
    expect(failed(10)).toBe(30_000)
  })

  test('a held poll is followed by the next at once, but a server that does not hold is not asked at once', () => {
    const held = (fresh: number, elapsedMs: number) => judged({ asked: 'held', mode: 'held', outcome: { kind: 'answered', fresh }, elapsedMs })
    expect(held(0, 25_000)).toBeLessThan(1_000)
    expect(held(1, 10)).toBeLessThan(1_000)
    expect(held(0, 10)).toBe(5_000)
  })

  test('the mode follows the policy and the session', () => {
    expect(judgeMode({ connectivity: 'on', instantPickup: false, busy: false })).toBe('plain')
    expect(judgeMode({ connectivity: 'on', instantPickup: true, busy: false })).toBe('held')
    expect(judgeMode({ connectivity: 'on', instantPickup: false, busy: true })).toBe('held')
    expect(judgeMode({ connectivity: 'off', instantPickup: true, busy: true })).toBe('off')
  })
})

describe('the poll loop', () => {
  type Asked = { atMs: number; holdMs: number; signal: AbortSignal; answer(fresh: number): void; fail(): void }

  function run(first: PollMode) {
    const clock: ManualClock = createManualClock(1_000_000)
    const stop = new AbortController()
    const state = { mode: first, asked: [] as Asked[], idle: 0 }
    const loop = startPollLoop({
      poll(holdMs, signal) {
        const { promise, resolve, reject } = Promise.withResolvers<number>()
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        state.asked.push({ atMs: clock.now() - 1_000_000, holdMs, signal, answer: resolve, fail: () => reject(new Error('away')) })
        return promise
      },
      mode: () => state.mode,
      onOutcome: () => {},
      onIdle: () => {
        state.idle += 1
      },
      timing,
      clock,
      signal: stop.signal,
      random: () => 0.5,
    })
    const turn = (mode: PollMode) => {
      state.mode = mode
      loop.wake()
      return clock.advance(0)
    }
    const answer = async (fresh = 0) => {
      state.asked.at(-1)?.answer(fresh)
      await clock.advance(0)
    }
    return { clock, state, turn, answer, loop, stop }
  }

  test('asks at once, then every interval, and says when no socket may stay (R053)', async () => {
    const { clock, state, answer } = run('plain')
    await answer()
    expect(state.idle).toBe(1)
    await clock.advance(29_999)
    expect(state.asked).toHaveLength(1)
    await clock.advance(1)
    expect(state.asked.map(({ atMs, holdMs }) => [atMs, holdMs])).toEqual([
      [0, 0],
      [30_000, 0],
    ])
  })

  test('asks a server that has not answered yet without a hold, so that both know at once', async () => {
    const { clock, state, answer } = run('held')
    await answer()
    await clock.advance(250)
    state.asked.at(-1)?.fail()
    await clock.advance(2_000)
    expect(state.asked.map(({ holdMs }) => holdMs)).toEqual([0, 25_000, 0])
  })

  test('turns to a held poll at once when a request is picked up, and back when the session has ended', async () => {
    const { clock, state, turn, answer } = run('plain')
    await answer(1)
    await turn('held')
    await clock.advance(250)
    expect(state.asked.at(-1)?.holdMs).toBe(25_000)
    await turn('plain')
    expect(state.asked.at(-1)?.signal.aborted).toBe(true)
    await clock.advance(30_000)
    expect(state.asked.at(-1)).toMatchObject({ atMs: 30_250, holdMs: 0 })
  })

  test('cuts the poll under way when connectivity is switched off, and sends nothing for ten minutes (R008)', async () => {
    const { clock, state, turn } = run('plain')
    await turn('off')
    expect(state.asked[0]?.signal.aborted).toBe(true)
    await clock.advance(600_000)
    expect(state.asked).toHaveLength(1)
    await turn('plain')
    await clock.advance(0)
    expect(state.asked).toHaveLength(2)
  })

  test('goes on after failures, and ends when it is told to', async () => {
    const { clock, state, loop, stop } = run('plain')
    for (let at = 0; at < 3; at++) {
      state.asked.at(-1)?.fail()
      await clock.advance(30_000)
    }
    expect(state.asked).toHaveLength(4)
    stop.abort()
    await loop.done
    expect(clock.waiting()).toEqual([])
  })
})
