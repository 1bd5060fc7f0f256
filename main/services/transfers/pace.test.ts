import { describe, expect, test } from 'vitest'
import { createPace } from './pace.ts'

/** On a clock that moves only while somebody waits. */
function openPace(first: number | null) {
  const state = { limit: first, nowMs: 0, waits: 0 }
  const pace = createPace({
    bytesPerSecond: () => state.limit,
    now: () => state.nowMs,
    async wait(ms) {
      state.waits += 1
      const until = state.nowMs + ms
      await Promise.resolve()
      state.nowMs = Math.max(state.nowMs, until)
    },
  })
  return { state, pace }
}
const { signal } = new AbortController()
const move = async (take: (bytes: number, signal: AbortSignal) => Promise<void>, bytes: number, each: number) => {
  for (let moved = 0; moved < bytes; moved += each) await take(each, signal)
}

describe('a limit of the transfers', () => {
  test('without one nobody waits', async () => {
    const { state, pace } = openPace(null)
    await move(pace.take, 50_000_000, 524_288)
    expect([state.nowMs, state.waits, pace.pieceBytes()]).toEqual([0, 0, null])
  })

  test.each([250_000, 1_000_000, 5_000_000])('%d bytes a second are what moves, to within the last piece and a tenth of a second', async (limit) => {
    const { state, pace } = openPace(limit)
    const [bytes, each] = [limit * 10, pace.pieceBytes() ?? 0]
    await move(pace.take, bytes, each)
    expect(state.nowMs).toBeGreaterThanOrEqual(((bytes - each) / limit) * 1_000 - 100)
    expect(state.nowMs).toBeLessThanOrEqual((bytes / limit) * 1_000 + 100)
  })

  test('three at once share it: together they are no faster than one', async () => {
    const { state, pace } = openPace(1_000_000)
    await Promise.all([1, 2, 3].map(() => move(pace.take, 3_000_000, 100_000)))
    expect(state.nowMs).toBeGreaterThanOrEqual(8_600)
    expect(state.nowMs).toBeLessThanOrEqual(9_200)
  })

  test('what was not used while nothing moved is not made up for', async () => {
    const { state, pace } = openPace(1_000_000)
    state.nowMs = 3_600_000
    await move(pace.take, 2_000_000, 100_000)
    expect(state.nowMs - 3_600_000).toBeGreaterThanOrEqual(1_700)
  })

  test('that is lifted or changed holds at once for what is moving', async () => {
    const { state, pace } = openPace(1_000)
    await pace.take(1_000_000, signal)
    state.limit = 1_000_000
    const before = state.nowMs
    await pace.take(1, signal)
    expect(state.nowMs - before).toBeLessThanOrEqual(1_200)
    await pace.take(50_000_000, signal)
    state.limit = null
    await pace.take(1, signal)
    expect(state.nowMs - before).toBeLessThanOrEqual(1_500)
  })

  test('whoever is cancelled waits no longer', async () => {
    const pace = createPace({ bytesPerSecond: () => 1 })
    await pace.take(1_000_000, signal)
    const stop = new AbortController()
    const waiting = pace.take(1, stop.signal)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})
