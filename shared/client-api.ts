import { z } from 'zod'
import { AccessState, EndCause } from './access-request.ts'
import { AuditEvent, SignedHead } from './audit.ts'
import { caseCalls } from './case-api.ts'
import type { Contract } from './contract.ts'
import { DeviceId, RequestId, SpecialistId } from './ids.ts'
import { Subscription } from './licences.ts'
import { AwaitedContact } from './notice.ts'
import { Posture } from './posture.ts'
import { AccessLevel, EntitlementKind, LevelRules, ServiceKind } from './profile.ts'
import { CompactJws, Hash, PublicJwk, SignedRequest } from './ticket.ts'

/**
 * What the desktop client and the command line may ask the main server: POST /api/v1/<name>, JSON in and out, `Authorization: DPoP` with a proof
 * (RFC 9449): without one, or with a Bearer token, nothing is answered.
 * The answer is a Result ({ ok, value } or { ok: false, failure }) with the failure's HTTP status; a body is 64 KiB at most.
 * GET /api/v1/updates is a server-sent event stream of `updates` below (event name, JSON data, `:` comment each 15 s).
 * GET /.well-known/gantry (no sign-in) tells `WellKnown`.
 */
export const WellKnown = z.object({
  name: z.string(),
  version: z.string(),
  issuer: z.url(),
  clientId: z.string(),
  /** Signs tickets now; another one takes over when keys are rotated. */
  ticketKey: PublicJwk,
  /** PEM of the CAs that may have certified devices: one, or more while one takes over from another. */
  deviceCa: z.string(),
  auditKey: PublicJwk,
  /** SHA-256 of server certificates that count no more (`server-keys.ts`): the client refuses them from then on, and keeps the list. */
  revoked: z.array(Hash).max(64).default([]),
  sandbox: z.boolean(),
  /** What its clock says. */
  timeMs: z.number(),
})
export type WellKnown = z.infer<typeof WellKnown>

/** How far a connection would get, for the thread in the list: it stops at `you`, `gantry`, `site` or `device`, or gets through. */
export const Reach = z.object({
  stopsAt: z.enum(['gantry', 'site', 'device']).nullable(),
  why: z.enum([
    'disabled',
    'reachable',
    'in-session',
    'waiting',
    'silent',
    'site-silent',
    'never-seen',
    'connectivity-off',
    'clock-off',
    'two-places',
    'entitlement-ended',
    'no-level',
  ]),
  sinceMs: z.number().nullable(),
})
export type Reach = z.infer<typeof Reach>

export const DeviceRow = z.object({
  id: DeviceId,
  name: z.string(),
  serial: z.string(),
  model: z.object({ id: z.string(), name: z.string(), kind: z.enum(['injector', 'software']) }),
  customer: z.object({ id: z.string(), name: z.string() }),
  site: z.object({ id: z.string(), name: z.string(), city: z.string(), country: z.string(), timeZone: z.string() }),
  contact: z.object({ name: z.string(), role: z.string(), phone: z.string() }).nullable(),
  softwareVersion: z.string().nullable(),
  agentVersion: z.string().nullable(),
  lastContactMs: z.number().nullable(),
  instantPickup: z.boolean(),
  entitlement: z.object({ kind: EntitlementKind, name: z.string(), endsOn: z.iso.date() }).nullable(),
  /** The device's own rules as it last told them; null before its first poll. */
  rules: LevelRules.nullable(),
  /** What the specialist's profile allows here. */
  levels: z.array(AccessLevel),
  reach: Reach,
  /** Nobody is treated with it: it is there for rehearsals, as the operator's directory says. It decides nothing. */
  practice: z.boolean().default(false),
  openRequest: z.object({ requestId: RequestId, state: AccessState, specialist: z.string(), mine: z.boolean() }).nullable(),
})
export type DeviceRow = z.infer<typeof DeviceRow>

export const AccessRequestView = z.object({
  id: RequestId,
  device: z.object({ id: DeviceId, name: z.string() }),
  specialist: z.object({ id: SpecialistId, name: z.string() }),
  access: AccessLevel,
  serviceKind: ServiceKind,
  caseId: z.string(),
  minutes: z.number(),
  state: AccessState,
  createdMs: z.number(),
  changedMs: z.number(),
  ticket: CompactJws,
  /** What is waited for at the customer's contact outside the device, before the device hears of it; null: nothing. */
  contact: AwaitedContact.nullable(),
  /** The device's signed answers so far, oldest first. The client checks them; the main server's word alone counts for nothing. */
  answers: z.array(CompactJws),
  /** PEM of the device's certificate, whose key signed the answers. */
  deviceCertificate: z.string(),
  accessServer: z.object({ name: z.string(), site: z.string() }),
  refusal: z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() }).nullable(),
  endCause: EndCause.nullable(),
  endedMs: z.number().nullable(),
})
export type AccessRequestView = z.infer<typeof AccessRequestView>

