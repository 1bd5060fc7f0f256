import { type AccessState, canMove, type EndCause } from '@gantry/shared/access-request.ts'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { CustomerId, type DeviceId, type RequestId, type SpecialistId } from '@gantry/shared/ids.ts'
import { AccessServerRef, PublicJwk, type RequestPayload } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { type Database, isDuplicate, type Queries } from '../database.ts'
import { defaultOrigins } from '../origins.ts'
import { ChangeControl, Grant, Origin, QuietHours, readRegions, Training } from '../seed.ts'
import type { Tables } from '../tables.ts'
import type { PersonFacts } from './facts.ts'
import type { Route } from './route.ts'
import type { IssuedTicket } from './ticket.ts'

const waitingStates: AccessState[] = ['requested', 'picked-up', 'asking']

/** What the policy and the ticket need to know of a device. */
export async function findTarget(db: Queries, deviceId: DeviceId) {
  const row = await db
    .selectFrom('devices as device')
    .innerJoin('sites as site', 'site.id', 'device.site_id')
    .innerJoin('customers as customer', 'customer.id', 'site.customer_id')
    .leftJoin('entitlements as entitlement', 'entitlement.device_id', 'device.id')
    .select([
      'device.id',
      'device.connectivity',
      'device.certificate',
      'device.device_key_json',
      'device.revoked_ms',
      'device.last_contact_ms',
      'device.disabled_ms',
    ])
    .select(['device.model_id', 'device.site_id', 'site.customer_id', 'site.time_zone', 'site.quiet_hours_json'])
    .select(['customer.regions_json', 'customer.origins_json', 'customer.change_control_json'])
    .select(['entitlement.kind', 'entitlement.starts_on', 'entitlement.ends_on', 'entitlement.terms_json', 'entitlement.calls_json'])
    .where('device.id', '=', deviceId)
    .executeTakeFirst()
  if (!row) return null
  const identity = row.certificate && row.device_key_json && row.revoked_ms === null ? { certificate: row.certificate, keyJson: row.device_key_json } : null
  return {
    customerId: CustomerId.parse(row.customer_id),
    place: { id: row.id, siteId: row.site_id, customerId: row.customer_id, modelId: row.model_id },
    regions: readRegions(row.regions_json),
    identity,
    facts: {
      timeZone: row.time_zone,
      modelId: row.model_id,
      quietHours: z.array(QuietHours).parse(JSON.parse(row.quiet_hours_json)),
      origins: row.origins_json === null ? defaultOrigins : z.array(Origin).parse(JSON.parse(row.origins_json)),
      changeControl: ChangeControl.nullable().parse(JSON.parse(row.change_control_json ?? 'null')),
      entitlement:
        row.kind && row.starts_on && row.ends_on
          ? {
              ...{ kind: row.kind, startsOn: row.starts_on, endsOn: row.ends_on, termsAccepted: row.terms_json !== null },
              calls: z.array(z.string()).parse(JSON.parse(row.calls_json ?? '[]')),
            }
          : null,
      connectivity: row.connectivity,
      disabled: row.disabled_ms !== null,
      enrolled: identity !== null,
      lastContactMs: row.last_contact_ms,
    },
  }
}

export async function findAsker(db: Queries, id: SpecialistId): Promise<{ name: string; grants: Grant[]; facts: PersonFacts } | null> {
  const row = await db
    .selectFrom('specialists as specialist')
    .innerJoin('profiles as profile', 'profile.id', 'specialist.profile_id')
    .select(['specialist.name', 'specialist.disabled_ms', 'specialist.country', 'specialist.tier', 'specialist.training_json', 'specialist.screened_on'])
    .select('profile.grants_json')
    .where('specialist.id', '=', id)
    .executeTakeFirst()
  if (!row) return null
  const training = z.array(Training).parse(JSON.parse(row.training_json))
  const facts = { disabled: row.disabled_ms !== null, country: row.country, tier: row.tier, training, screenedOn: row.screened_on }
  return { name: row.name, grants: z.array(Grant).parse(JSON.parse(row.grants_json)), facts }
}

/** Whether it was used from a copy. */
export async function wasReused(queries: Queries, grantId: string): Promise<boolean> {
  return (await queries.selectFrom('reused_sign_ins').select('grant_id').where('grant_id', '=', grantId).executeTakeFirst()) !== undefined
}

