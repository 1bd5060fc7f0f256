import { pollTiming } from '@gantry/shared/agent-api.ts'
import { backoffMs } from '@gantry/shared/backoff.ts'
import type { Clock } from './clock.ts'

/** Sends the outbox, one run at a time; a failed run is repeated with growing pauses as long as sending is allowed. */
export type Sender = {
  nudge(): void
  /** Answers at once: somebody waits for them. */
  hurry(): void
  /** Everything at once, for the last moments of the agent. */
  finish(): void
  /** Resolves when nothing is being sent. */
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

/** Events of one moment go together, and those of a session's opening when it is open: they would keep it waiting. ms */
const gatherMs = 500

export function createSender({ flush, allowed, onFailure, clock, signal, random = Math.random }: SenderWith): Sender {
  let wanted = false
  let running: Promise<void> | null = null
  let finishing = false
  let urgent = Promise.withResolvers<void>()

  const run = async () => {
    for (let failures = 0; wanted && allowed() && !signal.aborted; ) {
      try {
        const pause = clock.sleep(failures === 0 ? gatherMs : backoffMs(failures, backoff, random), signal).then(() => false)
        const isUrgent = await (failures === 0 ? Promise.race([pause, urgent.promise.then(() => true)]) : pause)
        wanted = false
        urgent = Promise.withResolvers()
        if (finishing) urgent.resolve()
        const answersOnly = isUrgent && !finishing
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
  const hurry = () => {
    urgent.resolve()
    nudge()
  }
  return {
    nudge,
    hurry,
    finish() {
      finishing = true
      hurry()
    },
    settled: () => running ?? Promise.resolve(),
  }
}

const backoff = { baseMs: pollTiming.backoffBaseMs, maxMs: pollTiming.backoffMaxMs }
