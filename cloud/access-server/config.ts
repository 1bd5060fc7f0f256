import { Region } from '@gantry/shared/access-api.ts'
import { legLimits } from '@gantry/shared/leg.ts'
import { PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/** What is not yet authenticated may cost this much and no more; times in milliseconds. */
export const Limits = z.strictObject({
  /** From the accepted connection to a good admission. */
  openingTimeoutMs: z.number().int().positive().default(legLimits.openingTimeoutMs),
  /** How long an admitted leg waits for the other end. */
  pairTimeoutMs: z.number().int().positive().default(legLimits.pairTimeoutMs),
  /** Connections that are not admitted yet, from one address and in all. A hospital's devices share one address, but only for the moments of a handshake. */
  maxOpeningPerAddress: z.number().int().positive().default(64),
  maxOpening: z.number().int().positive().default(1_024),
  /** Admitted legs, waiting or joined; one session has ten at most, plus files. */
  maxLegs: z.number().int().positive().default(10_000),
  maxLegsPerTicket: z.number().int().positive().default(64),
  /**
   * The time of a drain, after SIGTERM. Joined legs are ended one session after the other, evenly over it and the last before its end; the ends go on over their other access server at once. Production
   * gives it minutes, so that not all of them move in the same second.
   */
  drainMs: z.number().int().min(0).default(3_000),
})
export type Limits = z.infer<typeof Limits>

/** How it tells the main server that it is there (`shared/access-api.ts`). Without it the main server must know it by its config alone. */
const Register = z.strictObject({
  /** Origins of the people's listener, in the order in which they are tried. */
  mainServers: z
    .array(z.url({ protocol: /^https$/ }).transform((url) => new URL(url).origin))
    .min(1)
    .max(8),
  /** PEM file of the one CA that may vouch for them. */
  ca: z.string(),
  /** PEM file of its own P-256 key, made at the first start where it is missing. The log tells the public half, for the operator's list. */
  key: z.string(),
})

export const Config = z.strictObject({
  /** Its own name, which tickets and admissions repeat. */
  name: z.string().min(1).max(60),
  /** Where it stands, as people read it. */
  site: z.string().min(1).max(60),
  region: Region.default('anywhere'),
  /** Where it listens. */
  host: z.string().max(253),
  /** 0 = any free port. */
  port: z.number().int().min(0).max(65_535),
  /** Where the ends find it, if that is not where it listens. */
  publicHost: z.string().max(253).optional(),
  publicPort: z.number().int().min(1).max(65_535).optional(),
  /** Paths of PEM files. */
  tls: z.strictObject({ cert: z.string(), key: z.string() }),
  /** The main server's public ticket key. */
  ticketKey: PublicJwk,
  /** The offline authority's public key. With it, the list of the servers' keys that the main server hands on stands for `ticketKey`; without it no key is ever rotated here. */
  authorityKey: PublicJwk.nullable().default(null),
  register: Register.nullable().default(null),
  stateDir: z.string(),
  stopWithStdin: z.boolean().default(false),
  limits: Limits.prefault({}),
})
export type Config = z.infer<typeof Config>
export type ConfigInput = z.input<typeof Config>
