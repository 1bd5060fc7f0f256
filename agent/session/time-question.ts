import { AppError } from '@gantry/shared/errors.ts'
import type { Grant, SessionTools } from './grant.ts'
import type { SessionClock } from './idle-clock.ts'
import { createPanelQuestion } from './panel-question.ts'
import type { SessionRecord } from './record.ts'

/**
 * More time is a new question, asked while the session goes on. Who let it in answers: the person at the panel, or the policy. The device's policy says how long it may
 * last in all.
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

export function createTimeQuestions({ grant, tools, record, clock, startedMs, signal, now, ...session }: TimeQuestionsWith): TimeQuestions {
  const { id: requestId } = grant.request
  let { endsMs } = session
  const question = createPanelQuestion<{ minutes: number }>({
    ...{ requestId, tools, signal, now },
    shown: (asksTime) => ({ asksTime }),
    answerOf: (press) => (press.type === 'time.answered' ? press : null),
    alreadyAsked: () => new AppError('session.time-asked'),
    onRefused: ({ minutes }, kind, code) => record.write('time.refused', { actor: { kind }, data: { minutes, code } }),
  })
  const requireLimit = (minutes: number) => {
    const left = Math.max(0, Math.floor((startedMs + grant.policy.sessionMinutes * minuteMs - endsMs) / minuteMs))
    if (minutes > left) throw new AppError('session.time-limit', { details: { minutes: left } })
  }
  return {
    endsMs: () => endsMs,
    async ask(minutes) {
      question.requirePatience()
      requireLimit(minutes)
      record.write('time.asked', { data: { minutes } })
      const isPerson = grant.approvedBy === 'person'
      if (isPerson) await question.ask({ minutes })
      const total = Math.round((endsMs - startedMs) / minuteMs) + minutes
      record.write('session.prolonged', { actor: { kind: isPerson ? 'person' : 'agent' }, data: { minutes, total, by: grant.approvedBy } })
      endsMs += minutes * minuteMs
      clock.prolong(minutes * minuteMs)
      tools.tellPanel({ type: 'session.changed', requestId, change: { endsMs } })
      return endsMs
    },
  }
}
