import type { NoticeRule } from '@gantry/shared/notice.ts'
import type { Origin } from './seed.ts'

/**
 * Who may ask where a customer says nothing else (R082-R085): from the United States every tier, from Canada tier 3 on a case that was escalated to that
 * person, of which the customer's contact is told first (R084), from elsewhere nobody.
 */
export const defaultOrigins: readonly Origin[] = [
  { country: 'US', tiers: [1, 2, 3], onEscalation: false },
  { country: 'CA', tiers: [3], onEscalation: true },
]

export type OriginVerdict = 'allowed' | 'country-not-allowed' | 'tier-not-allowed' | 'escalation-needed'

/** By the rule that goes furthest. */
export function judgeOrigin(origins: readonly Origin[], who: { country: string; tier: number; escalated: boolean }): OriginVerdict {
  const here = origins.filter(({ country }) => country === who.country)
  if (here.length === 0) return 'country-not-allowed'
  const fitting = here.filter(({ tiers }) => tiers.includes(who.tier))
  if (fitting.length === 0) return 'tier-not-allowed'
  return fitting.some(({ onEscalation }) => !onEscalation || who.escalated) ? 'allowed' : 'escalation-needed'
}

/** What the customer's contact is owed before this person's session starts: by the mildest of the rules that let the person in. */
export function noticeOf(origins: readonly Origin[], who: { country: string; tier: number; escalated: boolean }): NoticeRule {
  const admitting = origins.filter((one) => judgeOrigin([one], who) === 'allowed')
  const owed = admitting.map(({ notice, onEscalation }): NoticeRule => notice ?? (onEscalation ? 'told' : 'none'))
  return (['none', 'told', 'accepted'] as const).find((rule) => owed.includes(rule)) ?? 'accepted'
}
