/** A device's service agreement, warranty or paid call. Dates are whole days (`YYYY-MM-DD`) at the site. */
export type EntitlementDates = { startsOn: string; endsOn: string }

/** Both days are included, in the site's time zone: an agreement ends at the site's midnight, not at the server's. */
export function isEntitled(entitlement: EntitlementDates | null, timeZone: string, nowMs: number): boolean {
  if (!entitlement) return false
  const today = dateAt(timeZone, nowMs)
  return entitlement.startsOn <= today && today <= entitlement.endsOn
}

/** The Swedish locale writes dates as ISO 8601 does. */
function dateAt(timeZone: string, nowMs: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(nowMs)
}
