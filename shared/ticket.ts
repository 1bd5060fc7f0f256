import { z } from 'zod'
import { requestLimits } from './access-request.ts'
import { DeviceId, RequestId, SpecialistId, TicketId } from './ids.ts'
import { AccessLevel, ProfileLimits, ServiceKind } from './profile.ts'

/**
 * Everything that is signed on the way to a session. All signatures are ES256 (P-256), compact JWS (RFC 7515) unless said otherwise,
 * and the protected header's `typ` names the kind, so that one kind can never be passed off as another.
 *
 *   certification  both keys of a person           asks the authority for a certificate over them (two signatures, as a request)
 *   statement    keys of two officers              what the authority's key is to sign (two signatures, as a request)
 *   certificate  authority key                     this person's two keys
 *   roster       authority key                     who is certified now; its number never steps back; 14 days
 *   server-keys  authority key                     which keys speak for the servers (`server-keys.ts`)
 *   authority-key  the authority's key before it   which key is the authority's (`authority-keys.ts`)
 *   request      specialist key AND support key    JWS JSON serialization with two signatures (RFC 7515 section 7.2.1)
 *   withdrawal   specialist key                    that this person takes the request back, or ends its session
 *   ticket       main server's ticket key          carries SHA-256 of the request's payload
 *   answer       device key                        picked up, approved or refused
 *   admission    session key or device key         one leg at one access server, over that server's nonce
 *   link         session key or device key         one end of the link on one path, over both ends' nonces (`node/link.ts`)
 *   head         each party's audit key            how far its audit log goes
 *   beat         an access server's key            that it is there, and how much it carries
 *   bulletin     main server's ticket key          for which devices something waits (`access-api.ts`)
 *   licences     main server's ticket key          which licensed features a device has a subscription for (`licences.ts`)
 *   policy       the customer's policy key         what a device lets in (`device-policy.ts`)
 *   approval     a customer's approver             that this very request may come in (`agent/access/second-key.ts`)
 *   update       the vendor's offline update key   what the desktop client may become (`update-manifest.ts`)
 *   licensed-software  the vendor's offline release key  the file of a licensed feature (`licensed-software.ts`)
 *
 * Times are Unix seconds. Hashes are base64url of SHA-256. Unknown fields are refused.
 */
export const jwsTypes = {
  certification: 'gantry-certification+jwt',
  statement: 'gantry-statement+jwt',
  certificate: 'gantry-certificate+jwt',
  roster: 'gantry-roster+jwt',
  'server-keys': 'gantry-server-keys+jwt',
  'authority-key': 'gantry-authority-key+jwt',
  request: 'gantry-request+jwt',
  withdrawal: 'gantry-withdrawal+jwt',
  ticket: 'gantry-ticket+jwt',
  answer: 'gantry-answer+jwt',
  admission: 'gantry-admission+jwt',
  link: 'gantry-link+jwt',
  head: 'gantry-head+jwt',
  beat: 'gantry-beat+jwt',
  bulletin: 'gantry-bulletin+jwt',
  licences: 'gantry-licences+jwt',
  notice: 'gantry-notice+jwt',
  policy: 'gantry-policy+jwt',
  approval: 'gantry-approval+jwt',
  update: 'gantry-update+jwt',
  'licensed-software': 'gantry-licensed-software+jwt',
} as const
export type JwsType = keyof typeof jwsTypes

const base64url32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
/** base64url of 32 bytes: a SHA-256, a nonce. */
export const Hash = base64url32
export type Hash = z.infer<typeof Hash>
/** A public P-256 key as JWK (RFC 7518 section 6.2): exactly these four members. */
export const PublicJwk = z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: base64url32, y: base64url32 })
export type PublicJwk = z.infer<typeof PublicJwk>
export const CompactJws = z
  .string()
  .max(20_000)
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/)
export type CompactJws = z.infer<typeof CompactJws>
export const unixSeconds = z.number().int().min(1_600_000_000).max(9_999_999_999)

