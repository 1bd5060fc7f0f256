import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import { type Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import type { Database } from '../database.ts'
import { readRegions } from '../seed.ts'

/** Whom a code is for, or null: an unknown, a used and an old one are the same to the caller. */
export async function findGoodCode(db: Database, code: string, nowMs: number) {
  const row = await db
    .selectFrom('enrolments')
    .innerJoin('devices', 'devices.id', 'enrolments.device_id')
    .innerJoin('sites', 'sites.id', 'devices.site_id')
    .innerJoin('customers', 'customers.id', 'sites.customer_id')
    .select(['devices.id as deviceId', 'devices.name', 'sites.name as site', 'customers.name as customer', 'customers.regions_json'])
    .where('secret_hash', '=', sha256(code))
    .where('used_ms', 'is', null)
    .where('expires_ms', '>', nowMs)
    .where('devices.revoked_ms', 'is', null)
    .where('devices.disabled_ms', 'is', null)
    .executeTakeFirst()
  if (!row) return null
  const { regions_json, ...device } = row
  const regions = readRegions(regions_json)
  return { ...device, onlyRegions: regions?.only ? regions.near : null }
}

export type Enrolment = {
  deviceId: DeviceId
  certificate: string
  thumbprint: string
  deviceKey: PublicJwk
  hostKey: string
  auditKey: PublicJwk
  agentVersion: string
}

/** Spends the code and stores the device's keys, both or neither. A code that somebody spent in between is `enrol.code-bad`. */
export async function enrolDevice(db: Database, code: string, enrolment: Enrolment, nowMs: number): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const spent = await trx
      .updateTable('enrolments')
      .set({ used_ms: nowMs })
      .where('secret_hash', '=', sha256(code))
      .where('used_ms', 'is', null)
      .executeTakeFirst()
    if (spent.numUpdatedRows !== 1n) throw new AppError('enrol.code-bad')
    await trx
      .updateTable('devices')
      .set({
        enrolled_ms: nowMs,
        certificate: enrolment.certificate,
        certificate_thumbprint: enrolment.thumbprint,
        device_key_json: JSON.stringify(enrolment.deviceKey),
        host_key: enrolment.hostKey,
        audit_key_json: JSON.stringify(enrolment.auditKey),
        agent_version: enrolment.agentVersion,
        roster_number: 0,
        run: null,
        two_places_ms: null,
      })
      .where('id', '=', enrolment.deviceId)
      .execute()
    // What was queued for the identity before is not for this one.
    await trx.deleteFrom('device_runs').where('device_id', '=', enrolment.deviceId).execute()
    await trx.deleteFrom('deliveries').where('device_id', '=', enrolment.deviceId).execute()
  })
}

/** The newest certificate of a device, and the key that it is for. Null for one that is not enrolled, or revoked. */
export async function findCertificate(db: Database, deviceId: DeviceId): Promise<{ certificate: string; deviceKey: PublicJwk } | null> {
  const row = await db
    .selectFrom('devices')
    .select(['certificate', 'device_key_json'])
    .where('id', '=', deviceId)
    .where('revoked_ms', 'is', null)
    .executeTakeFirst()
  return row?.certificate && row.device_key_json ? { certificate: row.certificate, deviceKey: PublicJwk.parse(JSON.parse(row.device_key_json)) } : null
}

export async function storeCertificate(
  db: Database,
  deviceId: DeviceId,
  { certificate, thumbprint }: { certificate: string; thumbprint: Hash },
): Promise<void> {
  await db.updateTable('devices').set({ certificate, certificate_thumbprint: thumbprint }).where('id', '=', deviceId).execute()
}
