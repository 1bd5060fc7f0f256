import { setTimeout as delay } from 'node:timers/promises'

/** Time comes in by parameter. `now` is Unix milliseconds; `elapsed` and `sleep` run on the monotonic clock, so a stepped wall clock neither shortens nor stretches it. */
export type Clock = {
  now(): number
  /** Milliseconds from an arbitrary start that never go backwards: for measuring how long something took. */
  elapsed(): number
  /** Resolves after `ms`; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const realClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : {})
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
}

export const unixSeconds = (clock: Clock): number => Math.floor(clock.now() / 1_000)