export const Specialist = z.object({
  id: SpecialistId,
  username: z.string(),
  name: z.string(),
  employer: z.string(),
  country: z.string(),
  city: z.string(),
  tier: z.number().int().min(1).max(3),
})
export type Specialist = z.infer<typeof Specialist>

/** R068: where the person is signed in. `address`: from which the sign-in was made; `system`: as the browser said; both are good for recognising, not for trust. */
export const SignInPlace = z.object({
  place: Hash,
  /** This is where the caller is. */
  mine: z.boolean(),
  beganMs: z.number(),
  address: z.string().max(60),
  system: z.enum(['Windows', 'macOS', 'Linux']).nullable(),
})
export type SignInPlace = z.infer<typeof SignInPlace>

/** A session of a device, for its side panel: newest first. */
export const PastSession = z.object({
  requestId: RequestId,
  specialist: z.string(),
  access: AccessLevel,
  startedMs: z.number(),
  endedMs: z.number().nullable(),
  cause: EndCause.nullable(),
})

const none = z.strictObject({})
export const clientApi = {
  'specialist.me': {
    input: none,
    output: z.object({
      specialist: Specialist,
      mfaAtMs: z.number(),
      /** Levels for which the second factor is too old by now, or within the next minute: asking for them needs it anew. By the server's clock. */
      mfaStaleFor: z.array(AccessLevel),
      /** The authority's certificate over this person's two keys (a compact JWS), or null where none is known here. */
      certificate: CompactJws.nullable(),
      supportContacts: z.array(z.object({ region: z.string(), phone: z.string(), mail: z.string() })),
      /** The newest hundred, newest first; this one too. */
      signIns: z.array(SignInPlace).max(101),
    }),
  },
  /** Ends the person's own sign-in at a place, and what was opened under it. Nothing happens where there is none. */
  'specialist.end-sign-in': { input: z.strictObject({ place: Hash }), output: none },
  'device.list': { input: none, output: z.object({ devices: z.array(DeviceRow), serverTimeMs: z.number() }) },
  'device.show': {
    input: z.strictObject({ deviceId: DeviceId }),
    output: z.object({
      device: DeviceRow,
      sessions: z.array(PastSession),
      /** R011. `reported`: the device holds the feature as licensed; the two differ until its next poll. */
      subscriptions: z.array(Subscription.extend({ inForce: z.boolean(), reported: z.boolean() })),
    }),
  },
  /** Runs the policy (every step, in order), stores the request, signs the ticket. Refusals: `access.*`, `device.unknown`. */
  'access-request.create': {
    input: z.strictObject({
      request: SignedRequest,
      certificate: CompactJws,
      /** The client's own word on its workstation (R088). */
      posture: Posture.optional(),
    }),
    output: z.object({ request: AccessRequestView, passed: z.array(z.string()) }),
  },
  /** Reveals the nonce C after the device's draw is known. */
  'access-request.reveal': { input: z.strictObject({ requestId: RequestId, nonce: Hash }), output: none },
  /**
   * Before approval: withdraws the request. After: ends the session with cause `specialist`. `withdrawal` is signed by the specialist key and goes on to the
   * device, which alone judges it.
   */
  'access-request.cancel': { input: z.strictObject({ requestId: RequestId, withdrawal: CompactJws.optional() }), output: none },
  'access-request.show': { input: z.strictObject({ requestId: RequestId }), output: AccessRequestView },
  'access-request.list': {
    input: z.strictObject({ limit: z.number().int().min(1).max(200).default(50) }),
    output: z.object({ requests: z.array(AccessRequestView) }),
  },
  ...caseCalls,
  /** The client's signed head goes in, the main server's comes back; each writes the other's into its own log. */
  'head.exchange': { input: z.strictObject({ head: SignedHead, requestId: RequestId.optional() }), output: z.object({ head: SignedHead }) },
} satisfies Contract
export type ClientApi = typeof clientApi

export const updates = {
  'access-request.changed': AccessRequestView,
  'device.changed': DeviceRow,
  /** Devices may have come or gone: the list is asked for again. */
  'device.list-changed': none,
  /** An event of one of the specialist's own sessions, as the main server stored it. */
  'session.activity': z.object({ requestId: RequestId, event: AuditEvent }),
  /** The person has signed in or out elsewhere (`specialist.me`). */
  'sign-in.places-changed': none,
  /** The sign-in is no longer good: signed out, shut out by the directory, one of its refresh tokens was used twice, or it gave way to another place. */
  'sign-in.ended': z.object({ why: z.enum(['signed-out', 'disabled', 'token-reused', 'elsewhere']) }),
} satisfies Record<string, z.ZodType>
export type UpdateName = keyof typeof updates
