import { type QuietHours, weekDays } from './seed.ts'

/** What a site's own clock and calendar say. `timeZone` is an IANA name. */

/** The Swedish locale writes dates as ISO 8601 does. */
export function dateAt(timeZone: string, nowMs: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(nowMs)
}

/** The end of the quiet hours that reign now, as the site's clock shows it (`HH:MM`), or null. */
export function quietUntil(hours: readonly QuietHours[], timeZone: string, nowMs: number): string | null {
  const time = new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'short' }).format(nowMs)
  const day = weekDays.indexOf(new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short' }).format(nowMs).toLowerCase() as (typeof weekDays)[number])
  const beginsOn = (days: QuietHours['days'], index: number) => !days || days.includes(weekDays[(index + 7) % 7] as (typeof weekDays)[number])
  const reigning = hours.find(({ from, until, days }) => {
    if (from < until) return from <= time && time < until && beginsOn(days, day)
    return (time >= from && beginsOn(days, day)) || (time < until && beginsOn(days, day - 1))
  })
  return reigning?.until ?? null
}
