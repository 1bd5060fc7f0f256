import { AppError } from '@gantry/shared/errors.ts'
import { noticeLimits } from '@gantry/shared/notice.ts'
import { isEntitled } from '../entitlement.ts'
import { judgeOrigin } from '../origins.ts'
import type { ChangeControl } from '../seed.ts'
import { dateAt, quietUntil } from '../site-clock.ts'
import type { Facts, StandingFacts } from './facts.ts'

/* Steps that look at what the customer has agreed to. */
/** R082, R083, R085: by the customer's list of countries and tiers, or the default one. */
export function requireOrigin({ person, device, case: found, request }: Pick<StandingFacts, 'person' | 'device' | 'case' | 'request'>): void {
  const { country, tier } = person ?? { country: '', tier: 0 }
  const escalated = found?.state === 'open' && found.escalation?.to === request.specialistId
  const verdict = judgeOrigin(device?.origins ?? [], { country, tier, escalated })
  if (verdict !== 'allowed') throw new AppError(`access.${verdict}`, { details: { country, tier } })
}

/** R084: who comes in by escalation from where the customer admits nobody otherwise is announced at the device, and may be refused there. */
export function mustAsk({ person, device, case: found, request }: Facts): boolean {
  const { country, tier } = person ?? { country: '', tier: 0 }
  const origins = device?.origins ?? []
  return found?.escalation?.to === request.specialistId && judgeOrigin(origins, { country, tier, escalated: false }) !== 'allowed'
}

/** R084: where the customer's contact is to be told first, there has to be one. */
export function requireContact({ notice }: Pick<Facts, 'notice'>): void {
  if (notice.rule !== 'none' && !notice.canTell) throw new AppError('access.contact-missing')
}

/** Nobody outside the device is worn down by asking again and again (T6). */
export function requireFewNotices({ notice }: Pick<Facts, 'notice'>): void {
  if (notice.rule !== 'none' && notice.recent >= noticeLimits.maxPerHour) {
    throw new AppError('access.too-many-notices', { details: { max: noticeLimits.maxPerHour } })
  }
}

/** R084: a contact who was told may refuse as long as it lives; one who was not told, or did not answer where that is asked for, has not said yes. */
export function requireContactsYes({ told }: Pick<StandingFacts, 'told'>): void {
  if (told?.state === 'refused') throw new AppError('access.contact-refused')
  if (told?.state === 'expired') throw new AppError('access.contact-no-answer')
  if (told?.state === 'failed') throw new AppError('access.notice-undelivered', { details: { reason: told.reason ?? 'time' } })
}

export function requireEntitlement({ device, nowMs }: Pick<Facts, 'device' | 'nowMs'>): void {
  if (device && isEntitled(device.entitlement, device.timeZone, nowMs)) return
  const endsOn = device?.entitlement?.endsOn
  throw new AppError('access.not-entitled', endsOn ? { details: { endedOn: endsOn } } : {})
}

/** R016: the customer knows what remote service is, and has said yes to it. A day that is still to come is no yes. */
export function requireTerms({ device, nowMs }: Pick<Facts, 'device' | 'nowMs'>): void {
  const terms = device?.entitlement?.terms
  if (!terms || terms.acceptedOn > dateAt(device.timeZone, nowMs)) throw new AppError('access.terms-missing')
}

/** A device that is paid for call by call is open for those cases alone. */
export function requirePaidCall({ device, request }: Pick<StandingFacts, 'device' | 'request'>): void {
  const paid = device?.entitlement?.kind !== 'per-call' || device.entitlement.calls.includes(request.caseId)
  if (!paid) throw new AppError('access.call-not-paid', { details: { caseId: request.caseId } })
}

/** R087: a case that was closed stays closed. */
export function requireOpenCase({ case: found }: Pick<Facts, 'case'>): void {
  if (found?.state === 'closed') throw new AppError('case.closed')
}

/** The change of the customer's own list under which this runs; null where none is needed. */
export function changeFor({ device, request, nowMs }: Pick<StandingFacts, 'device' | 'request' | 'nowMs'>): ChangeControl['changes'][number] | null {
  return changesFor({ device, request }).find(({ from, until }) => Date.parse(from) <= nowMs && nowMs < Date.parse(until)) ?? null
}

function changesFor({ device, request }: Pick<StandingFacts, 'device' | 'request'>): ChangeControl['changes'] {
  const control = device?.changeControl
  if (!control?.levels.includes(request.access)) return []
  return control.changes.filter(({ devices }) => !devices || devices.includes(request.deviceId))
}

/** Where the customer has change control for this level: within the window of a change that somebody there approved, and no longer. */
export function requireChange(facts: Pick<StandingFacts, 'device' | 'request' | 'nowMs'>): void {
  if (!facts.device?.changeControl?.levels.includes(facts.request.access) || changeFor(facts)) return
  const [next] = changesFor(facts)
    .filter(({ from }) => Date.parse(from) > facts.nowMs)
    .sort((a, b) => Date.parse(a.from) - Date.parse(b.from))
  throw new AppError('access.change-missing', next ? { details: { number: next.number, opensAt: next.from } } : {})
}

/** In the site's quiet hours nothing rings. A session that is open goes on. */
export function requireLoudHours({ device, nowMs }: Pick<Facts, 'device' | 'nowMs'>): void {
  const until = device && quietUntil(device.quietHours, device.timeZone, nowMs)
  if (until) throw new AppError('access.quiet-hours', { details: { until } })
}
