import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { DeviceId, SpecialistId } from '@gantry/shared/ids.ts'
import { levelsFor } from '../assignment.ts'
import { isSilent } from '../contact.ts'
import type { Database } from '../database.ts'
import { deviceRow } from './row.ts'
import { type DeviceRecord, findDevices, grantsOf, openRequests } from './store.ts'

/** What one specialist's profile lets show (R073), and nothing else. */
export async function visibleRows(db: Database, specialistId: SpecialistId, nowMs: number): Promise<DeviceRow[]> {
  const grants = await grantsOf(db, specialistId)
  const open = await openRequests(db)
  const visible = (await findDevices(db)).flatMap((device) => {
    const levels = levelsFor(grants, { id: device.id, siteId: device.site_id, customerId: device.customer_id, modelId: device.model_id })
    return levels ? [{ device, levels }] : []
  })
  const silentSites = sitesThatAreSilent(
    visible.map(({ device }) => device),
    nowMs,
  )
  return visible.map(({ device, levels }) => {
    return deviceRow(device, { viewer: specialistId, levels, open: open.get(device.id), siteSilent: silentSites.has(device.site_id), nowMs })
  })
}

/** Null for a device that is not there and for one that is not assigned: the same work, the same answer. */
export async function visibleRow(db: Database, specialistId: SpecialistId, deviceId: DeviceId, nowMs: number): Promise<DeviceRow | null> {
  const rows = await visibleRows(db, specialistId, nowMs)
  return rows.find(({ id }) => id === deviceId) ?? null
}

function sitesThatAreSilent(devices: DeviceRecord[], nowMs: number): Set<string> {
  const bySite = Map.groupBy(
    devices.filter((device) => device.last_contact_ms !== null),
    (device) => device.site_id,
  )
  const silent = [...bySite].filter(([, all]) => all.length > 1 && all.every((device) => isSilent(device.last_contact_ms, nowMs)))
  return new Set(silent.map(([siteId]) => siteId))
}
