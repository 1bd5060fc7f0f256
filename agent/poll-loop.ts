import { pollTiming } from '@gantry/shared/agent-api.ts'
import { backoffMs } from '@gantry/shared/backoff.ts'
import type { Clock } from './clock.ts'

/**
 * `off`: not a packet. `plain`: one question every 30 s, no socket in between (R053). `held`: the main server may hold the poll until it has something to say;
 * where the customer allowed it, and in every mode from pick-up until the session has ended, so that an end or a revocation arrives at once.
 */
export type PollMode = 'off' | 'plain' | 'held'

export function judgeMode({ connectivity, instantPickup, busy }: { connectivity: 'on' | 'off'; instantPickup: boolean; busy: boolean }): PollMode {
  if (connectivity === 'off') return 'off'
  return busy || instantPickup ? 'held' : 'plain'
}

export type PollOutcome = { kind: 'answered'; fresh: number } | { kind: 'failed' }
export type PollTiming = { intervalMs: number; holdMs: number }
export type Judge = {
  /** How the poll was made, and what mode stands now. */
  asked: PollMode
  mode: PollMode
  outcome: PollOutcome
  /** Since the poll began. */
  elapsedMs: number
  /** In a row. */
  failures: number
  timing: PollTiming
  random: () => number
}

/** Held polls never start faster than this, whatever the server answers. */
const leastGapMs = 250
/** A server that answers a held poll at once, with nothing, is not holding it. */
const emptyGapMs = 5_000
/** A fleet whose server is away goes on at its normal pace for some minutes, so that it is back within 35 s (R012), and slows down after that. */
const failuresAtPace = 12
const backoff = { baseMs: pollTiming.backoffBaseMs, maxMs: pollTiming.backoffMaxMs }

/** How long after the begin of the last poll the next one may begin, in ms. The interval is a floor for plain polls: nothing that a server says shortens it (R051). */
export function judgeGap({ asked, mode, outcome, elapsedMs, failures, timing, random }: Judge): number {
  const plain = timing.intervalMs * (1 - pollTiming.jitter + 2 * pollTiming.jitter * random())
  if (outcome.kind === 'failed') {
    const pace = mode === 'held' ? Math.min(elapsedMs + backoffMs(failures, backoff, random), plain) : plain
    return failures > failuresAtPace ? pace + backoffMs(failures - failuresAtPace, backoff, random) : pace
  }
  if (mode !== 'held') return plain
  const notHeld = asked === 'held' && outcome.fresh === 0 && elapsedMs < timing.holdMs / 2
  return notHeld ? emptyGapMs : leastGapMs
}

export type PollLoop = {
  /** Something changed that may mean another mode: look again. */
  wake(): void
  done: Promise<void>
}

export type PollLoopWith = {
  /** One poll. `holdMs` is 0 for a plain one. Resolves to the number of new deliveries. */
  poll: (holdMs: number, signal: AbortSignal) => Promise<number>
  mode: () => PollMode
  /** After each poll: its error, or null. */
  onOutcome: (error: unknown, failures: number) => void
  /** Nothing will be sent for a while, so no socket may stay. */
  onIdle: () => void
  timing: PollTiming
  clock: Clock
  signal: AbortSignal
  random?: () => number
}

/** Polls until the signal aborts, first at once. A failure slows the loop; it never stops it. */
export function startPollLoop(deps: PollLoopWith): PollLoop {
  const { poll, mode, onOutcome, onIdle, timing, clock, signal, random = Math.random } = deps
  const wakers = new Set<() => void>()
  const wake = () => {
    for (const waker of [...wakers]) waker()
  }
  signal.addEventListener('abort', wake, { once: true })
  let failures = 0
  /** A server that has not answered lately is asked without a hold, so that its answer, and the device's word that it is there, come at once. */
  let answeredLast = false

  /** Runs `act` with a signal that aborts as soon as another mode stands. */
  const whileMode = async <T>(now: PollMode, act: (until: AbortSignal) => Promise<T>): Promise<T | null> => {
    const cut = new AbortController()
    const look = () => {
      if (signal.aborted || mode() !== now) cut.abort()
    }
    wakers.add(look)
    look()
    try {
      return await act(cut.signal)
    } catch (error) {
      if (cut.signal.aborted) return null
      throw error
    } finally {
      wakers.delete(look)
    }
  }

  /** A poll that is cut because the mode changed is no failure; what it may have carried is repeated by the main server. */
  const pollOnce = async (now: PollMode, asked: PollMode): Promise<PollOutcome> => {
    try {
      const fresh = await whileMode(now, (until) => poll(asked === 'held' ? timing.holdMs : 0, until))
      if (fresh === null) return { kind: 'answered', fresh: 0 }
      failures = 0
      answeredLast = true
      onOutcome(null, 0)
      return { kind: 'answered', fresh }
    } catch (error) {
      failures += 1
      answeredLast = false
      onOutcome(error, failures)
      return { kind: 'failed' }
    }
  }

  /** A change of mode ends the wait; the gap of the new mode still counts from the begin of the last poll. */
  const rest = async (judged: Pick<Judge, 'asked' | 'outcome' | 'elapsedMs'>, beganMs: number) => {
    for (let waiting = true; waiting && !signal.aborted; ) {
      const now = mode()
      if (now !== 'held') onIdle()
      const gapMs = now === 'off' ? Number.POSITIVE_INFINITY : judgeGap({ ...judged, mode: now, failures, timing, random })
      // Longer waits than this come as several: a timer of more than 24.8 days fires at once.
      const waitMs = Math.min(Math.max(0, beganMs + gapMs - clock.elapsed()), 3_600_000)
      const slept = await whileMode(now, (until) => clock.sleep(waitMs, until).then(() => true))
      waiting = slept === null || now === 'off'
    }
  }

  const run = async () => {
    while (!signal.aborted) {
      const beganMs = clock.elapsed()
      const now = mode()
      if (now === 'off') {
        await rest({ asked: now, outcome: { kind: 'answered', fresh: 0 }, elapsedMs: 0 }, beganMs - timing.intervalMs * 2)
        continue
      }
      const asked = answeredLast ? now : 'plain'
      const outcome = await pollOnce(now, asked)
      if (!signal.aborted) await rest({ asked, outcome, elapsedMs: Math.max(0, clock.elapsed() - beganMs) }, beganMs)
    }
  }
  return { wake, done: run() }
}
