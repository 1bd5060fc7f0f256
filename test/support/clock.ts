import type { Clock } from '../../agent/clock.ts'

/** Time that stands still until it is told to go on. `advance` fires what falls due, in order, and lets its consequences run before the next. */
export type ManualClock = Clock & { advance(ms: number): Promise<void>; waiting(): number[] }

export function createManualClock(startMs: number): ManualClock {
  let nowMs = startMs
  let timers: { atMs: number; fire: () => void }[] = []
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  return {
    now: () => nowMs,
    elapsed: () => nowMs,
    sleep(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      if (signal?.aborted) return Promise.reject(signal.reason)
      const timer = { atMs: nowMs + ms, fire: resolve }
      timers.push(timer)
      signal?.addEventListener(
        'abort',
        () => {
          timers = timers.filter((one) => one !== timer)
          reject(signal.reason)
        },
        { once: true },
      )
      return promise
    },
    async advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        await settle()
        const next = timers.filter((one) => one.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        timers = timers.filter((one) => one !== next)
        nowMs = Math.max(nowMs, next.atMs)
        next.fire()
      }
      nowMs = untilMs
      await settle()
    },
    waiting: () => timers.map((one) => one.atMs - nowMs).sort((a, b) => a - b),
  }
}
