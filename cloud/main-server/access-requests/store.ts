import { type AccessState, canMove, type EndCause } from '@gantry/shared/access-request.ts'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import { AccessServerRef, type CompactJws, PublicJwk, type RequestPayload } from '@gantry/shared/ticket.ts'
import { type Database, isDuplicate, type Queries } from '../database.ts'
import type { Tables } from '../tables.ts'
import type { Route } from './route.ts'
import type { IssuedTicket } from './ticket.ts'

const waitingStates: AccessState[] = ['requested', 'picked-up', 'asking']

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
  certificate: CompactJws
  ticket: IssuedTicket
  route: Route
  device: { certificate: string; keyJson: string }
  deadlineMs: number
  nowMs: number
}

/** Two requests of the same content that race end here: the second is `access.replayed`. */
export async function insertRequest(queries: Queries, { request, grantId, certificate, ticket, route, device, deadlineMs, nowMs }: NewRequest): Promise<void> {
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
    specialist_certificate: certificate,
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

export type RequestRow = Omit<Tables['access_requests'], 'device_key_json' | 'grant_id' | 'specialist_certificate'> & {
  grant_id: string | null
  specialist_certificate: CompactJws | null
  device_key: PublicJwk
  device_name: string
  host_key: string | null
  specialist_name: string
  /** Of what its customer's contact is told; null where none is owed. */
  notice_rule: Tables['notices']['rule'] | null
  notice_state: Tables['notices']['state'] | null
  notice_reason: string | null
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
    .leftJoin('notices as notice', 'notice.request_id', 'request.id')
    .selectAll('request')
    .select(['device.name as device_name', 'device.host_key', 'specialist.name as specialist_name'])
    .select(['notice.rule as notice_rule', 'notice.state as notice_state', 'notice.reason as notice_reason'])
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
