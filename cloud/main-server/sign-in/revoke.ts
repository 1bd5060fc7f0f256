import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'

export type RevokeTools = {
  db: Database
  append: (event: NewAuditEvent) => void
  /** Told of each sign-in that is over, so that its streams end. */
  ended: (grantId: string) => void
}

/** Ends every sign-in of a person: codes, access and refresh tokens, and what lies behind them. Nothing happens where there is none. */
export async function endSignInsOf({ db, append, ended }: RevokeTools, specialistId: SpecialistId): Promise<void> {
  const ofPerson = sql<boolean>`json_extract(payload_json, '$.accountId') = ${specialistId}`
  const rows = await db.selectFrom('oidc_records').select(['model', 'id', 'grant_id']).where(ofPerson).execute()
  const grants = new Set(rows.map(({ model, id, grant_id }) => (model === 'Grant' ? id : grant_id)).filter((id) => id !== null))
  if (rows.length > 0) append({ kind: 'specialist.signed-out', actor: { kind: 'specialist', id: specialistId }, data: { why: 'disabled' } })
  await db.transaction().execute(async (trx) => {
    await trx.deleteFrom('oidc_records').where(ofPerson).execute()
    if (grants.size > 0)
      await trx
        .deleteFrom('oidc_records')
        .where('grant_id', 'in', [...grants])
        .execute()
    await trx.deleteFrom('sign_in_steps').where('specialist_id', '=', specialistId).execute()
  })
  for (const grantId of grants) ended(grantId)
}
