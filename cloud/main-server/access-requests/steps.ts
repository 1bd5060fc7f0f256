import { AppError } from '@gantry/shared/errors.ts'
import { checkCertificate, checkRequest, requireOnRoster, rosterIsFresh } from '@gantry/shared/node/ticket.ts'
import { type AccessLevel, accessLevels, meetsPatientData, type ProfileLimits } from '@gantry/shared/profile.ts'
import type { CertificatePayload, CompactJws, PublicJwk, RequestPayload, RosterPayload, SignedRequest } from '@gantry/shared/ticket.ts'
import { covers } from '../assignment.ts'
import type { Caller } from '../caller.ts'
import type { CaseFacts } from '../case-facts.ts'
import { isSilent } from '../contact.ts'
import { isEntitled } from '../entitlement.ts'
import { judgeOrigin } from '../origins.ts'
import type { ChangeControl, Entitlement, Origin, QuietHours, Training } from '../seed.ts'
import { dateAt, quietUntil } from '../site-clock.ts'
import type { Route } from './route.ts'

/** Everything that the policy looks at, read before the first step. */
export type Facts = {
  nowMs: number
  caller: Pick<Caller, 'specialistId' | 'mfaAtMs'>
  authorityKey: PublicJwk
  roster: RosterPayload | null
  signed: SignedRequest
  certificate: CompactJws
  /** What the signed request and the certificate say; not believed before `requireSignatures`. */
  request: RequestPayload
  certified: CertificatePayload
  /** Null where the directory never named such a person. */
  person: PersonFacts | null
  /** Null where there is no such device. */
  device: DeviceFacts | null
  /** What the profile allows on it; null where it is not assigned. */
  levels: AccessLevel[] | null
  /** What the profile lets this level do there; null where it does not hold the level. */
  limits: ProfileLimits | null
  /** What the ticket gave of it; null before there is one. */
  given: ProfileLimits | null
  /** The case that it names, at that device's customer; null where this request would be the first of it. */
  case: CaseFacts | null
  /** Where it may run now; null where no access server that this customer allows is up. */
  route: Route | null
  /** Which regions the customer allows, for the words of a refusal; null: any. */
  onlyRegions: readonly string[] | null
  /** Whether this request, its commitment or its content was here before. */
  seenBefore: boolean
  /** Requests of this specialist that wait for an answer. */
  waiting: number
}
/** As the directory has them. */
export type PersonFacts = { disabled: boolean; country: string; tier: number; training: Training[]; screenedOn: string | null }
export type DeviceFacts = {
  timeZone: string
  modelId: string
  entitlement: EntitlementFacts | null
  origins: readonly Origin[]
  changeControl: ChangeControl | null
  quietHours: QuietHours[]
  connectivity: 'on' | 'off'
  disabled: boolean
  enrolled: boolean
  lastContactMs: number | null
}

export type EntitlementFacts = Pick<Entitlement, 'kind' | 'startsOn' | 'endsOn' | 'calls'> & { termsAccepted: boolean }

export const freshMfaMinutes: Record<AccessLevel, number> = { diagnostics: 720, files: 720, application: 720, os: 15 }
export const maxWaiting = 2

/**
 * The main server's policy: each step throws the reason, in words of the catalogue, or lets pass. The device decides again, by itself, from the same
 * signed things. A device that is not assigned and one that is not there leave at the same step with the same answer (R073).
 */
export const steps: ((facts: Facts) => void | Promise<void>)[] = [
  requireFreshMfa,
  requirePersonEnabled,
  requireOwnRequest,
  requireSignatures,
  requireRoster,
  requireAssignment,
  requireLevel,
  requireLimits,
  requireScreening,
  requireTraining,
  requireOrigin,
  requireDeviceEnabled,
  requireEntitlement,
  requireTerms,
  requirePaidCall,
  requireOpenCase,
  requireChange,
  requireLoudHours,
  requireEnrolled,
  requireConnectivity,
  requireDeviceReachable,
  requireAccessServer,
  requireNotReplayed,
  requireFewWaiting,
]

/** What of the facts a running session has too. */
export type StandingFacts = Pick<Facts, 'nowMs' | 'person' | 'device' | 'levels' | 'limits' | 'given' | 'case'> & {
  /** A refresh token of the sign-in that asked was used twice. */
  signInReused: boolean
  request: Pick<RequestPayload, 'access' | 'caseId' | 'specialistId' | 'deviceId'>
}

