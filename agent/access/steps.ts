import type { Policy, PolicyFault } from '@gantry/shared/device-policy.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { requireOnRoster, rosterIsFresh } from '@gantry/shared/node/ticket.ts'
import { meetsPatientData, runsPrograms } from '@gantry/shared/profile.ts'
import type { AccessServerRef, RosterPayload } from '@gantry/shared/ticket.ts'
import type { RequestMemory } from './memory.ts'
import { countryIsAllowed, hoursText, isOpenAt, ruleFor } from './policy.ts'
import type { Proven } from './signatures.ts'

/** What stands when a request arrives. `nowMs` by this device's clock. */
export type Situation = {
  nowMs: number
  roster: RosterPayload | null
  policy: Policy
  /** Why there is no policy to go by. */
  policyFault: PolicyFault | null
  memory: RequestMemory
  /** Whether this device may dial that server (R047). */
  mayReach: (server: AccessServerRef) => boolean
  /** Requests that are open on this device now, and those of them whose sessions run programs. */
  open: number
  openPrograms: number
  /** Why the policy's restricted places could not be kept from a session's programs. */
  whyNotCovered: (restricted: readonly string[]) => 'open' | 'others' | null
}

type Step = (proven: Proven, situation: Situation) => void

/** Sessions and questions at a time: a person can watch a few, not a crowd. */
export const maxOpenRequests = 4
const hourMs = 3_600_000

/**
 * What must hold, in order, once the signatures do. Each step has one reason and throws one code; none of them rings, dials or remembers anything.
 * The person's yes comes after all of these (approval.ts).
 */
export const steps = [
  requireUnspent,
  requirePolicy,
  requireConnectivity,
  requireListedServer,
  requireCertifiedPerson,
  requireFreshRoster,
  requireOpenHours,
  requireLevelOpen,
  requireProfile,
  requireCover,
  requireShortEnough,
  requireCountry,
  requireFewAtATime,
  requireFewWithinHour,
] as const satisfies readonly Step[]

/**
 * Before all others and before the signatures: by a clock that is known to be wrong no time in them can be judged, and "expired" would send people after the wrong
 * fault (D14). `seconds` ahead of the main server.
 */
export function requireClock(seconds: number): void {
  if (seconds !== 0) throw new AppError('access.clock-off', { details: { seconds, of: 'device' } })
}

/** Its rules closed every level; that it is for this reason helps whoever has to mend it. */
function requirePolicy(_: Proven, { policyFault }: Situation): void {
  if (policyFault) throw new AppError('access.policy-unusable', { details: { fault: policyFault } })
}

/** R008: a customer who switched connectivity off meant this request too. */
function requireConnectivity(_: Proven, { policy }: Situation): void {
  if (policy.connectivity === 'off') throw new AppError('access.connectivity-off')
}

/** The dialler would refuse them all, when somebody has said yes already. One that is listed is enough. */
function requireListedServer({ ticket: { accessServer, fallback } }: Proven, { mayReach }: Situation): void {
  if (mayReach(accessServer) || (fallback && mayReach(fallback))) return
  throw new AppError('server.not-allowed', { details: { host: accessServer.host, port: accessServer.port } })
}

/** A ticket, and a request, opens one session at most. */
function requireUnspent({ ticket }: Proven, { memory }: Situation): void {
  memory.requireUnspent({ requestId: ticket.requestId, ticketId: ticket.id, issuedAt: ticket.issuedAt })
}

/** The authority's newest list names this person with exactly these two keys; one that left is not on it. */
function requireCertifiedPerson({ certificate }: Proven, { roster }: Situation): void {
  if (!roster) throw new AppError('access.roster-missing')
  requireOnRoster(certificate, roster)
}

/** A list that is out of date may hide that somebody left, so it only opens what changes nothing. */
function requireFreshRoster({ request }: Proven, { roster, nowMs }: Situation): void {
  const fresh = roster !== null && rosterIsFresh(roster, nowMs / 1_000)
  if (!fresh && request.access !== 'diagnostics') throw new AppError('access.roster-stale', { details: { number: roster?.number ?? 0 } })
}

/** R047: the hours are the device's own, by its own clock. */
function requireOpenHours(_: Proven, { policy, nowMs }: Situation): void {
  if (!isOpenAt(policy, nowMs)) throw new AppError('access.policy-denied', { details: { hours: hoursText(policy) } })
}

function requireLevelOpen({ request }: Proven, { policy }: Situation): void {
  if (ruleFor(policy, request.access) === 'deny') throw new AppError('access.policy-denied', { details: { access: request.access } })
}

/** R072: whose profile may not meet patient data gets no level that could, whatever the main server signs. */
function requireProfile({ request, ticket }: Proven): void {
  if (!ticket.limits.patientData && meetsPatientData(request.access)) throw new AppError('access.patient-data')
}

/** R086: patient data is kept from programs, or none is started. Two sessions of one account could look through each other. */
function requireCover({ request }: Proven, { policy, openPrograms, whyNotCovered }: Situation): void {
  const { restricted } = policy.files
  if (restricted.length === 0 || !runsPrograms(request.access)) return
  const why = openPrograms > 0 ? 'others' : whyNotCovered(restricted)
  if (why) throw new AppError('access.restricted-open', { details: { reason: why } })
}

function requireShortEnough({ request }: Proven, { policy }: Situation): void {
  if (request.minutes > policy.sessionMinutes) throw new AppError('access.policy-denied', { details: { minutes: policy.sessionMinutes } })
}

function requireCountry({ certificate }: Proven, { policy }: Situation): void {
  if (!countryIsAllowed(policy, certificate.country)) throw new AppError('access.policy-denied', { details: { country: certificate.country } })
}

function requireFewAtATime(_: Proven, { open }: Situation): void {
  if (open >= maxOpenRequests) throw new AppError('access.too-many-open', { details: { max: maxOpenRequests } })
}

/** Threat T6: nobody is asked until they press yes by habit. */
function requireFewWithinHour(_: Proven, { policy, memory, nowMs }: Situation): void {
  const taken = memory.takenWithin(hourMs, nowMs)
  if (taken.length < policy.requestsPerHour) return
  const free = taken[taken.length - policy.requestsPerHour]
  const minutes = free === undefined ? {} : { minutes: Math.max(1, Math.ceil((free + hourMs - nowMs) / 60_000)) }
  throw new AppError('access.rate-limited', { details: { max: policy.requestsPerHour, ...minutes } })
}
