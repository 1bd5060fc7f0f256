import type { AccessState } from '@gantry/shared/access-request.ts'
import type { DeviceId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import { Feature, isInForce, Subscription } from '@gantry/shared/licences.ts'
import { LevelRules } from '@gantry/shared/profile.ts'
import { Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { Database } from '../database.ts'
import { Grant } from '../seed.ts'

const Contact = z.object({ name: z.string(), role: z.string(), phone: z.string() }).nullable()

/** A device with what surrounds it, whoever may see it. */
export async function findDevices(db: Database, only?: DeviceId) {
  const rows = await db
    .selectFrom('devices as device')
    .innerJoin('sites as site', 'site.id', 'device.site_id')
    .innerJoin('customers as customer', 'customer.id', 'site.customer_id')
    .innerJoin('models as model', 'model.id', 'device.model_id')
    .leftJoin('entitlements as entitlement', 'entitlement.device_id', 'device.id')
    .selectAll('device')
    .select([
      'site.name as site_name',
      'site.city',
      'site.country',
      'site.time_zone',
      'site.contact_json',
      'customer.id as customer_id',
      'customer.name as customer_name',
    ])
    .select(['model.name as model_name', 'model.kind as model_kind'])
    .select(['entitlement.kind as entitlement_kind', 'entitlement.name as entitlement_name', 'entitlement.starts_on', 'entitlement.ends_on'])
    .$if(only !== undefined, (query) => query.where('device.id', '=', only as DeviceId))
    .orderBy('customer.name')
    .orderBy('device.name')
    .execute()
  return rows.map((row) => ({
    ...row,
    contact: Contact.parse(JSON.parse(row.contact_json ?? 'null')),
    rules: LevelRules.nullable().parse(JSON.parse(row.rules_json ?? 'null')),
    entitlement:
      row.entitlement_kind && row.entitlement_name && row.starts_on && row.ends_on
        ? { kind: row.entitlement_kind, name: row.entitlement_name, startsOn: row.starts_on, endsOn: row.ends_on }
        : null,
  }))
}
export type DeviceRecord = Awaited<ReturnType<typeof findDevices>>[number]

export async function grantsOf(db: Database, specialistId: SpecialistId): Promise<Grant[]> {
  const row = await db
    .selectFrom('specialists')
    .innerJoin('profiles', 'profiles.id', 'specialists.profile_id')
    .select('grants_json')
    .where('specialists.id', '=', specialistId)
    .executeTakeFirst()
  return z.array(Grant).parse(JSON.parse(row?.grants_json ?? '[]'))
}

const unfinished: AccessState[] = ['requested', 'picked-up', 'asking', 'approved', 'open']
export type OpenRequest = {
  requestId: RequestId
  state: AccessState
  specialistId: SpecialistId
  specialist: string
  createdMs: number
  openedMs: number | null
}

/** The one request per device that the list shows: an open session before one that waits, then the newest. */
export async function openRequests(db: Database): Promise<Map<DeviceId, OpenRequest>> {
  const rows = await db
    .selectFrom('access_requests as request')
    .innerJoin('specialists as specialist', 'specialist.id', 'request.specialist_id')
    .select(['request.id', 'request.device_id', 'request.state', 'request.specialist_id', 'specialist.name', 'request.created_ms', 'request.opened_ms'])
    .where('request.state', 'in', unfinished)
    .orderBy('request.created_ms')
    .execute()
  const shown = new Map<DeviceId, OpenRequest>()
  for (const row of rows) {
    if (shown.get(row.device_id)?.state === 'open' && row.state !== 'open') continue
    const { id: requestId, state, specialist_id: specialistId, name: specialist, created_ms: createdMs, opened_ms: openedMs } = row
    shown.set(row.device_id, { requestId, state, specialistId, specialist, createdMs, openedMs })
  }
  return shown
}

export async function recentSessions(db: Database, deviceId: DeviceId) {
  const rows = await db
    .selectFrom('access_requests as request')
    .innerJoin('specialists as specialist', 'specialist.id', 'request.specialist_id')
    .select(['request.id', 'specialist.name', 'request.access', 'request.opened_ms', 'request.ended_ms', 'request.end_cause'])
    .where('request.device_id', '=', deviceId)
    .where('request.opened_ms', 'is not', null)
    .orderBy('request.opened_ms', 'desc')
    .limit(20)
    .execute()
  return rows.map((row) => ({
    requestId: row.id,
    specialist: row.name,
    access: row.access,
    startedMs: row.opened_ms ?? 0,
    endedMs: row.ended_ms,
    cause: row.end_cause,
  }))
}

export async function subscriptionsOf(db: Database, deviceId: DeviceId, nowMs: number) {
  const row = await db.selectFrom('devices').select(['subscriptions_json', 'licensed_json']).where('id', '=', deviceId).executeTakeFirstOrThrow()
  const reported = z.array(Feature).parse(JSON.parse(row.licensed_json))
  const subscriptions = z.array(Subscription).parse(JSON.parse(row.subscriptions_json))
  return subscriptions.map((one) => ({ ...one, inForce: isInForce(one, nowMs), reported: reported.includes(one.feature) }))
}

/** Devices whose last contact lies between the two times: those that have just fallen silent. */
export async function lastHeardBetween(db: Database, fromMs: number, toMs: number): Promise<DeviceId[]> {
  const rows = await db.selectFrom('devices').select('id').where('last_contact_ms', '>=', fromMs).where('last_contact_ms', '<', toMs).execute()
  return rows.map(({ id }) => id)
}

/** The key that the device has now, and the thumbprint of the newest certificate for it. Null for one that is not enrolled, or revoked. */
export async function findEnrolled(db: Database, deviceId: DeviceId) {
  const row = await db
    .selectFrom('devices')
    .select(['name', 'device_key_json', 'certificate_thumbprint'])
    .where('id', '=', deviceId)
    .where('revoked_ms', 'is', null)
    .executeTakeFirst()
  if (!row?.device_key_json || !row.certificate_thumbprint) return null
  return { name: row.name, deviceKey: PublicJwk.parse(JSON.parse(row.device_key_json)), thumbprint: Hash.parse(row.certificate_thumbprint) }
}
