import { setTimeout as sleep } from 'node:timers/promises'

/** How fast contents may move. All transfers share one, so that a limit is one for all of them together, both ways. */
export type Pace = {
  /** How much to move in one go, in bytes, so that a limit is not passed in bursts; null where there is none. */
  pieceBytes(): number | null
  /** Resolves when so many bytes may go; at once without a limit. An abort throws the signal's reason. */
  take(bytes: number, signal: AbortSignal): Promise<void>
}
type PaceTools = {
  /** null: no limit. Asked each time, so that a change holds for what is already moving. */
  bytesPerSecond: () => number | null
  /** Milliseconds that only grow. */
  now?: () => number
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Seconds of the limit that may have been saved up: what was not used earlier is not made up for later. */
const savedSeconds = 0.1
const piece = { perSecond: 8, leastBytes: 16_384, mostBytes: 524_288 } as const
/** A limit that is lifted is noticed after this. */
const lookMs = 200

export const unlimited: Pace = { pieceBytes: () => null, take: async (_bytes, signal) => signal.throwIfAborted() }

/** A token bucket that goes into debt: whoever comes while it is not empty goes at once, and those after wait until the debt is paid. */
export function createPace({ bytesPerSecond, now = () => performance.now(), wait = waitAbortable }: PaceTools): Pace {
  let tokens = 0
  let filledMs = now()
  const fill = (limit: number) => {
    const atMs = now()
    tokens = Math.min(limit * savedSeconds, tokens + ((atMs - filledMs) / 1_000) * limit)
    filledMs = atMs
  }
  return {
    pieceBytes() {
      const limit = bytesPerSecond()
      return limit === null ? null : Math.min(piece.mostBytes, Math.max(piece.leastBytes, Math.floor(limit / piece.perSecond)))
    },
    async take(bytes, signal) {
      for (;;) {
        signal.throwIfAborted()
        const limit = bytesPerSecond()
        if (limit === null) {
          tokens = 0
          filledMs = now()
          return
        }
        fill(limit)
        if (tokens >= 0) {
          tokens -= bytes
          return
        }
        await wait(Math.min(lookMs, Math.ceil((-tokens / limit) * 1_000)), signal)
      }
    },
  }
}

async function waitAbortable(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}
