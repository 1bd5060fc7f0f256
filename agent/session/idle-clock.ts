/**
 * When a session has to end by itself: the granted minutes, counted from the first joined byte, and the minutes without a byte. Bytes are counted at the
 * agent, above SSH: keep-alives and window adjustments are nobody's work.
 */
export type SessionClock = {
  touch(bytes: number): void
  /** So much longer. */
  prolong(ms: number): void
  stop(): void
}
export type ClockOptions = { remainingMs: number; idleMs: number; now(): number; onEnd(cause: 'time' | 'idle'): void }

export function startClock({ remainingMs, idleMs, now, onEnd }: ClockOptions): SessionClock {
  let lastMs = now()
  let endMs = lastMs + remainingMs
  let time = setTimeout(() => onEnd('time'), remainingMs)
  let idle: NodeJS.Timeout
  const watch = (waitMs: number) => {
    idle = setTimeout(() => {
      const leftMs = lastMs + idleMs - now()
      if (leftMs <= 0) onEnd('idle')
      else watch(leftMs)
    }, waitMs)
  }
  watch(idleMs)
  return {
    touch(bytes) {
      if (bytes > 0) lastMs = now()
    },
    prolong(ms) {
      endMs += ms
      clearTimeout(time)
      time = setTimeout(() => onEnd('time'), endMs - now())
    },
    stop() {
      clearTimeout(time)
      clearTimeout(idle)
    },
  }
}
