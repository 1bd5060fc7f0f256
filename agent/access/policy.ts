import { defaultPolicy, type Policy } from '@gantry/shared/device-policy.ts'
import { type DayHours, hoursAt } from '@gantry/shared/hours.ts'
import type { AccessLevel, LevelRule } from '@gantry/shared/profile.ts'

/** What an unusable policy means: nobody comes in. Connectivity stays what the last good policy said, since the off switch is the customer's. */
export function closedPolicy(connectivity: Policy['connectivity']): Policy {
  return { ...defaultPolicy, connectivity, rules: { diagnostics: 'deny', files: 'deny', application: 'deny', os: 'deny' } }
}

export function ruleFor(policy: Policy, level: AccessLevel): LevelRule {
  return policy.rules[level]
}

export function maxBytesOf({ sessionMegabytes }: Policy): number | null {
  return sessionMegabytes === null ? null : sessionMegabytes * 1_000_000
}

/** Polls are answered every 25 s at the latest while a session is open. */
const strictSilenceMs = 60_000

/** `silentMs`: since the main server last answered. */
export function endsInSilence(policy: Policy, level: AccessLevel, silentMs: number): boolean {
  return policy.strict && level === 'os' && silentMs >= strictSilenceMs
}

export function countryIsAllowed(policy: Policy, country: string): boolean {
  return policy.countries === null || policy.countries.includes(country)
}

/** Whether somebody may come in, or stay, at this time. */
export function isOpenAt({ hours }: Policy, nowMs: number): boolean {
  return hours === null || hoursAt(hours.open, hours.timeZone, nowMs) !== undefined
}

/** `08:00-17:00`, as whoever came outside of them is told. */
export function hoursText({ hours }: Policy): string {
  const text = ({ from, until, days }: DayHours) => `${days ? `${days.join(' ')} ` : ''}${from}-${until}`
  return [...(hours?.open.map(text) ?? []), ...(hours?.timeZone ? [hours.timeZone] : [])].join(', ').slice(0, 200)
}
