import { z } from 'zod'
import { requestLimits } from './access-request.ts'
import { actions } from './actions.ts'
import { HostName } from './allow-list.ts'
import { DayHours, TimeZone } from './hours.ts'
import { DeviceId } from './ids.ts'
import { FilesLimits, LevelRules } from './profile.ts'
import { PublicJwk } from './ticket.ts'

const port = z.number().int().min(1).max(65_535)

/** A folder or a file below the root of the device's files, as specialists see it: `/patients`. */
const FilePath = z
  .string()
  .max(1_000)
  .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/)

/**
 * A passkey of the customer's (WebAuthn Level 3): as an approver it is pinned with the one page that may ask for it. `rpId` is that page's own domain or one above it; without TLS a
 * browser gives passkeys to `localhost` alone. No attestation: whose hands made the key, the policy's owner judges.
 */
export const PasskeyApprover = z
  .strictObject({
    kind: z.literal('passkey'),
    /** base64url; 1023 octets at most (section 4). */
    credentialId: z.string().regex(/^[A-Za-z0-9_-]{16,1364}$/),
    publicKey: PublicJwk,
    rpId: HostName,
    origin: z.string().max(300),
  })
  .refine(({ origin, rpId }) => isPageOf(origin, rpId), { path: ['origin'] })
export type PasskeyApprover = z.infer<typeof PasskeyApprover>

/** One text for one origin, as a browser writes it in what it has signed. */
function isPageOf(origin: string, rpId: string): boolean {
  const [, host = '', ownPort] = /^(?:https:\/\/|http:\/\/(?=localhost(?::|$)))([a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?$/.exec(origin) ?? []
  const usual = origin.startsWith('https:') ? 443 : 80
  const isPort = ownPort === undefined || (Number(ownPort) <= 65_535 && Number(ownPort) !== usual)
  return isPort && (host === rpId || host.endsWith(`.${rpId}`))
}

export const Approver = z.union([PublicJwk, PasskeyApprover])
export type Approver = z.infer<typeof Approver>

/**
 * The device's own policy: what the customer decides, and no server can change (decision 20). A device that never had one takes the defaults below. Every member
 * can be set alone; a member that this version does not know is refused, since it may be what a door was closed with.
 */
export const Policy = z.strictObject({
  version: z.literal(1),
  /** `off`: the agent sends not one packet (R008). */
  connectivity: z.enum(['on', 'off']).default('on'),
  /** Of the servers that its configuration and enrolment name, those that it may reach (R047); null: all of them. */
  servers: z
    .array(z.strictObject({ host: HostName, port: port.default(443) }))
    .max(40)
    .nullable()
    .default(null),
  /** When somebody may come in, by this clock (null: the device's own zone); a session that is open ends with them. Null: at any time (R047). */
  hours: z
    .strictObject({ timeZone: TimeZone.nullable().default(null), open: z.array(DayHours).max(20) })
    .nullable()
    .default(null),
  /** The poll is held open between sessions too, so that a request rings at once. Off by default: no socket between polls (R053). */
  instantPickup: z.boolean().default(false),
  /** A session on the operating system needs a main server that answers: without one it ends after a minute. Else an open session outlives it. */
  strict: z.boolean().default(false),
  /** Where the main server cannot be reached, ask the access servers whether it has something for this device (agent's `bulletin.ts`). Off by default. */
  bulletin: z.boolean().default(false),
  /** R081: presence, which is the code typed in at the panel, for the application and the operating system. */
  rules: LevelRules.strict().default({ diagnostics: 'ask', files: 'ask', application: 'ask-typed', os: 'ask-typed' }),
  /**
   * The second key: where there are any, a request comes in only with the signature of one of these, keys or passkeys, as well, whatever ticket it has; the agent's `access/second-key.ts`.
   */
  approvers: z.array(Approver).max(16).default([]),
  /** Against approval by habit (threat T6): one more is refused before anything rings. */
  requestsPerHour: z.number().int().min(0).max(1_000).default(3),
  /** How long a question stands at the panel; then it is refused. */
  answerSeconds: z.number().int().min(15).max(requestLimits.answerSeconds).default(requestLimits.answerSeconds),
  /** Minutes without a byte at the agent after which a session ends. */
  idleMinutes: z.number().int().min(1).max(480).default(15),
  /** How long a session may last, more time included; a request for more is refused. */
  sessionMinutes: z.number().int().min(1).max(requestLimits.maxMinutes).default(requestLimits.maxMinutes),
  /** What may move in one session, both ways together, MB of 10⁶ octets; then it ends (`budget`). Null: as much as it takes. */
  sessionMegabytes: z.number().int().min(1).max(10_000_000).nullable().default(null),
  files: z
    .strictObject({
      toDevice: z.boolean().default(true),
      fromDevice: z.boolean().default(true),
      maxFileBytes: FilesLimits.shape.maxFileBytes.default(16 * 1024 ** 3),
      /** The only places that can be reached, with all that lies in them; null: all that the device opens to specialists. */
      paths: z.array(FilePath).max(50).nullable().default(null),
      /** What may hold patient data: shut through every door until the person at the device says yes in that very session (R086). */
      restricted: z.array(FilePath).max(50).default([]),
    })
    .prefault({}),
  /** Those that may be asked for; null: every one that the level holds. */
  actions: z
    .array(z.enum(Object.keys(actions) as [keyof typeof actions, ...(keyof typeof actions)[]]))
    .nullable()
    .default(null),
  /** ISO 3166-1 codes that a specialist may work from, as the authority certified; null: any. */
  countries: z
    .array(z.string().regex(/^[A-Z]{2}$/))
    .max(300)
    .nullable()
    .default(null),
})
export type Policy = z.infer<typeof Policy>

export const defaultPolicy: Policy = Policy.parse({ version: 1 })

/** What the owner's key signs. */
export const PolicyStatement = z.strictObject({
  version: z.literal(1),
  /** Never steps back on a device: an older policy, put in the place of a newer, is refused. */
  serial: z.number().int().positive().max(Number.MAX_SAFE_INTEGER),
  /** The one device that it is for; null: every device whose policy this key owns. */
  device: DeviceId.nullable(),
  /** Who signs the next one. The first that a device ever sees pins it; another key gets in only by a statement of the one before. */
  owner: PublicJwk,
  /** Unix seconds. */
  issuedAt: z.number().int().positive(),
  policy: Policy,
})
export type PolicyStatement = z.infer<typeof PolicyStatement>

/** Why a device goes by no policy, so that nobody comes in. Each has its words for the panel and for whoever asked. */
export const policyFaults = ['missing', 'damaged', 'unsigned', 'signature', 'unknown', 'older', 'other-device', 'forgotten'] as const
export const PolicyFault = z.enum(policyFaults)
export type PolicyFault = z.infer<typeof PolicyFault>

/** Above any policy. octets */
export const maxPolicyBytes = 65_536
