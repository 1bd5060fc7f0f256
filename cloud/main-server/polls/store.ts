import type { Delivery } from '@gantry/shared/agent-api.ts'
import { type DeliveryId, type DeviceId, newId } from '@gantry/shared/ids.ts'
import type { LevelRules } from '@gantry/shared/profile.ts'
import type { Database, Queries } from '../database.ts'

type Distribute<T> = T extends unknown ? Omit<T, 'id'> : never
/** A delivery before it has its id. */
export type DeliveryBody = Distribute<Delivery>
export type NewDelivery = {
  deviceId: DeviceId
  /** What it is about; the same subject is queued once per device. */
  subject: string
  body: DeliveryBody
  /** Not handed out before `releaseDelivery`. */
  held?: boolean
}

/** Part of the caller's transaction, so that a request and its delivery are stored both or not at all. */
export async function queueDelivery(queries: Queries, { deviceId, subject, body, held = false }: NewDelivery, nowMs: number): Promise<void> {
  const id = newId<DeliveryId>('dlv')
  await queries
    .insertInto('deliveries')
    .values({ id, device_id: deviceId, subject, body_json: JSON.stringify(body), created_ms: nowMs, handled_ms: null, held: held ? 1 : 0 })
    .onConflict((conflict) => conflict.columns(['device_id', 'subject']).doNothing())
    .execute()
}

/** What was held is handed out from the next poll on. */
export async function releaseDelivery(queries: Queries, deviceId: DeviceId, subject: string): Promise<void> {
  await queries.updateTable('deliveries').set({ held: 0 }).where('device_id', '=', deviceId).where('subject', '=', subject).execute()
}

/** Takes back what the device has not named as handled; it may have received it all the same. */
export async function withdrawDeliveries(queries: Queries, deviceId: DeviceId, subjects: string[]): Promise<void> {
  await queries.deleteFrom('deliveries').where('device_id', '=', deviceId).where('subject', 'in', subjects).where('handled_ms', 'is', null).execute()
}

/** Oldest first, within what one answer may carry. */
export async function openDeliveries(db: Database, deviceId: DeviceId): Promise<Delivery[]> {
  const rows = await db
    .selectFrom('deliveries')
    .select(['id', 'body_json'])
    .where('device_id', '=', deviceId)
    .where('handled_ms', 'is', null)
    .where('held', '=', 0)
    .orderBy('position')
    .limit(200)
    .execute()
  return withinBytes(rows).map(({ id, body_json }) => ({ id, ...JSON.parse(body_json) }) as Delivery)
}

/** Below the 8 MiB that an agent reads as one answer, but always at least one. */
function withinBytes<T extends { body_json: string }>(rows: T[]): T[] {
  let bytes = 0
  return rows.filter(({ body_json }, position) => {
    bytes += body_json.length
    return position === 0 || bytes < 4_000_000
  })
}

export async function markHandled(db: Database, deviceId: DeviceId, ids: DeliveryId[], nowMs: number): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('deliveries')
    .set({ handled_ms: nowMs })
    .where('device_id', '=', deviceId)
    .where('id', 'in', ids)
    .where('handled_ms', 'is', null)
    .execute()
}

export async function forgetOldDeliveries(db: Database, handledBeforeMs: number): Promise<void> {
  await db.deleteFrom('deliveries').where('handled_ms', '<', handledBeforeMs).execute()
}

/** The last time this roster was queued for a device and has been handled, or null. */
export async function handledDelivery(db: Database, deviceId: DeviceId, subject: string): Promise<{ createdMs: number } | null> {
  const row = await db
    .selectFrom('deliveries')
    .select('created_ms')
    .where('device_id', '=', deviceId)
    .where('subject', '=', subject)
    .where('handled_ms', 'is not', null)
    .executeTakeFirst()
  return row ? { createdMs: row.created_ms } : null
}

export async function dropDelivery(db: Database, deviceId: DeviceId, subject: string): Promise<void> {
  await db.deleteFrom('deliveries').where('device_id', '=', deviceId).where('subject', '=', subject).execute()
}

export type Contact = {
  agentVersion: string
  softwareVersion: string
  instantPickup: boolean
  separated: boolean
  rules: LevelRules
  rosterNumber: number
  clockOffSeconds: number
  licensed: readonly string[]
}

/** Writes what a device tells of itself; returns what was known before. */
export async function recordContact(
  db: Database,
  deviceId: DeviceId,
  contact: Contact,
  nowMs: number,
): Promise<{ lastContactMs: number | null; told: string }> {
  return db.transaction().execute(async (trx) => {
    const columns = [
      'agent_version',
      'software_version',
      'instant_pickup',
      'separated',
      'rules_json',
      'roster_number',
      'clock_off_s',
      'licensed_json',
      'last_contact_ms',
    ] as const
    const { last_contact_ms, ...before } = await trx.selectFrom('devices').select(columns).where('id', '=', deviceId).executeTakeFirstOrThrow()
    await trx
      .updateTable('devices')
      .set({ ...contactColumns(contact), last_contact_ms: nowMs })
      .where('id', '=', deviceId)
      .execute()
    return { lastContactMs: last_contact_ms, told: JSON.stringify(before) }
  })
}

/** In the order of the columns above, so that two of them compare as text. */
export function contactColumns(contact: Contact) {
  return {
    agent_version: contact.agentVersion,
    software_version: contact.softwareVersion,
    instant_pickup: contact.instantPickup ? 1 : 0,
    separated: contact.separated ? 1 : 0,
    rules_json: JSON.stringify(contact.rules),
    roster_number: contact.rosterNumber,
    clock_off_s: contact.clockOffSeconds,
    licensed_json: JSON.stringify(contact.licensed),
  }
}