/** Printable text of one line: no control characters, no bidirectional overrides. What a person reads at the device must be what was typed. */
export const plainText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
    .regex(/^[^\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$/)

export const CertificatePayload = z.strictObject({
  version: z.literal(1),
  specialistId: SpecialistId,
  username: z.string().regex(/^[a-z][a-z0-9._-]{1,31}$/),
  name: plainText(80),
  employer: plainText(80),
  country: z.string().regex(/^[A-Z]{2}$/),
  specialistKey: PublicJwk,
  supportKey: PublicJwk,
  issuedAt: unixSeconds,
  expiresAt: unixSeconds,
})
export type CertificatePayload = z.infer<typeof CertificatePayload>

/** What a workstation asks the authority for: this person's two new keys, each of which signs. */
export const CertificationPayload = CertificatePayload.omit({ expiresAt: true })
export type CertificationPayload = z.infer<typeof CertificationPayload>

export const RosterPayload = z.strictObject({
  version: z.literal(1),
  number: z.number().int().positive(),
  issuedAt: unixSeconds,
  expiresAt: unixSeconds,
  /** RFC 7638 thumbprints of both keys of each certified person. */
  specialists: z.array(z.strictObject({ specialistId: SpecialistId, username: z.string(), specialistKey: Hash, supportKey: Hash })).max(10_000),
})
export type RosterPayload = z.infer<typeof RosterPayload>

/** What the specialist asks for. `commitment` is SHA-256 of the nonce C, revealed only after the device drew its own (matching code). */
export const RequestPayload = z.strictObject({
  version: z.literal(1),
  id: RequestId,
  deviceId: DeviceId,
  specialistId: SpecialistId,
  access: AccessLevel,
  serviceKind: ServiceKind,
  reason: plainText(requestLimits.maxReasonCharacters),
  caseId: plainText(requestLimits.maxCaseCharacters).min(1),
  minutes: z.number().int().min(requestLimits.minMinutes).max(requestLimits.maxMinutes),
  sessionKey: PublicJwk,
  commitment: Hash,
  issuedAt: unixSeconds,
})
export type RequestPayload = z.infer<typeof RequestPayload>

/** RFC 7515 general JSON serialization with exactly two signatures, in the order that its kind says: first the specialist key's, then the support key's. */
export const SignedRequest = z.strictObject({
  payload: z.string().max(12_000),
  signatures: z.array(z.strictObject({ protected: z.string().max(400), signature: z.string().max(200) })).length(2),
})
export type SignedRequest = z.infer<typeof SignedRequest>

/** R062: who takes a request back (`cancel`, before approval) or ends its session (`end`) signs that, so that no server can say it in their name. */
export const WithdrawalPayload = z.strictObject({
  version: z.literal(1),
  requestId: RequestId,
  deviceId: DeviceId,
  specialistId: SpecialistId,
  kind: z.enum(['cancel', 'end']),
  at: unixSeconds,
})
export type WithdrawalPayload = z.infer<typeof WithdrawalPayload>

/** `name` is the access server's own name, which admissions repeat; `site` is shown to people. */
export const AccessServerRef = z.strictObject({
  name: z.string().max(60),
  site: z.string().max(60),
  host: z.string().max(253),
  port: z.number().int().min(1).max(65535),
})
export type AccessServerRef = z.infer<typeof AccessServerRef>

/** R028: names exactly one access server and its fallback. Not a bearer secret: each admission proves the session or device key. */
export const TicketPayload = z.strictObject({
  version: z.literal(1),
  id: TicketId,
  requestId: RequestId,
  requestHash: Hash,
  deviceId: DeviceId,
  specialistId: SpecialistId,
  access: AccessLevel,
  /** What the person's profile narrows it to. */
  limits: ProfileLimits,
  /** The person at the device is asked whatever the device's rule says: the specialist comes from where the customer may refuse each time (R084). */
  ask: z.boolean(),
  minutes: z.number().int().min(1).max(requestLimits.maxMinutes),
  sessionKey: PublicJwk,
  deviceKey: PublicJwk,
  accessServer: AccessServerRef,
  fallback: AccessServerRef.nullable(),
  issuedAt: unixSeconds,
  joinBefore: unixSeconds,
})
export type TicketPayload = z.infer<typeof TicketPayload>

/** The device's word, signed with its key. `draw` is the nonce D; `hostKey` the SSH host key as `ecdsa-sha2-nistp256 AAAA…`. */
export const AnswerPayload = z.strictObject({
  version: z.literal(1),
  requestId: RequestId,
  ticketId: TicketId,
  ticketHash: Hash,
  deviceId: DeviceId,
  at: unixSeconds,
  answer: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('picked-up'), rule: z.enum(['allow', 'ask', 'ask-typed']), draw: Hash, hostKey: z.string().max(400) }),
    z.strictObject({ kind: z.literal('asking'), answerBefore: unixSeconds }),
    z.strictObject({ kind: z.literal('approved'), by: z.enum(['policy', 'person']), hostKey: z.string().max(400) }),
    /** `code` is one of `errors.ts`. */
    z.strictObject({ kind: z.literal('refused'), code: z.string().max(60), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() }),
  ]),
})
export type AnswerPayload = z.infer<typeof AnswerPayload>

export const Side = z.enum(['client', 'agent'])
export type Side = z.infer<typeof Side>
/** `control-1` carries the session; `control-2` … `control-9` are joined connections (eight at most); `files-N` carry files. */
export const LegName = z.string().regex(/^(control-[1-9]|files-[1-9][0-9]{0,3})$/)
export type LegName = z.infer<typeof LegName>

/** Which end says it, on which leg, for the how-manieth time, at which access server. */
const legEnd = {
  version: z.literal(1),
  ticketId: TicketId,
  side: Side,
  leg: LegName,
  epoch: z.number().int().min(1).max(1_000_000),
  accessServer: z.string().max(60),
}

export const AdmissionPayload = z.strictObject({ ...legEnd, nonce: Hash })
export type AdmissionPayload = z.infer<typeof AdmissionPayload>

/** What an end of the link says when it comes (back) on a path: architecture 3.3. `received`: octets received in order so far. */
export const LinkProofPayload = z.strictObject({
  ...legEnd,
  received: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  clientNonce: Hash,
  agentNonce: Hash,
})
export type LinkProofPayload = z.infer<typeof LinkProofPayload>
