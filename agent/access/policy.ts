import { requestLimits } from '@gantry/shared/access-request.ts'
import { type AccessLevel, type LevelRule, LevelRules } from '@gantry/shared/profile.ts'
import { z } from 'zod'

/**
 * The device's own policy: a small file that the customer owns. The agent only reads it, and no server can change it.
 * A missing file means the defaults below; an unreadable one closes every level (see policy-file.ts).
 */
export const Policy = z.strictObject({
  version: z.literal(1),
  /** `off`: the agent sends not one packet (R008). */
  connectivity: z.enum(['on', 'off']).default('on'),
  /** The poll is held open between sessions too, so that a request rings at once. Off by default: no socket between polls (R053). */
  instantPickup: z.boolean().default(false),
  /** A session on the operating system needs a main server that answers: without one it ends after a minute. Else an open session outlives it. */
  strict: z.boolean().default(false),
  /** Where the main server cannot be reached, ask the access servers whether it has something for this device (see `../bulletin.ts`). Off by default. */
  bulletin: z.boolean().default(false),
  /** R081: presence, which is the code typed in at the panel, for the application and the operating system. */
  rules: LevelRules.default({ diagnostics: 'ask', files: 'ask', application: 'ask-typed', os: 'ask-typed' }),
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
      maxFileBytes: z
        .number()
        .int()
        .min(0)
        .max(Number.MAX_SAFE_INTEGER)
        .default(16 * 1024 ** 3),
    })
    .default({ toDevice: true, fromDevice: true, maxFileBytes: 16 * 1024 ** 3 }),
  /** ISO 3166-1 codes that a specialist may work from, as the authority certified; null: any. */
  countries: z
    .array(z.string().regex(/^[A-Z]{2}$/))
    .max(300)
    .nullable()
    .default(null),
})
export type Policy = z.infer<typeof Policy>

export const defaultPolicy: Policy = Policy.parse({ version: 1 })

/** What an unreadable policy means: nobody comes in. Connectivity stays what the last readable policy said, since the off switch is the customer's. */
export function closedPolicy(connectivity: Policy['connectivity']): Policy {
  return { ...defaultPolicy, connectivity, rules: { diagnostics: 'deny', files: 'deny', application: 'deny', os: 'deny' } }
}

export function ruleFor(policy: Policy, level: AccessLevel): LevelRule {
  return policy.rules[level]
}

export function maxBytesOf({ sessionMegabytes }: Policy): number | null {
  return sessionMegabytes === null ? null : sessionMegabytes * 1_000_000
}

/** Polls are answered every 25 s at the latest while a session is open. */
const strictSilenceMs = 60_000

/** `silentMs`: since the main server last answered. */
export function endsInSilence(policy: Policy, level: AccessLevel, silentMs: number): boolean {
  return policy.strict && level === 'os' && silentMs >= strictSilenceMs
}

export function countryIsAllowed(policy: Policy, country: string): boolean {
  return policy.countries === null || policy.countries.includes(country)
}
