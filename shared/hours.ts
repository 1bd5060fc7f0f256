import { z } from 'zod'

/** Hours of a day as a site's own clock shows them: quiet hours at the main server, open hours in a device's policy. */
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/)
export const weekDays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
type WeekDay = (typeof weekDays)[number]

/** `until` before `from` is on the next day; `days` are those on which they begin, all where not said. */
export const DayHours = z.strictObject({ from: clock, until: clock, days: z.array(z.enum(weekDays)).min(1).optional() })
export type DayHours = z.infer<typeof DayHours>

/** An IANA name that this platform knows. */
export const TimeZone = z.string().max(60).refine(isTimeZone, 'no such time zone')

/** Those of the given hours in which `nowMs` lies, or undefined. `timeZone` null: that of this computer. */
export function hoursAt(hours: readonly DayHours[], timeZone: string | null, nowMs: number): DayHours | undefined {
  const zone = timeZone === null ? {} : { timeZone }
  // The Swedish locale writes times as ISO 8601 does.
  const time = new Intl.DateTimeFormat('sv-SE', { ...zone, timeStyle: 'short' }).format(nowMs)
  const day = weekDays.indexOf(new Intl.DateTimeFormat('en-US', { ...zone, weekday: 'short' }).format(nowMs).toLowerCase() as WeekDay)
  const beginsOn = (days: DayHours['days'], index: number) => !days || days.includes(weekDays[(index + 7) % 7] as WeekDay)
  return hours.find(({ from, until, days }) => {
    if (from < until) return from <= time && time < until && beginsOn(days, day)
    return (time >= from && beginsOn(days, day)) || (time < until && beginsOn(days, day - 1))
  })
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
