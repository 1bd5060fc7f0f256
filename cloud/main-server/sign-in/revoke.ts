import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { sql } from 'kysely'
import type { Database } from '../database.ts'

export type RevokeTools = {
  db: Database
  append: (event: NewAuditEvent) => void
  /** Told of each sign-in that is over, so that its streams end. */
  ended: (grantId: string, why: 'disabled') => void
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
  for (const grantId of grants) ended(grantId, 'disabled')
}

/**
 * A refresh token of this sign-in was used twice (RFC 9700 section 4.14.2). Noted, so that what was opened under it ends, now or after a crash
 * (`access-requests/standing.ts`). Earlier sign-ins of the person that are over count with it: this one took their place when the second factor was asked anew.
 */
export async function noteReuse(db: Database, { grantId, specialistId, nowMs }: { grantId: string; specialistId: SpecialistId; nowMs: number }): Promise<void> {
  const earlier = await db
    .selectFrom('access_requests as request')
    .leftJoin('oidc_records as sign_in', (join) => join.onRef('sign_in.id', '=', 'request.grant_id').on('sign_in.model', '=', 'Grant'))
    .select('request.grant_id')
    .distinct()
    .where('request.specialist_id', '=', specialistId)
    .where('request.grant_id', 'is not', null)
    .where('request.ended_ms', 'is', null)
    .where('sign_in.id', 'is', null)
    .execute()
  const rows = [...new Set([grantId, ...earlier.flatMap(({ grant_id }) => grant_id ?? [])])].map((grant_id) => ({ grant_id, at_ms: nowMs }))
  await db
    .insertInto('ended_sign_ins')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
