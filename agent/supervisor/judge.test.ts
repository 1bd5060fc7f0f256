import { describe, expect, test } from 'vitest'
import { countCrashes, heartbeatEveryMs, judgeSilence, restartPauseMs } from './judge.ts'

describe('when the supervisor restarts its agent (R101, goal D27)', () => {
  test('soon after the first crash, then ever more slowly, at most once a minute', () => {
    expect(restartPauseMs(1)).toBeLessThanOrEqual(1_000)
    const pauses = Array.from({ length: 10 }, (_, at) => restartPauseMs(at + 1))
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b))
    expect(pauses.at(-1)).toBe(60_000)
  })

  test('an agent that ran for a minute was well, so its next crash counts as the first', () => {
    expect(countCrashes(5, 60_000)).toBe(1)
    expect(countCrashes(5, 59_999)).toBe(6)
  })

  test('silence of 20 s means hung, unless the supervisor slept as well', () => {
    expect(judgeSilence({ silentMs: 19_999, lateMs: 0 })).toBe('well')
    expect(judgeSilence({ silentMs: 20_000, lateMs: 0 })).toBe('hung')
    expect(judgeSilence({ silentMs: 3_600_000, lateMs: 3_590_000 })).toBe('start-again')
    expect(heartbeatEveryMs * 3).toBeLessThan(20_000)
  })
})
