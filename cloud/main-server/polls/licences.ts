import type { DeviceId } from '@gantry/shared/ids.ts'
import { type Feature, isInForce, type LicencesPayload, Subscription } from '@gantry/shared/licences.ts'
import { type SigningKey, signJws } from '@gantry/shared/node/signing.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { Database } from '../database.ts'

export type LicenceTools = { db: Database; ticketKey: () => SigningKey }

/** What a device's owner has subscribed to, where the device has an older word of it; an agent that does not say which, gets none (R011). */
export async function newerLicences({ db, ticketKey }: LicenceTools, deviceId: DeviceId, known: number | undefined): Promise<{ licences: CompactJws } | null> {
  if (known === undefined) return null
  const row = await db.selectFrom('devices').select(['subscriptions_json', 'licences_number']).where('id', '=', deviceId).executeTakeFirstOrThrow()
  if (row.licences_number <= known) return null
  const payload: LicencesPayload = { version: 1, deviceId, number: row.licences_number, subscriptions: read(row.subscriptions_json) }
  return { licences: await signJws('licences', payload, ticketKey()) }
}

/** Whether the device's owner has subscribed to the feature, and it is a day of the subscription. A device that the directory shuts out has nothing. */
export async function isLicensed(db: Database, deviceId: DeviceId, { feature, nowMs }: { feature: Feature; nowMs: number }): Promise<boolean> {
  const row = await db.selectFrom('devices').select('subscriptions_json').where('id', '=', deviceId).where('disabled_ms', 'is', null).executeTakeFirst()
  return read(row?.subscriptions_json ?? '[]').some((one) => one.feature === feature && isInForce(one, nowMs))
}

const read = (json: string) => z.array(Subscription).parse(JSON.parse(json))