/** A request is known by its id and by its commitment; both are drawn anew for each. */
export async function wasSeen(db: Database, { id, commitment }: RequestPayload): Promise<boolean> {
  const row = await db
    .selectFrom('access_requests')
    .select('id')
    .where((where) => where.or([where('id', '=', id), where('commitment', '=', commitment)]))
    .executeTakeFirst()
  return row !== undefined
}

export async function countWaiting(queries: Queries, specialistId: SpecialistId): Promise<number> {
  const row = await queries
    .selectFrom('access_requests')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('specialist_id', '=', specialistId)
    .where('state', 'in', waitingStates)
    .executeTakeFirstOrThrow()
  return row.count
}

/** By name: sessions, and requests whose ticket names it already. */
export async function sessionsByAccessServer(db: Database): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('access_requests')
    .select((select) => ['access_server_json', select.fn.countAll<number>().as('count')])
    .where('state', 'in', [...waitingStates, 'approved', 'open'])
    .groupBy('access_server_json')
    .execute()
  const sessionsAt = new Map<string, number>()
  for (const { access_server_json, count } of rows) {
    const { name } = AccessServerRef.parse(JSON.parse(access_server_json))
    sessionsAt.set(name, (sessionsAt.get(name) ?? 0) + count)
  }
  return sessionsAt
}

export type NewRequest = {
  request: RequestPayload
  grantId: string
  ticket: IssuedTicket
  route: Route
  device: { certificate: string; keyJson: string }
  deadlineMs: number
  nowMs: number
}

/** Two requests of the same content that race end here: the second is `access.replayed`. */
export async function insertRequest(queries: Queries, { request, grantId, ticket, route, device, deadlineMs, nowMs }: NewRequest): Promise<void> {
  const row = {
    id: request.id,
    device_id: request.deviceId,
    specialist_id: request.specialistId,
    access: request.access,
    service_kind: request.serviceKind,
    case_id: request.caseId,
    minutes: request.minutes,
    state: 'requested' as const,
    created_ms: nowMs,
    changed_ms: nowMs,
    deadline_ms: deadlineMs,
    commitment: request.commitment,
    request_hash: ticket.requestHash,
    ticket_id: ticket.id,
    ticket: ticket.jws,
    access_server_json: JSON.stringify(route.accessServer),
    device_certificate: device.certificate,
    device_key_json: device.keyJson,
    grant_id: grantId,
  }
  try {
    await queries
      .insertInto('access_requests')
      .values({ ...row, opened_ms: null, ended_ms: null, end_cause: null, refusal_json: null, revealed: null })
      .execute()
  } catch (error) {
    throw isDuplicate(error) ? new AppError('access.replayed', { cause: error }) : error
  }
}

export type RequestRow = Omit<Tables['access_requests'], 'device_key_json' | 'grant_id'> & {
  grant_id: string | null
  device_key: PublicJwk
  device_name: string
  host_key: string | null
  specialist_name: string
}

/** Null where there is none; `specialistId` and `deviceId` narrow it to whose it is. */
export async function findRequest(
  queries: Queries,
  id: RequestId,
  whose: { specialistId?: SpecialistId; deviceId?: DeviceId } = {},
): Promise<RequestRow | null> {
  const row = await selectRequests(queries)
    .where('request.id', '=', id)
    .$if(whose.specialistId !== undefined, (query) => query.where('request.specialist_id', '=', whose.specialistId as SpecialistId))
    .$if(whose.deviceId !== undefined, (query) => query.where('request.device_id', '=', whose.deviceId as DeviceId))
    .executeTakeFirst()
  return row ? withKey(row) : null
}

export async function requestsOf(db: Database, specialistId: SpecialistId, limit: number): Promise<RequestRow[]> {
  const rows = await selectRequests(db).where('request.specialist_id', '=', specialistId).orderBy('request.created_ms', 'desc').limit(limit).execute()
  return rows.map(withKey)
}

export async function overdueRequests(db: Database, nowMs: number): Promise<RequestRow[]> {
  const rows = await selectRequests(db)
    .where('request.state', 'in', [...waitingStates, 'approved', 'open'])
    .where('request.deadline_ms', '<', nowMs)
    .limit(200)
    .execute()
  return rows.map(withKey)
}

/** What waits or runs and has not been revoked yet. */
export async function liveRequests(db: Database, only?: RequestId): Promise<RequestRow[]> {
  const rows = await selectRequests(db)
    .where('request.state', 'in', [...waitingStates, 'approved', 'open'])
    .where('request.refusal_json', 'is', null)
    .$if(only !== undefined, (query) => query.where('request.id', '=', only as RequestId))
    .execute()
  return rows.map(withKey)
}