/**
 * The steps that must go on holding while a request waits or its session runs: what was the person's, the device's or the customer's at the beginning may be
 * taken away, and then it ends within seconds (R010, R087; `standing.ts`).
 */
export const standingSteps: ((facts: StandingFacts) => void)[] = [
  requireSignInNotCopied,
  requirePersonEnabled,
  requireAssignment,
  requireLevel,
  requireLimits,
  requireScreening,
  requireTraining,
  requireOrigin,
  requireDeviceEnabled,
  requireEntitlement,
  requireTerms,
  requirePaidCall,
  requireOpenCase,
  requireChange,
  requireConnectivity,
]

/** D12: a family of tokens that was used from a copy takes along what was opened under it. */
export function requireSignInNotCopied({ signInReused }: Pick<StandingFacts, 'signInReused'>): void {
  if (signInReused) throw new AppError('auth.sign-in-copied')
}

/** The directory has shut the person out, or names them no more. */
export function requirePersonEnabled({ person }: Pick<Facts, 'person'>): void {
  if (!person || person.disabled) throw new AppError('access.person-disabled')
}

/** The operator has taken the device out of service. */
export function requireDeviceEnabled({ device }: Pick<Facts, 'device'>): void {
  if (device?.disabled) throw new AppError('access.device-disabled')
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

/** Certified by the authority, and signed with both of the person's keys (R065, R078). */
export async function requireSignatures({ certificate, signed, authorityKey, nowMs }: Facts): Promise<void> {
  const now = Math.floor(nowMs / 1000)
  await checkRequest(signed, await checkCertificate(certificate, authorityKey, now), now)
}

/** Certified now, not only once. With a roster that is out of date a device opens diagnostics at most. */
export function requireRoster({ roster, certified, request, nowMs }: Facts): void {
  if (!roster) throw new AppError('access.roster-missing')
  requireOnRoster(certified, roster)
  if (request.access !== 'diagnostics' && !rosterIsFresh(roster, Math.floor(nowMs / 1000))) throw new AppError('access.roster-stale')
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

export function requireEntitlement({ device, nowMs }: Pick<Facts, 'device' | 'nowMs'>): void {
  if (device && isEntitled(device.entitlement, device.timeZone, nowMs)) return
  const endsOn = device?.entitlement?.endsOn
  throw new AppError('access.not-entitled', endsOn ? { details: { endedOn: endsOn } } : {})
}

/** The customer knows what remote service is, and has said yes to it. */
export function requireTerms({ device }: Pick<Facts, 'device'>): void {
  if (!device?.entitlement?.termsAccepted) throw new AppError('access.terms-missing')
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

/** A device that has no certificate of ours cannot check anything, and could not answer. */
export function requireEnrolled({ device }: Facts): void {
  if (!device?.enrolled) throw new AppError('device.offline')
}

/** The customer has turned remote service off. */
export function requireConnectivity({ device }: Pick<Facts, 'device'>): void {
  if (device?.connectivity !== 'on') throw new AppError('access.connectivity-off')
}

/** Better a clear no now than a request that expires in five minutes. */
export function requireDeviceReachable({ device, nowMs }: Facts): void {
  const lastContactMs = device?.lastContactMs ?? null
  if (!isSilent(lastContactMs, nowMs)) return
  throw new AppError('device.offline', lastContactMs === null ? {} : { details: { seconds: Math.round((nowMs - lastContactMs) / 1000) } })
}

/** R056: a customer's session runs in its regions or not at all. */
export function requireAccessServer({ route, onlyRegions }: Facts): void {
  if (!route) throw new AppError('access.no-access-server', onlyRegions ? { details: { regions: onlyRegions.join(', ') } } : {})
}

export function requireNotReplayed({ seenBefore }: Facts): void {
  if (seenBefore) throw new AppError('access.replayed')
}

/** A person can attend to two questions; more would be a flood at the devices. */
export function requireFewWaiting({ waiting }: Facts): void {
  if (waiting >= maxWaiting) throw new AppError('access.too-many-open', { details: { max: maxWaiting } })
}

/** Runs the steps in order; returns the names of those that passed, which are all. The failing step's name is told through `onRefusal`. */
export async function runSteps(facts: Facts, onRefusal: (step: string, error: unknown) => void): Promise<string[]> {
  for (const step of steps) {
    try {
      await step(facts)
    } catch (error) {
      onRefusal(step.name, error)
      throw error
    }
  }
  return steps.map((step) => step.name)
}
