import type { Language } from '@gantry/shared/words/errors.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Numbers and times for a person. Columns use 14:05 in both languages, French sentences 14 h 05 (design: Voice). Time zones are IANA names; none = this computer's. */
export type Format = ReturnType<typeof createFormat>

export function createFormat(language: Language) {
  const locale = language === 'fr' ? 'fr-CA' : 'en-GB'
  const isFrench = language === 'fr'
  const whole = new Intl.NumberFormat(isFrench ? 'fr-CA' : 'en-CA', { maximumFractionDigits: 0 })
  const tenth = new Intl.NumberFormat(isFrench ? 'fr-CA' : 'en-CA', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const units = isFrench ? ['o', 'Ko', 'Mo', 'Go', 'To'] : ['B', 'KB', 'MB', 'GB', 'TB']

  const parts = (ms: number, zone?: string) => {
    const clock = clockOf(zone).format(ms)
    const [hours = '', minutes = '', seconds = ''] = clock.split(':')
    return { hours, minutes, seconds }
  }
  const time = (ms: number, zone?: string) => {
    const { hours, minutes } = parts(ms, zone)
    return `${hours}:${minutes}`
  }
  const powerOf = (count: number) => Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log10(count) / 3))
  const bytes = (count: number) => {
    const power = powerOf(count)
    return `${power === 0 ? whole.format(count) : tenth.format(count / 1_000 ** power)}\u00a0${units[power]}`
  }
  return {
    time,
    timeInSentence: (ms: number, zone?: string) => (isFrench ? sentenceTime(parts(ms, zone)) : time(ms, zone)),
    clock: (ms: number) => Object.values(parts(ms)).join(':'),
    dayOf: (ms: number) => new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' }).format(ms),
    /** A calendar date of the contract (2027-06-30), which belongs to no time zone. */
    date: (iso: string) =>
      new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(Date.parse(`${iso}T00:00:00Z`)),
    countdown,
    /** Time that a step took: tenths while they tell something. */
    took(ms: number) {
      if (ms < 20 * second) return `${tenth.format(Math.max(0, ms) / second)}\u00a0s`
      return ms < minute ? `${whole.format(ms / second)}\u00a0s` : countdown(ms)
    },
    /** How long ago, in one unit, as a column shows it. */
    age(ms: number) {
      if (ms < minute) return `${Math.max(0, Math.floor(ms / second))}\u00a0s`
      if (ms < hour) return `${Math.floor(ms / minute)}\u00a0min`
      if (ms < day) return `${Math.floor(ms / hour)}\u00a0h\u00a0${String(Math.floor(ms / minute) % 60).padStart(2, '0')}`
      return `${Math.floor(ms / day)}\u00a0${isFrench ? 'j' : 'd'}`
    },
    duration(ms: number) {
      if (ms < minute) return `${Math.max(0, Math.round(ms / second))}\u00a0s`
      if (ms < hour) return `${Math.floor(ms / minute)}\u00a0min${ms % minute < second ? '' : ` ${Math.floor((ms % minute) / second)}\u00a0s`}`
      return `${Math.floor(ms / hour)}\u00a0h ${Math.floor(ms / minute) % 60}\u00a0min`
    },
    bytes,
    /** Two amounts in the unit of the second: `141` and `212 MB`. */
    bytesOf(done: number, total: number): [string, string] {
      const power = powerOf(total)
      const shown = (count: number) => (power === 0 || total / 1_000 ** power >= 10 ? whole : tenth).format(count / 1_000 ** power)
      return [shown(done), `${shown(total)}\u00a0${units[power]}`]
    },
    rate: (bytesPerSecond: number) => `${bytes(bytesPerSecond)}/s`,
    number: (count: number) => whole.format(count),
    percent: (share: number) => `${whole.format(Math.floor(Math.min(1, Math.max(0, share)) * 100))}\u00a0%`,
  }
}

const clocks = new Map<string | undefined, Intl.DateTimeFormat>()

/** Kept, since making one takes longer than a row of a list may; there are no more of them than time zones. */
function clockOf(zone: string | undefined): Intl.DateTimeFormat {
  const known = clocks.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', ...(zone ? { timeZone: zone } : {}) })
  clocks.set(zone, made)
  return made
}

function countdown(ms: number): string {
  const left = Math.max(0, Math.round(ms / second))
  const [hours, minutes, seconds] = [Math.floor(left / 3_600), Math.floor(left / 60) % 60, left % 60]
  const tail = `${hours > 0 ? String(minutes).padStart(2, '0') : minutes}:${String(seconds).padStart(2, '0')}`
  return hours > 0 ? `${hours}:${tail}` : tail
}

function sentenceTime({ hours, minutes }: { hours: string; minutes: string }): string {
  return `${Number(hours)}\u00a0h${minutes === '00' ? '' : `\u00a0${minutes}`}`
}
