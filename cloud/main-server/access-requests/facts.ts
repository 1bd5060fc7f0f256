import type { DayHours } from '@gantry/shared/hours.ts'
import type { NoticeRule } from '@gantry/shared/notice.ts'
import type { Posture, PostureRule } from '@gantry/shared/posture.ts'
import type { AccessLevel, ProfileLimits } from '@gantry/shared/profile.ts'
import type { CertificatePayload, CompactJws, PublicJwk, RequestPayload, RosterPayload, SignedRequest } from '@gantry/shared/ticket.ts'
import type { Caller } from '../caller.ts'
import type { CaseFacts } from '../case-facts.ts'
import type { ChangeControl, Entitlement, Origin, Training } from '../seed.ts'
import type { SignInEnd } from '../tables.ts'
import type { Route } from './route.ts'

/** Everything that the policy looks at, read before the first step. */
export type Facts = {
  nowMs: number
  caller: Pick<Caller, 'specialistId' | 'mfaAtMs'>
  authorityKeys: readonly PublicJwk[]
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
  /** What the customer's contact is owed before it, whether one can be reached, and of how many requests for that device one was told within the hour (R084). */
  notice: { rule: NoticeRule; canTell: boolean; recent: number }
  /** Where it may run now; null where no access server that this customer allows is up. */
  route: Route | null
  /** Which regions the customer allows, for the words of a refusal; null: any. */
  onlyRegions: readonly string[] | null
  /** What the client says of its workstation, and what the operator and the customer require of it. */
  posture: { said: Posture | null; rules: readonly PostureRule[] }
  /** Whether this request, its commitment or its content was here before. */
  seenBefore: boolean
  /** Requests of this specialist that wait for an answer. */
  waiting: number
}
/** As the directory has them. */
export type PersonFacts = {
  disabled: boolean
  country: string
  tier: number
  training: Training[]
  screenedOn: string | null
  planAcknowledgedOn: string | null
}
export type DeviceFacts = {
  timeZone: string
  modelId: string
  entitlement: EntitlementFacts | null
  origins: readonly Origin[]
  changeControl: ChangeControl | null
  quietHours: DayHours[]
  connectivity: 'on' | 'off'
  disabled: boolean
  enrolled: boolean
  lastContactMs: number | null
  /** Seconds ahead; 0: within the slack. */
  clockOffSeconds: number
  twoPlaces: boolean
}

export type EntitlementFacts = Pick<Entitlement, 'kind' | 'startsOn' | 'endsOn' | 'calls' | 'terms'>

/** What of the facts a running session has too. */
export type StandingFacts = Pick<Facts, 'nowMs' | 'person' | 'device' | 'levels' | 'limits' | 'given' | 'case' | 'roster'> & {
  /** What it was asked under; null where that was before it was kept. */
  certified: CertificatePayload | null
  /** What has become of the notice; null where none was owed. */
  told: { state: string; reason: string | null } | null
  /** Why the sign-in that asked was ended, where that takes along what was opened under it. */
  signInEnd: SignInEnd | null
  request: Pick<RequestPayload, 'access' | 'caseId' | 'specialistId' | 'deviceId'>
}
