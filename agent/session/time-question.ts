import { requestLimits } from '@gantry/shared/access-request.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { Grant, SessionTools } from './grant.ts'
import type { SessionClock } from './idle-clock.ts'
import type { SessionRecord } from './record.ts'

/**
 * More time is a new question, asked while the session goes on. Who let it in answers: the person at the panel, or the policy. A no, or no answer, leaves the session
 * as it is and stands for a while (threat T6: nobody is asked until they press yes by habit). The device's policy says how long it may last in all.
 */
export type TimeQuestions = {
  /** Resolves with the session's new end, ms since 1970. Errors: those of `time.ask` in `shared/session-api.ts`. */
  ask(minutes: number): Promise<number>
  endsMs(): number
}
export type TimeQuestionsWith = {
  grant: Grant
  tools: Pick<SessionTools, 'tellPanel' | 'onPress'>
  record: Pick<SessionRecord, 'write'>
  clock: Pick<SessionClock, 'prolong'>
  startedMs: number
  endsMs: number
  signal: AbortSignal
  now(): number
}

const minuteMs = 60_000
const noStandsMs = 5 * minuteMs
const answerMs = requestLimits.answerSeconds * 1_000

export function createTimeQuestions({ grant, tools, record, clock, startedMs, signal, now, ...session }: TimeQuestionsWith): TimeQuestions {
  const { id: requestId } = grant.request
  const [agent, person] = [{ kind: 'agent' } as const, { kind: 'person' } as const]
  let { endsMs } = session
  let asking = false
  let refusedMs = Number.NEGATIVE_INFINITY

  const requireLimit = (minutes: number) => {
    const left = Math.max(0, Math.floor((startedMs + grant.policy.sessionMinutes * minuteMs - endsMs) / minuteMs))
    if (minutes > left) throw new AppError('session.time-limit', { details: { minutes: left } })
  }
  const requirePatience = () => {
    if (asking) throw new AppError('session.time-asked')
    const waitMs = refusedMs + noStandsMs - now()
    if (waitMs > 0) throw new AppError('access.rate-limited', { details: { minutes: Math.ceil(waitMs / minuteMs) } })
  }
  /** Throws `access.refused`, `access.no-answer`, or `session.ended`. */
  const askPerson = async (minutes: number) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const over = () => reject(new AppError('session.ended'))
    const late = setTimeout(() => reject(new AppError('access.no-answer')), answerMs)
    const forget = tools.onPress((press) => {
      if (press.type !== 'time.answered' || press.requestId !== requestId) return
      if (press.allow) resolve()
      else reject(new AppError('access.refused'))
    })
    signal.addEventListener('abort', over, { once: true })
    const askedMs = now()
    tools.tellPanel({ type: 'session.changed', requestId, change: { asksTime: { minutes, askedMs, answerBeforeMs: askedMs + answerMs } } })
    try {
      await promise
    } finally {
      clearTimeout(late)
      forget()
      signal.removeEventListener('abort', over)
      tools.tellPanel({ type: 'session.changed', requestId, change: { asksTime: null } })
    }
  }
  const byPerson = async (minutes: number) => {
    asking = true
    try {
      await askPerson(minutes)
    } catch (error) {
      if (signal.aborted) throw error
      refusedMs = now()
      const { code } = toFailure(error)
      record.write('time.refused', { actor: code === 'access.refused' ? person : agent, data: { minutes, code } })
      throw error
    } finally {
      asking = false
    }
  }
  return {
    endsMs: () => endsMs,
    async ask(minutes) {
      requirePatience()
      requireLimit(minutes)
      record.write('time.asked', { data: { minutes } })
      const isPerson = grant.approvedBy === 'person'
      if (isPerson) await byPerson(minutes)
      const total = Math.round((endsMs - startedMs) / minuteMs) + minutes
      record.write('session.prolonged', { actor: isPerson ? person : agent, data: { minutes, total, by: grant.approvedBy } })
      endsMs += minutes * minuteMs
      clock.prolong(minutes * minuteMs)
      tools.tellPanel({ type: 'session.changed', requestId, change: { endsMs } })
      return endsMs
    },
  }
}
