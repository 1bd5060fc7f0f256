import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { Zones } from '../files/zones.ts'
import type { Cover } from './cover.ts'
import type { Grant, SessionTools } from './grant.ts'
import { createPanelQuestion } from './panel-question.ts'
import type { SessionRecord } from './record.ts'

/**
 * What may hold patient data opens by a yes of its own, of a person at the panel, also where the policy alone let the session in (R086). The yes ends with the session.
 */
export type RestrictedQuestion = {
  readonly paths: readonly string[]
  isOpen(): boolean
  /** Errors: those of `restricted.ask` in `shared/session-api.ts`. */
  ask(): Promise<void>
}
export type RestrictedQuestionWith = {
  grant: Grant
  zones: Zones
  cover: Cover
  tools: Pick<SessionTools, 'tellPanel' | 'onPress'>
  record: Pick<SessionRecord, 'write'>
  signal: AbortSignal
  now(): number
}

export function createRestrictedQuestion({ grant, zones, cover, tools, record, signal, now }: RestrictedQuestionWith): RestrictedQuestion {
  const { id: requestId } = grant.request
  const { restricted } = zones
  const paths = restricted.join('\n')
  const question = createPanelQuestion<{ paths: string[] }>({
    ...{ requestId, tools, signal, now },
    shown: (asksRestricted) => ({ asksRestricted }),
    answerOf: (press) => (press.type === 'restricted.answered' ? press : null),
    alreadyAsked: () => new AppError('session.restricted-asked'),
    onRefused: (_what, kind, code) => record.write('restricted.refused', { actor: { kind }, data: { code } }),
  })
  const liftCover = async () => {
    try {
      await cover.lift()
    } catch (error) {
      record.write('restricted.refused', { actor: { kind: 'agent' }, data: { code: toFailure(error).code } })
      throw error
    }
  }
  return {
    paths: restricted,
    isOpen: () => zones.isLifted,
    async ask() {
      if (restricted.length === 0) throw new AppError('session.restricted-none')
      if (!grant.ticket.limits.patientData) throw new AppError('access.patient-data')
      if (zones.isLifted) return
      question.requirePatience()
      record.write('restricted.asked', { data: { places: restricted.length }, private: { paths } })
      await question.ask({ paths: [...restricted] })
      // Written first; then the programs' half, which can fail; the files' last.
      record.write('restricted.opened', { actor: { kind: 'person' }, data: { places: restricted.length }, private: { paths } })
      await liftCover()
      zones.lift()
      tools.tellPanel({ type: 'session.changed', requestId, change: { restrictedOpen: true } })
    },
  }
}
