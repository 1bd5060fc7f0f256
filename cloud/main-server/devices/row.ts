import type { DeviceRow, Reach } from '@gantry/shared/client-api.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import { isSilent } from '../contact.ts'
import { isEntitled } from '../entitlement.ts'
import type { DeviceRecord, OpenRequest } from './store.ts'

export type RowView = {
  viewer: SpecialistId
  levels: AccessLevel[]
  open: OpenRequest | undefined
  /** Every device that the viewer sees at this site is silent, and there is more than one: the site's way out is down. */
  siteSilent: boolean
  nowMs: number
}

/** A device as one specialist sees it. */
export function deviceRow(device: DeviceRecord, view: RowView): DeviceRow {
  const { open, viewer, levels } = view
  return {
    id: device.id,
    name: device.name,
    serial: device.serial,
    model: { id: device.model_id, name: device.model_name, kind: device.model_kind },
    customer: { id: device.customer_id, name: device.customer_name },
    site: { id: device.site_id, name: device.site_name, city: device.city, country: device.country, timeZone: device.time_zone },
    contact: device.contact,
    softwareVersion: device.software_version,
    agentVersion: device.agent_version,
    lastContactMs: device.last_contact_ms,
    instantPickup: device.instant_pickup === 1,
    entitlement: device.entitlement && { kind: device.entitlement.kind, name: device.entitlement.name, endsOn: device.entitlement.endsOn },
    rules: device.rules,
    levels,
    reach: reachOf(device, view),
    practice: device.practice === 1,
    openRequest: open ? { requestId: open.requestId, state: open.state, specialist: open.specialist, mine: open.specialistId === viewer } : null,
  }
}

/** What would stop a connection, looked at in the order in which it would be stopped. */
export function reachOf(device: DeviceRecord, { open, levels, siteSilent, nowMs }: RowView): Reach {
  if (device.disabled_ms !== null) return { stopsAt: 'gantry', why: 'disabled', sinceMs: device.disabled_ms }
  if (device.two_places_ms !== null) return { stopsAt: 'gantry', why: 'two-places', sinceMs: device.two_places_ms }
  if (!isEntitled(device.entitlement, device.time_zone, nowMs)) return { stopsAt: 'gantry', why: 'entitlement-ended', sinceMs: null }
  if (levels.length === 0) return { stopsAt: 'gantry', why: 'no-level', sinceMs: null }
  if (device.last_contact_ms === null) return { stopsAt: 'device', why: 'never-seen', sinceMs: null }
  if (open && (open.state === 'open' || open.state === 'approved')) return { stopsAt: null, why: 'in-session', sinceMs: open.openedMs ?? open.createdMs }
  if (isSilent(device.last_contact_ms, nowMs)) {
    return { stopsAt: siteSilent ? 'site' : 'device', why: siteSilent ? 'site-silent' : 'silent', sinceMs: device.last_contact_ms }
  }
  if (isSwitchedOff(device)) return { stopsAt: 'device', why: 'connectivity-off', sinceMs: null }
  if (device.clock_off_s !== 0) return { stopsAt: 'device', why: 'clock-off', sinceMs: null }
  if (open) return { stopsAt: null, why: 'waiting', sinceMs: open.createdMs }
  return { stopsAt: null, why: 'reachable', sinceMs: null }
}

/** By the customer's word here, or by rules on the device that deny every level. */
function isSwitchedOff(device: DeviceRecord): boolean {
  return device.connectivity === 'off' || (device.rules !== null && Object.values(device.rules).every((rule) => rule === 'deny'))
}
