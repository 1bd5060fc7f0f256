import { type DayHours, hoursAt } from '@gantry/shared/hours.ts'

/** What a site's own clock and calendar say. `timeZone` is an IANA name. */

/** The Swedish locale writes dates as ISO 8601 does. */
export function dateAt(timeZone: string, nowMs: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(nowMs)
}

/** The end of the quiet hours that reign now, as the site's clock shows it (`HH:MM`), or null. */
export function quietUntil(hours: readonly DayHours[], timeZone: string, nowMs: number): string | null {
  return hoursAt(hours, timeZone, nowMs)?.until ?? null
}
