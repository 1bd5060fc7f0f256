import { clockOffSeconds } from '@gantry/shared/access-request.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { checkCertificate, checkRequest, requireOnRoster, rosterIsFresh } from '@gantry/shared/node/ticket.ts'
import { judgePosture } from '@gantry/shared/posture.ts'
import { type AccessLevel, accessLevels, meetsPatientData } from '@gantry/shared/profile.ts'
import { covers } from '../assignment.ts'
import { dateAt } from '../site-clock.ts'
import type { Facts, StandingFacts } from './facts.ts'

/* Steps that look at who asks, and at what was signed. */
export const freshMfaMinutes: Record<AccessLevel, number> = { diagnostics: 720, files: 720, application: 720, os: 15 }
export const maxWaiting = 2

/** D12: a family of tokens that was used from a copy takes along what was opened under it; R068: so does one that gave way to a sign-in elsewhere. */
export function requireSignInStands({ signInEnd }: Pick<StandingFacts, 'signInEnd'>): void {
  if (signInEnd) throw new AppError(signInEnd)
}

/** The directory has shut the person out, or names them no more. */
export function requirePersonEnabled({ person }: Pick<Facts, 'person'>): void {
  if (!person || person.disabled) throw new AppError('access.person-disabled')
}

/** Sign-in with both factors: for `os` within the last 15 minutes, else within the working day. */
export function requireFreshMfa({ caller, nowMs, request }: Facts): void {
  const minutes = freshMfaMinutes[request.access]
  if (nowMs - caller.mfaAtMs > minutes * 60_000) throw new AppError('access.mfa-stale', { details: { minutes } })
}

/** The same question before a request is made: for which levels would it be too old within a minute? */
export function staleLevels(mfaAtMs: number, nowMs: number): AccessLevel[] {
  return accessLevels.filter((level) => nowMs + 60_000 - mfaAtMs > freshMfaMinutes[level] * 60_000)
}

/**
 * Nobody asks in another's name, not even with that person's signature; and the country that the device will show, and judge by, is the one that is
 * judged here.
 */
export function requireOwnRequest({ caller, certified, person }: Facts): void {
  if (certified.specialistId !== caller.specialistId) throw new AppError('access.certificate-bad', { details: { what: 'person' } })
  if (certified.country !== person?.country) throw new AppError('access.certificate-bad', { details: { what: 'country' } })
}

/** The person's own clock, before the signatures: they name times, and a request that seems old already was made now (D14). `seconds` ahead of here. */
export function requireSameTime({ request, nowMs }: Facts): void {
  const seconds = clockOffSeconds(request.issuedAt * 1_000, Math.floor(nowMs / 1_000) * 1_000)
  if (seconds !== 0) throw new AppError('access.clock-off', { details: { seconds, of: 'computer' } })
}

/** Certified by the authority, and signed with both of the person's keys (R065, R078). */
export async function requireSignatures({ certificate, signed, authorityKeys, nowMs }: Facts): Promise<void> {
  const now = Math.floor(nowMs / 1000)
  await checkRequest(signed, await checkCertificate(certificate, authorityKeys, now), now)
}

/** Certified now, not only once. With a roster that is out of date a device opens diagnostics at most. */
export function requireRoster({ roster, certified, request, nowMs }: Facts): void {
  if (!roster) throw new AppError('access.roster-missing')
  requireOnRoster(certified, roster)
  if (request.access !== 'diagnostics' && !rosterIsFresh(roster, Math.floor(nowMs / 1000))) throw new AppError('access.roster-stale')
}

/** R062, R087: the authority has taken the person's keys back, or put others in their place. A roster that is out of date takes nothing back. */
export function requireStillCertified({ roster, certified }: Pick<StandingFacts, 'roster' | 'certified'>): void {
  if (roster && certified) requireOnRoster(certified, roster)
}

/** R071, R073: by customer or device, and nothing by default. */
export function requireAssignment({ device, levels }: Pick<Facts, 'device' | 'levels'>): void {
  if (!device || !levels) throw new AppError('device.unknown')
}

export function requireLevel({ levels, request }: Pick<StandingFacts, 'levels' | 'request'>): void {
  if (!levels?.includes(request.access)) throw new AppError('access.level-not-allowed', { details: { level: request.access } })
}

/** R072: who may not meet patient data gets no level that could; and what a ticket gave has to go on being allowed. */
export function requireLimits({ limits, given, request }: Pick<StandingFacts, 'limits' | 'given' | 'request'>): void {
  if (!limits?.patientData && meetsPatientData(request.access)) throw new AppError('access.patient-data')
  if (given && !(limits && covers(limits, given))) throw new AppError('access.profile-narrowed')
}

/** R088: a background check that was passed, not one that is planned. */
export function requireScreening({ person, device, nowMs }: Pick<Facts, 'person' | 'device' | 'nowMs'>): void {
  const passed = person?.screenedOn && person.screenedOn <= dateAt(device?.timeZone ?? 'UTC', nowMs)
  if (!passed) throw new AppError('access.not-screened')
}

/** R088: the IT security plan was read and acknowledged; a day to come is a promise. */
export function requirePlanAcknowledged({ person, device, nowMs }: Pick<Facts, 'person' | 'device' | 'nowMs'>): void {
  const acknowledged = person?.planAcknowledgedOn && person.planAcknowledgedOn <= dateAt(device?.timeZone ?? 'UTC', nowMs)
  if (!acknowledged) throw new AppError('access.plan-not-acknowledged')
}

/** R088: what the operator and the customer ask of the workstation, by the client's own word. Asked once: a session that is open has passed. */
export function requirePosture({ posture }: Pick<Facts, 'posture'>): void {
  const fault = judgePosture(posture.said, posture.rules)
  if (fault) throw new AppError('access.posture', { details: fault })
}

/** R075: trained for this model, to the end of the last day at the site. */
export function requireTraining({ person, device, nowMs }: Pick<Facts, 'person' | 'device' | 'nowMs'>): void {
  const model = device?.modelId ?? ''
  const last = person?.training
    .filter((one) => one.model === '*' || one.model === model)
    .map(({ until }) => until)
    .sort()
    .at(-1)
  if (device && last !== undefined && dateAt(device.timeZone, nowMs) <= last) return
  throw new AppError('access.not-trained', { details: { model, ...(last === undefined ? {} : { endedOn: last }) } })
}

export function requireNotReplayed({ seenBefore }: Facts): void {
  if (seenBefore) throw new AppError('access.replayed')
}

/** A person can attend to two questions; more would be a flood at the devices. */
export function requireFewWaiting({ waiting }: Facts): void {
  if (waiting >= maxWaiting) throw new AppError('access.too-many-open', { details: { max: maxWaiting } })
}
