import { z } from 'zod'
import { requestLimits } from './access-request.ts'
import { DeviceId, RequestId } from './ids.ts'
import { AccessLevel, ServiceKind } from './profile.ts'
import { plainText } from './ticket.ts'

/**
 * What the customer's contact outside the device is owed before a session may start (R084): `told`, so that a refusal is possible; or `accepted`, and then no
 * answer is a refusal.
 */
export const NoticeRule = z.enum(['none', 'told', 'accepted'])
export type NoticeRule = z.infer<typeof NoticeRule>

/** `telling`: the message has not arrived yet. `answer`: it has, and the contact must accept. */
export const AwaitedContact = z.enum(['telling', 'answer'])
export type AwaitedContact = z.infer<typeof AwaitedContact>

export const noticeLimits = {
  /** In which the contact must have been told. */
  tellSeconds: 60,
  /** In which the contact must have answered, where the rule wants that. What is left of a ticket's time is the device's. */
  answerSeconds: 120,
  maxMailAddresses: 5,
  /** Per device: what is refused at the device is not asked again and again outside of it. */
  maxPerHour: 6,
} as const

const text = plainText(120)

/**
 * Who wants to connect to what. It holds no patient data and nothing that a person typed but the case's number: the reason stands at the device.
 */
export const NoticeFacts = z.strictObject({
  requestId: RequestId,
  specialist: z.strictObject({ name: text, employer: text, city: text, country: text, tier: z.number().int() }),
  customer: text,
  site: z.strictObject({ name: text, city: text, timeZone: z.string().max(60) }),
  device: z.strictObject({ id: DeviceId, name: text, serial: text }),
  access: AccessLevel,
  serviceKind: ServiceKind,
  caseId: plainText(requestLimits.maxCaseCharacters),
  minutes: z.number().int(),
  /** It came from a colleague who had the case before. */
  escalated: z.boolean(),
})
export type NoticeFacts = z.infer<typeof NoticeFacts>

/**
 * The body of a webhook: POST, `application/jose`, a compact JWS (typ `gantry-notice+jwt`) by the main server's ticket key, which `/.well-known/gantry` tells. The
 * receiver checks signature, `audience` (its own address, exactly), that `issuedAt` is less than five minutes away, and that it has not seen `id` before:
 * a notice that is sent again has the same one. Any answer 2xx counts as told; its body is not read.
 */
export const NoticePayload = z.strictObject({
  version: z.literal(1),
  id: z.string().max(40),
  audience: z.url(),
  issuedAt: z.number().int(),
  rule: NoticeRule.exclude(['none']),
  /** POST `answer=refuse`, or `answer=accept` where the rule is `accepted`, as a form; once. */
  answerUrl: z.url(),
  /** Seconds since 1970: of the rule `accepted`. A refusal is taken as long as request or session live. */
  answerBefore: z.number().int().nullable(),
  facts: NoticeFacts,
})
export type NoticePayload = z.infer<typeof NoticePayload>
