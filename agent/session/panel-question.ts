import { requestLimits } from '@gantry/shared/access-request.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { AgentToPanel, PanelToAgent } from '@gantry/shared/panel.ts'
import type { SessionTools } from './grant.ts'

/**
 * A question to the person at the panel while the session goes on. A no, or no answer, leaves the session as it is and stands for a while (threat T6: nobody is asked
 * until they press yes by habit).
 */
export type PanelQuestion<T> = {
  /** Throws `access.rate-limited` while a no stands, and `alreadyAsked`. */
  requirePatience(): void
  /** Resolves with the yes. Throws `access.refused`, `access.no-answer`, or `session.ended`. */
  ask(what: T): Promise<void>
}
type Change = Extract<AgentToPanel, { type: 'session.changed' }>['change']
export type Asked<T> = T & { askedMs: number; answerBeforeMs: number }
export type PanelQuestionWith<T> = {
  requestId: RequestId
  tools: Pick<SessionTools, 'tellPanel' | 'onPress'>
  /** How it stands on the panel; null: it is over. */
  shown: (asked: Asked<T> | null) => Change
  /** What a press means; null: it answers something else. */
  answerOf: (press: PanelToAgent) => { requestId: RequestId; allow: boolean } | null
  alreadyAsked: () => AppError
  onRefused: (what: T, by: 'person' | 'agent', code: string) => void
  signal: AbortSignal
  now(): number
}

const minuteMs = 60_000
const noStandsMs = 5 * minuteMs
const answerMs = requestLimits.answerSeconds * 1_000

export function createPanelQuestion<T extends object>(question: PanelQuestionWith<T>): PanelQuestion<T> {
  const { requestId, tools, shown, answerOf, alreadyAsked, onRefused, signal, now } = question
  let asking = false
  let refusedMs = Number.NEGATIVE_INFINITY
  const show = (asked: Asked<T> | null) => tools.tellPanel({ type: 'session.changed', requestId, change: shown(asked) })

  const askPerson = async (what: T) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const over = () => reject(new AppError('session.ended'))
    const late = setTimeout(() => reject(new AppError('access.no-answer')), answerMs)
    const forget = tools.onPress((press) => {
      const answer = answerOf(press)
      if (answer?.requestId !== requestId) return
      if (answer.allow) resolve()
      else reject(new AppError('access.refused'))
    })
    signal.addEventListener('abort', over, { once: true })
    const askedMs = now()
    show({ ...what, askedMs, answerBeforeMs: askedMs + answerMs })
    try {
      await promise
    } finally {
      clearTimeout(late)
      forget()
      signal.removeEventListener('abort', over)
      show(null)
    }
  }
  return {
    requirePatience() {
      if (asking) throw alreadyAsked()
      const waitMs = refusedMs + noStandsMs - now()
      if (waitMs > 0) throw new AppError('access.rate-limited', { details: { minutes: Math.ceil(waitMs / minuteMs) } })
    },
    async ask(what) {
      asking = true
      try {
        await askPerson(what)
      } catch (error) {
        if (signal.aborted) throw error
        refusedMs = now()
        const { code } = toFailure(error)
        onRefused(what, code === 'access.refused' ? 'person' : 'agent', code)
        throw error
      } finally {
        asking = false
      }
    },
  }
}
