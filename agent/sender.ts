import { pollTiming } from '@gantry/shared/agent-api.ts'
import { backoffMs } from '@gantry/shared/backoff.ts'
import type { Clock } from './clock.ts'

/** Sends the outbox, one run at a time; a failed run is repeated with growing pauses as long as sending is allowed. */
export type Sender = {
  nudge(): void
  /** The same at once: somebody waits for it. */
  hurry(): void
  /** Resolves when nothing is being sent; for the last moments of the agent. */
  settled(): Promise<void>
}

export type SenderWith = {
  /** `answersOnly`: somebody waits for an answer, and nothing that could wait may stand in its way. */
  flush: (signal: AbortSignal, options: { answersOnly: boolean }) => Promise<void>
  /** False while not a packet may leave. */
  allowed: () => boolean
  onFailure: (error: unknown) => void
  clock: Clock
  signal: AbortSignal
  random?: () => number
}

/** Events of one moment go together, and after the opening of a session, which they would keep waiting. ms */
const gatherMs = 500

export function createSender({ flush, allowed, onFailure, clock, signal, random = Math.random }: SenderWith): Sender {
  let wanted = false
  let running: Promise<void> | null = null
  let urgent = Promise.withResolvers<void>()

  const run = async () => {
    for (let failures = 0; wanted && allowed() && !signal.aborted; ) {
      wanted = false
      try {
        const gathered = clock.sleep(failures === 0 ? gatherMs : backoffMs(failures, backoff, random), signal)
        const answersOnly = failures === 0 && (await Promise.race([gathered.then(() => false), urgent.promise.then(() => true)]))
        if (failures > 0) await gathered
        urgent = Promise.withResolvers()
        if (allowed()) await flush(signal, { answersOnly })
        wanted ||= answersOnly
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        failures += 1
        wanted = true
        onFailure(error)
      }
    }
  }
  const nudge = () => {
    wanted = true
    running ??= run().finally(() => {
      running = null
    })
  }
  return {
    nudge,
    hurry() {
      urgent.resolve()
      nudge()
    },
    settled: () => running ?? Promise.resolve(),
  }
}

const backoff = { baseMs: pollTiming.backoffBaseMs, maxMs: pollTiming.backoffMaxMs }
