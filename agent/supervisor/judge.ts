import { z } from 'zod'

/** When a supervisor restarts its agent, as pure rules (R101). All times in ms. */

/** The agent says this often that its event loop turns. */
export const heartbeatEveryMs = 5_000
/** Silent for this long means hung: it is killed. */
const defaultHangMs = 20_000
/** An agent that is told to stop has this long; process.ts gives itself 5 s. */
export const stopWithinMs = 6_000
/** An agent that ran this long was well: the next crash counts as the first again. */
const wellAfterMs = 60_000
const firstPauseMs = 500
const longestPauseMs = 60_000

/** What the supervisor tells the agent that it starts about the one before (`--after`): the signal, the code of its last word or its exit, or that it hung; and how many in a row. */
export const After = z.object({ end: z.string().max(60), crashes: z.number().int().positive() })
export type After = z.infer<typeof After>

/** How long to wait before the restart after the `crashes`-th crash in a row (from 1): back within 2 s the first time, at most one try a minute in the end. */
export function restartPauseMs(crashes: number): number {
  return Math.min(firstPauseMs * 3 ** (crashes - 1), longestPauseMs)
}

export function countCrashes(before: number, ranMs: number): number {
  return ranMs >= wellAfterMs ? 1 : before + 1
}

export type Silence = { silentMs: number; lateMs: number; hangAfterMs?: number }

/**
 * Hung or not, looked at once a second. `lateMs` is how late this look itself came: where the whole machine slept, the agent slept too and gets its full time again.
 */
export function judgeSilence({ silentMs, lateMs, hangAfterMs = defaultHangMs }: Silence): 'well' | 'start-again' | 'hung' {
  if (lateMs >= heartbeatEveryMs) return 'start-again'
  return silentMs >= hangAfterMs ? 'hung' : 'well'
}