/** Notes why an open session has to end; it is over when the device says so. False when it is already, or was revoked before. */
export async function markRevoked(
  queries: Queries,
  { id, cause, refusal, nowMs }: { id: RequestId; cause: EndCause; refusal: AccessRequestView['refusal']; nowMs: number },
): Promise<boolean> {
  const result = await queries
    .updateTable('access_requests')
    .set({ end_cause: cause, refusal_json: JSON.stringify(refusal), changed_ms: nowMs })
    .where('id', '=', id)
    .where('state', '=', 'open')
    .where('refusal_json', 'is', null)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

function selectRequests(queries: Queries) {
  return queries
    .selectFrom('access_requests as request')
    .innerJoin('devices as device', 'device.id', 'request.device_id')
    .innerJoin('specialists as specialist', 'specialist.id', 'request.specialist_id')
    .selectAll('request')
    .select(['device.name as device_name', 'device.host_key', 'specialist.name as specialist_name'])
}

function withKey<T extends { device_key_json: string }>({ device_key_json, ...row }: T): Omit<T, 'device_key_json'> & { device_key: PublicJwk } {
  return { ...row, device_key: PublicJwk.parse(JSON.parse(device_key_json)) }
}

export type Change = {
  deadlineMs?: number
  endedMs?: number
  endCause?: EndCause
  refusal?: AccessRequestView['refusal']
}

/** Moves a request along the state table; false when it has left `from` in the meantime or the table has no such move. */
export async function moveRequest(
  queries: Queries,
  { id, from, to, nowMs }: { id: RequestId; from: AccessState; to: AccessState; nowMs: number },
  change: Change = {},
): Promise<boolean> {
  if (!canMove(from, to)) return false
  const result = await queries
    .updateTable('access_requests')
    .set({
      state: to,
      changed_ms: nowMs,
      ...(change.deadlineMs === undefined ? {} : { deadline_ms: change.deadlineMs }),
      ...(change.endedMs === undefined ? {} : { ended_ms: change.endedMs }),
      ...(change.endCause === undefined ? {} : { end_cause: change.endCause }),
      ...(change.refusal === undefined ? {} : { refusal_json: JSON.stringify(change.refusal) }),
    })
    .where('id', '=', id)
    .where('state', '=', from)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** An open session has more time. */
export async function prolongRequest(queries: Queries, id: RequestId, deadlineMs: number): Promise<void> {
  await queries.updateTable('access_requests').set({ deadline_ms: deadlineMs }).where('id', '=', id).where('state', '=', 'open').execute()
}

/** Keeps what the device said of its session whatever the state is here: a report may overtake an answer, or come after the request had run out. */
export async function noteSession(queries: Queries, id: RequestId, said: { openedMs: number } | { endedMs: number; endCause: EndCause }): Promise<void> {
  const update = queries.updateTable('access_requests').where('id', '=', id)
  if ('openedMs' in said) await update.set({ opened_ms: said.openedMs }).where('opened_ms', 'is', null).execute()
  else await update.set({ ended_ms: said.endedMs, end_cause: said.endCause }).where('ended_ms', 'is', null).execute()
}

export async function storeReveal(queries: Queries, id: RequestId, nonce: string): Promise<void> {
  await queries.updateTable('access_requests').set({ revealed: nonce }).where('id', '=', id).execute()
}

/** False when an answer of this kind is here already. */
export async function storeAnswer(queries: Queries, requestId: RequestId, kind: string, jws: string): Promise<boolean> {
  const { count } = await queries
    .selectFrom('answers')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('request_id', '=', requestId)
    .executeTakeFirstOrThrow()
  const result = await queries
    .insertInto('answers')
    .values({ request_id: requestId, position: count + 1, kind, jws })
    .onConflict((conflict) => conflict.columns(['request_id', 'kind']).doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

export async function answersTo(queries: Queries, requestIds: RequestId[]): Promise<Map<RequestId, string[]>> {
  if (requestIds.length === 0) return new Map()
  const rows = await queries.selectFrom('answers').select(['request_id', 'jws']).where('request_id', 'in', requestIds).orderBy('position').execute()
  const grouped = Map.groupBy(rows, (row) => row.request_id)
  return new Map([...grouped].map(([id, all]) => [id, all.map(({ jws }) => jws)]))
}
