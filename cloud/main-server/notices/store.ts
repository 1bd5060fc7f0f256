import type { AccessState } from '@gantry/shared/access-request.ts'
import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import { NoticeFacts } from '@gantry/shared/notice.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import type { Database, Queries } from '../database.ts'
import type { DeliveryReason } from './delivery.ts'
import type { Message } from './message.ts'
import { type NoticeState, statesBefore } from './rule.ts'

export type Channel = 'mail' | 'webhook'
export type NewNotice = {
  facts: NoticeFacts
  rule: Message['rule']
  language: Language
  deadlineMs: number
  nowMs: number
  sends: { id: string; channel: Channel; target: string; tokenHash: string }[]
}

/** Part of the transaction that stores the request. */
export async function insertNotice(queries: Queries, { facts, rule, language, deadlineMs, nowMs, sends }: NewNotice): Promise<void> {
  const request_id = facts.requestId
  const row = { request_id, device_id: facts.device.id, rule, state: 'sending' as const, language, facts_json: JSON.stringify(facts) }
  await queries
    .insertInto('notices')
    .values({ ...row, created_ms: nowMs, deadline_ms: deadlineMs, reason: null })
    .execute()
  const first = { state: 'waiting' as const, attempts: 0, next_ms: nowMs, reason: null, answered_ms: null }
  for (const { id, channel, target, tokenHash } of sends) {
    await queries
      .insertInto('notice_sends')
      .values({ id, request_id, channel, target, token_hash: tokenHash, ...first })
      .execute()
  }
}

/** False where that move is not one from what it is now. */
export async function moveNotice(queries: Queries, requestId: RequestId, to: NoticeState, reason: DeliveryReason | null = null): Promise<boolean> {
  const result = await queries
    .updateTable('notices')
    .set({ state: to, reason })
    .where('request_id', '=', requestId)
    .where('state', 'in', statesBefore(to))
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export type SendRow = Awaited<ReturnType<typeof selectSends>>[number]

/** Messages whose time has come, oldest first; those of a request that is over, or was refused, wait for nothing more. */
export function dueSends(db: Database, nowMs: number): Promise<SendRow[]> {
  return selectSends(db, (query) => query.where('send.state', '=', 'waiting').where('send.next_ms', '<=', nowMs).where('notice.deadline_ms', '>', nowMs))
}

/** Messages that did not arrive in the time that they had. */
export function overdueSends(db: Database, nowMs: number): Promise<SendRow[]> {
  return selectSends(db, (query) => query.where('send.state', '=', 'waiting').where('notice.deadline_ms', '<=', nowMs))
}

/** To whom a link was given; null for one that nobody was given. */
export async function findSendOf(db: Database, tokenHash: string): Promise<SendRow | null> {
  const [row] = await selectSends(db, (query) => query.where('send.token_hash', '=', tokenHash))
  return row ?? null
}

const live: AccessState[] = ['requested', 'picked-up', 'asking', 'approved', 'open']

async function selectSends(db: Database, narrow: (query: ReturnType<typeof joined>) => ReturnType<typeof joined>) {
  const rows = await narrow(joined(db)).orderBy('send.next_ms').limit(200).execute()
  return rows.map(({ facts_json, ...row }) => ({ ...row, facts: NoticeFacts.parse(JSON.parse(facts_json)) }))
}

function joined(db: Database) {
  return db
    .selectFrom('notice_sends as send')
    .innerJoin('notices as notice', 'notice.request_id', 'send.request_id')
    .innerJoin('access_requests as request', 'request.id', 'send.request_id')
    .select(['send.id', 'send.request_id', 'send.channel', 'send.target', 'send.attempts', 'send.answered_ms'])
    .select(['notice.rule', 'notice.state', 'notice.language', 'notice.facts_json', 'notice.deadline_ms', 'notice.device_id'])
    .where('request.state', 'in', live)
    .where('notice.state', 'in', ['sending', 'delivered', 'accepted'])
}

/** Of the rule `accepted`: told, and no answer came. */
export async function unanswered(db: Database, nowMs: number): Promise<RequestId[]> {
  const rows = await db
    .selectFrom('notices')
    .select('request_id')
    .where('state', '=', 'delivered')
    .where('rule', '=', 'accepted')
    .where('deadline_ms', '<=', nowMs)
    .execute()
  return rows.map(({ request_id }) => request_id)
}

export async function noteTry(db: Database, id: string, nextMs: number): Promise<void> {
  await db
    .updateTable('notice_sends')
    .set((set) => ({ attempts: set('attempts', '+', 1), next_ms: nextMs }))
    .where('id', '=', id)
    .execute()
}

/** False where it was decided before. */
export async function closeSend(queries: Queries, id: string, state: 'sent' | 'failed', reason: DeliveryReason | null): Promise<boolean> {
  const result = await queries.updateTable('notice_sends').set({ state, reason }).where('id', '=', id).where('state', '=', 'waiting').executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function hasOpenSends(queries: Queries, requestId: RequestId): Promise<boolean> {
  const row = await queries.selectFrom('notice_sends').select('id').where('request_id', '=', requestId).where('state', '=', 'waiting').executeTakeFirst()
  return row !== undefined
}

/** A link counts once. False where it has. */
export async function spendLink(queries: Queries, id: string, nowMs: number): Promise<boolean> {
  const result = await queries.updateTable('notice_sends').set({ answered_ms: nowMs }).where('id', '=', id).where('answered_ms', 'is', null).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

export async function countNotices(queries: Queries, deviceId: DeviceId, sinceMs: number): Promise<number> {
  const row = await queries
    .selectFrom('notices')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('device_id', '=', deviceId)
    .where('created_ms', '>', sinceMs)
    .executeTakeFirstOrThrow()
  return row.count
}

/** The audit keeps that somebody was told, and what was answered. */
export async function forgetOldNotices(db: Database, beforeMs: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const old = trx.selectFrom('notices').select('request_id').where('created_ms', '<', beforeMs)
    await trx.deleteFrom('notice_sends').where('request_id', 'in', old).execute()
    await trx.deleteFrom('notices').where('created_ms', '<', beforeMs).execute()
  })
}

/** The names that a notice tells, as the directory has them now. */
export async function findNames(queries: Queries, { deviceId, specialistId }: { deviceId: DeviceId; specialistId: string }) {
  const device = await queries
    .selectFrom('devices as device')
    .innerJoin('sites as site', 'site.id', 'device.site_id')
    .innerJoin('customers as customer', 'customer.id', 'site.customer_id')
    .select(['device.id', 'device.name', 'device.serial', 'site.name as site', 'site.city', 'site.time_zone', 'customer.name as customer'])
    .where('device.id', '=', deviceId)
    .executeTakeFirstOrThrow()
  const specialist = await queries
    .selectFrom('specialists')
    .select(['name', 'employer', 'city', 'country', 'tier'])
    .where('id', '=', specialistId as never)
    .executeTakeFirstOrThrow()
  return { device, specialist }
}
