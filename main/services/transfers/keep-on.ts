import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, type ErrorCode } from '@gantry/shared/errors.ts'

/**
 * What a break of the files leg looks like: the leg itself, or opening the next one. The session outlives it (architecture 3.3), so a transfer waits and goes on; only
 * the session's end, or the person, ends it.
 */
const breaks: ReadonlySet<ErrorCode> = new Set([
  'server.unreachable',
  'server.answer-bad',
  'server.proxy-refused',
  'leg.busy',
  'leg.draining',
  'leg.peer-missing',
  'leg.refused',
  'session.too-many-connections',
])
/** Between tries, ms: a server that has just died is not asked a hundred times a second, and one that is back is noticed soon. */
const pauses = { firstMs: 100, lastMs: 3_000 } as const
/** An agent that shows another certificate than it named, time after time, is no break any more. */
const maxRefusals = 5

export type KeepOn = { signal: AbortSignal; onWaiting: () => void }

/**
 * Runs `attempt` until it succeeds, or fails for another reason than a break; `progress` grows with what was achieved. An abort throws the signal's reason at once.
 */
export async function keepOn<T>({ signal, onWaiting }: KeepOn, attempt: () => Promise<T>, progress: () => number = () => 0): Promise<T> {
  let refusals = 0
  let pauseMs: number = pauses.firstMs
  for (let before = progress(); ; before = progress()) {
    try {
      return await attempt()
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof AppError) || !breaks.has(error.code)) throw error
      refusals = error.code === 'leg.refused' ? refusals + 1 : 0
      if (refusals >= maxRefusals) throw error
      // It went well for a while: this is another break.
      if (progress() > before) pauseMs = pauses.firstMs
      onWaiting()
      await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
      pauseMs = Math.min(2 * pauseMs, pauses.lastMs)
    }
  }
}
