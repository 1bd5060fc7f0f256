import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Delivery } from '@gantry/shared/agent-api.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { CaseKey } from '@gantry/shared/case-api.ts'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import type { DeviceId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { NoticeRule } from '@gantry/shared/notice.ts'
import type { CompactJws, PublicJwk, RequestPayload, RosterPayload } from '@gantry/shared/ticket.ts'
import type { CaseFacts } from '../case-facts.ts'
import type { Database, Queries } from '../database.ts'
import type { NoticeContacts } from '../seed.ts'
import type { Candidate } from './route.ts'
import { type Change, findRequest, moveRequest, type RequestRow } from './store.ts'
import { viewRequest } from './view.ts'

type Distribute<T> = T extends unknown ? Omit<T, 'id'> : never
export type Queued = { deviceId: DeviceId; subject: string; body: Distribute<Delivery>; held?: boolean }

/** What this noun uses of the rest of the server. */
export type AccessTools = {
  db: Database
  /** Those that count at a moment (Unix seconds). */
  authorityKeys: (now: number) => readonly PublicJwk[]
  ticketKey: () => SigningKey
  /** The access servers that are up, and the word that a ticket names one. */
  fleet: { candidates(): Candidate[]; noteTicket(name: string): void }
  roster: () => RosterPayload | null
  cases: {
    find(queries: Queries, key: CaseKey): Promise<CaseFacts | null>
    /** Within the caller's transaction; false when it is closed. */
    begin(queries: Queries, first: CaseKey & { deviceId: DeviceId; specialistId: SpecialistId; nowMs: number }): Promise<boolean>
  }
  /** The customer's contacts outside the device. */
  notices: {
    canTell(contacts: NoticeContacts | null): boolean
    recent(queries: Queries, deviceId: DeviceId): Promise<number>
    /** Within the caller's transaction. What it holds back is handed out once the contact has been told, or has accepted. */
    begin(queries: Queries, asked: Notified, rule: Exclude<NoticeRule, 'none'>, contacts: NoticeContacts): Promise<void>
    /** After the transaction. */
    kick(): void
  }
  /** Throws `audit.unavailable`, and then nothing happens. */
  append: (event: NewAuditEvent) => void
  /** Within the caller's transaction. */
  queue: (queries: Queries, delivery: Queued) => Promise<void>
  withdraw: (queries: Queries, deviceId: DeviceId, subjects: string[]) => Promise<void>
  /** After the transaction: a held poll answers at once. */
  wake: (deviceId: DeviceId) => void
  publish: (specialistId: SpecialistId, view: AccessRequestView) => void
  deviceChanged: (deviceId: DeviceId) => void
  now: () => number
}

/** What a contact is told of a request. */
export type Notified = Pick<RequestPayload, 'deviceId' | 'specialistId' | 'access' | 'serviceKind' | 'caseId' | 'minutes'> & {
  requestId: RequestId
  escalated: boolean
}

export const subjects = {
  request: (id: RequestId) => `access-request:${id}`,
  reveal: (id: RequestId) => `reveal:${id}`,
  cancel: (id: RequestId) => `cancel:${id}`,
  end: (id: RequestId) => `end:${id}`,
}

/** Tells the specialist, and whoever sees the device. */
export async function announce({ db, publish, deviceChanged }: AccessTools, requestId: RequestId): Promise<void> {
  const row = await findRequest(db, requestId)
  if (!row) return
  publish(row.specialist_id, await viewRequest(db, row))
  deviceChanged(row.device_id)
}

/** Closes a request before its session is open, at both ends: what the device has not fetched is taken back, and it is told. False if it had moved on. */
export async function closeWaiting(tools: AccessTools, row: RequestRow, to: 'cancelled' | 'expired', withdrawal?: CompactJws | undefined): Promise<boolean> {
  const { db, queue, withdraw, now } = tools
  const moved = await db.transaction().execute(async (trx) => {
    if (!(await moveRequest(trx, { id: row.id, from: row.state, to, nowMs: now() }))) return false
    await withdraw(trx, row.device_id, [subjects.request(row.id), subjects.reveal(row.id)])
    await queue(trx, {
      deviceId: row.device_id,
      subject: subjects.cancel(row.id),
      body: { kind: 'cancel', requestId: row.id, ...(withdrawal ? { withdrawal } : {}) },
    })
    return true
  })
  if (moved) await tellBoth(tools, row)
  return moved
}

/** Has the device end a session; with `change` the request is over here at once, without it when the device says so. */
export async function endSession(
  tools: AccessTools,
  row: RequestRow,
  cause: EndCause,
  change: Change | null,
  withdrawal?: CompactJws | undefined,
): Promise<boolean> {
  const { db, queue, now } = tools
  const moved = await db.transaction().execute(async (trx) => {
    if (change && !(await moveRequest(trx, { id: row.id, from: row.state, to: 'ended', nowMs: now() }, change))) return false
    await queue(trx, {
      deviceId: row.device_id,
      subject: subjects.end(row.id),
      body: { kind: 'end', requestId: row.id, cause, ...(withdrawal ? { withdrawal } : {}) },
    })
    return true
  })
  if (moved) await tellBoth(tools, row)
  return moved
}

async function tellBoth(tools: AccessTools, row: RequestRow): Promise<void> {
  tools.wake(row.device_id)
  await announce(tools, row.id)
}
