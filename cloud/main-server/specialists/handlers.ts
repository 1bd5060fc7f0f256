import type { ClientApi, SignInPlace } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import type { CompactJws, Hash } from '@gantry/shared/ticket.ts'
import type { Caller } from '../caller.ts'
import type { Database } from '../database.ts'
import { findSpecialist, supportContacts } from './store.ts'

export type SpecialistTools = {
  db: Database
  certificateOf: (username: string) => CompactJws | null
  /** Levels that a second factor of that time does not open any more. */
  staleLevels: (mfaAtMs: number) => AccessLevel[]
  /** Where the caller is signed in, newest first. */
  places: (caller: Caller) => Promise<SignInPlace[]>
  endPlace: (specialistId: SpecialistId, place: Hash) => Promise<void>
}

type Calls = Pick<Handlers<ClientApi, Caller>, 'specialist.me' | 'specialist.end-sign-in'>
export function createSpecialistHandlers({ db, certificateOf, staleLevels, places, endPlace }: SpecialistTools): Calls {
  return {
    async 'specialist.me'(_input, caller) {
      const { specialistId, mfaAtMs } = caller
      const specialist = await findSpecialist(db, specialistId)
      if (!specialist) throw new AppError('auth.session-expired')
      const certificate = certificateOf(specialist.username)
      const [contacts, signIns] = await Promise.all([supportContacts(db), places(caller)])
      return { specialist, mfaAtMs, mfaStaleFor: staleLevels(mfaAtMs), certificate, supportContacts: contacts, signIns }
    },
    async 'specialist.end-sign-in'({ place }, { specialistId }) {
      await endPlace(specialistId, place)
      return {}
    },
  }
}
