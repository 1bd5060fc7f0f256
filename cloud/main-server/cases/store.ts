import type { CaseKey } from '@gantry/shared/case-api.ts'
import type { DeviceId, SpecialistId } from '@gantry/shared/ids.ts'
import { z } from 'zod'
import { levelsFor, type Place } from '../assignment.ts'
import type { CaseFacts } from '../case-facts.ts'
import type { Database, Queries } from '../database.ts'
import { Grant } from '../seed.ts'

/** Null before the first request that names it. */
export async function findCase(queries: Queries, { customerId, number }: CaseKey): Promise<CaseFacts | null> {
  const columns = ['holder', 'opened_ms', 'escalated_by', 'escalated_ms', 'closed_ms'] as const
  const row = await queries.selectFrom('cases').select(columns).where('customer_id', '=', customerId).where('number', '=', number).executeTakeFirst()
  if (!row) return null
  const { holder, escalated_by, escalated_ms } = row
  return {
    state: row.closed_ms === null ? 'open' : 'closed',
    holder,
    openedMs: row.opened_ms,
    escalation: escalated_by !== null && escalated_ms !== null ? { to: holder, by: escalated_by, atMs: escalated_ms } : null,
  }
}

export type NewCase = CaseKey & { deviceId: DeviceId; specialistId: SpecialistId; nowMs: number }

/** Part of the transaction that stores the request. False when the case is there and closed. */
export async function beginCase(queries: Queries, { customerId, number, deviceId, specialistId, nowMs }: NewCase): Promise<boolean> {
  const none = { escalated_by: null, escalated_ms: null, escalation_reason: null, closed_ms: null, closed_by: null, resolution: null }
  await queries
    .insertInto('cases')
    .values({ customer_id: customerId, number, device_id: deviceId, opened_ms: nowMs, opened_by: specialistId, holder: specialistId, ...none })
    .onConflict((conflict) => conflict.columns(['customer_id', 'number']).doNothing())
    .execute()
  return (await findCase(queries, { customerId, number }))?.state === 'open'
}

/** False when the case has another holder by now, or is closed. */
export async function escalateCase(
  queries: Queries,
  { customerId, number }: CaseKey,
  { by, to, reason, nowMs }: { by: SpecialistId; to: SpecialistId; reason: string; nowMs: number },
): Promise<boolean> {
  const result = await queries
    .updateTable('cases')
    .set({ holder: to, escalated_by: by, escalated_ms: nowMs, escalation_reason: reason })
    .where('customer_id', '=', customerId)
    .where('number', '=', number)
    .where('holder', '=', by)
    .where('closed_ms', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function closeCase(
  queries: Queries,
  { customerId, number }: CaseKey,
  { by, resolution, nowMs }: { by: SpecialistId; resolution: string; nowMs: number },
): Promise<boolean> {
  const result = await queries
    .updateTable('cases')
    .set({ closed_ms: nowMs, closed_by: by, resolution })
    .where('customer_id', '=', customerId)
    .where('number', '=', number)
    .where('holder', '=', by)
    .where('closed_ms', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export type CaseRow = Awaited<ReturnType<typeof listCases>>[number]

/** The cases that a person holds, began or asked for access in; newest first. `only` narrows it to one. */
export async function listCases(db: Database, specialistId: SpecialistId, { only, limit = 200 }: { only?: CaseKey; limit?: number } = {}) {
  return db
    .selectFrom('cases as case')
    .innerJoin('customers as customer', 'customer.id', 'case.customer_id')
    .innerJoin('devices as device', 'device.id', 'case.device_id')
    .innerJoin('specialists as opener', 'opener.id', 'case.opened_by')
    .innerJoin('specialists as holder', 'holder.id', 'case.holder')
    .leftJoin('specialists as escalator', 'escalator.id', 'case.escalated_by')
    .leftJoin('specialists as closer', 'closer.id', 'case.closed_by')
    .selectAll('case')
    .select(['device.site_id', 'device.model_id'])
    .select(['customer.name as customer_name', 'device.name as device_name', 'opener.name as opener_name', 'holder.name as holder_name'])
    .select(['escalator.name as escalator_name', 'closer.name as closer_name'])
    .where((where) => {
      const asked = where
        .selectFrom('access_requests as request')
        .innerJoin('devices as there', 'there.id', 'request.device_id')
        .innerJoin('sites as site', 'site.id', 'there.site_id')
        .select('request.id')
        .where('request.specialist_id', '=', specialistId)
        .whereRef('request.case_id', '=', 'case.number')
        .whereRef('site.customer_id', '=', 'case.customer_id')
      return where.or([where('case.holder', '=', specialistId), where('case.opened_by', '=', specialistId), where.exists(asked)])
    })
    .$if(only !== undefined, (query) => query.where('case.customer_id', '=', (only as CaseKey).customerId).where('case.number', '=', (only as CaseKey).number))
    .orderBy('case.opened_ms', 'desc')
    .limit(limit)
    .execute()
}

/** Requests of the case that wait or run, by whom they are. */
export async function liveRequests(db: Database, { customerId, number }: CaseKey): Promise<number> {
  const row = await db
    .selectFrom('access_requests as request')
    .innerJoin('devices as device', 'device.id', 'request.device_id')
    .innerJoin('sites as site', 'site.id', 'device.site_id')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('site.customer_id', '=', customerId)
    .where('request.case_id', '=', number)
    .where('request.state', 'in', ['requested', 'picked-up', 'asking', 'approved', 'open'])
    .executeTakeFirstOrThrow()
  return row.count
}

/** Whose profile holds a level on a case's device, by name: they may hand the case on, be given it, and close it (R074). */
export async function workersOn(db: Database, device: Place) {
  const rows = await db
    .selectFrom('specialists as specialist')
    .innerJoin('profiles as profile', 'profile.id', 'specialist.profile_id')
    .select(['specialist.id', 'specialist.username', 'specialist.name', 'specialist.tier', 'specialist.country', 'profile.grants_json'])
    .where('specialist.disabled_ms', 'is', null)
    .orderBy('specialist.name')
    .execute()
  return rows
    .filter(({ grants_json }) => levelsFor(z.array(Grant).parse(JSON.parse(grants_json)), device)?.length)
    .map(({ grants_json: _, ...person }) => person)
}
