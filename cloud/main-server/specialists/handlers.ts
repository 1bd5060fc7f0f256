import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import type { Caller } from '../caller.ts'
import type { Database } from '../database.ts'
import { findSpecialist, supportContacts } from './store.ts'

export type SpecialistTools = {
  db: Database
  certificateOf: (username: string) => CompactJws | null
  /** Levels that a second factor of that time does not open any more. */
  staleLevels: (mfaAtMs: number) => AccessLevel[]
}

export function createSpecialistHandlers({ db, certificateOf, staleLevels }: SpecialistTools): Pick<Handlers<ClientApi, Caller>, 'specialist.me'> {
  return {
    async 'specialist.me'(_input, { specialistId, mfaAtMs }) {
      const specialist = await findSpecialist(db, specialistId)
      if (!specialist) throw new AppError('auth.session-expired')
      const certificate = certificateOf(specialist.username)
      return { specialist, mfaAtMs, mfaStaleFor: staleLevels(mfaAtMs), certificate, supportContacts: await supportContacts(db) }
    },
  }
}
