import type { DeviceId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import { PublicJwk } from '@gantry/shared/ticket.ts'
import type { Database } from '../database.ts'

export async function auditKeyOf(db: Database, deviceId: DeviceId): Promise<PublicJwk | null> {
  const row = await db.selectFrom('devices').select('audit_key_json').where('id', '=', deviceId).executeTakeFirst()
  return row?.audit_key_json ? PublicJwk.parse(JSON.parse(row.audit_key_json)) : null
}

/** Whose the named requests are; those that are not known here are left out. */
export async function ownersOf(db: Database, requestIds: RequestId[]): Promise<Map<RequestId, { specialistId: SpecialistId; deviceId: DeviceId }>> {
  if (requestIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('access_requests')
    .select(['id', 'specialist_id', 'device_id'])
    .where('id', 'in', [...new Set(requestIds)])
    .execute()
  return new Map(rows.map((row) => [row.id, { specialistId: row.specialist_id, deviceId: row.device_id }]))
}

export async function usernameOf(db: Database, specialistId: SpecialistId): Promise<string> {
  const row = await db.selectFrom('specialists').select('username').where('id', '=', specialistId).executeTakeFirstOrThrow()
  return row.username
}
