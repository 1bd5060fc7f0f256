import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import type { Caller } from '../caller.ts'
import type { Database } from '../database.ts'
import { findSpecialist, supportContacts } from './store.ts'

export function createSpecialistHandlers(
  db: Database,
  certificateOf: (username: string) => CompactJws | null,
): Pick<Handlers<ClientApi, Caller>, 'specialist.me'> {
  return {
    async 'specialist.me'(_input, { specialistId, mfaAtMs }) {
      const specialist = await findSpecialist(db, specialistId)
      if (!specialist) throw new AppError('auth.session-expired')
      return { specialist, mfaAtMs, certificate: certificateOf(specialist.username), supportContacts: await supportContacts(db) }
    },
  }
}
