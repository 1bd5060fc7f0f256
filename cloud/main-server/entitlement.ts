import type { Entitlement } from './seed.ts'
import { dateAt } from './site-clock.ts'

/** A device's service agreement, warranty or paid call, as far as its dates go. */
export type EntitlementDates = Pick<Entitlement, 'startsOn' | 'endsOn'>

/** Both days are included, in the site's time zone: an agreement ends at the site's midnight, not at the server's. */
export function isEntitled(entitlement: EntitlementDates | null, timeZone: string, nowMs: number): boolean {
  if (!entitlement) return false
  const today = dateAt(timeZone, nowMs)
  return entitlement.startsOn <= today && today <= entitlement.endsOn
}
