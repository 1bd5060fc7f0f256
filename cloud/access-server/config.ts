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
  /** How long joined legs may go on after SIGTERM. Production gives sessions minutes to move to the other site. */
  drainMs: z.number().int().min(0).default(3_000),
})
export type Limits = z.infer<typeof Limits>

export const Config = z.strictObject({
  /** Its own name, which tickets and admissions repeat. */
  name: z.string().min(1).max(60),
  /** Where it stands, as people read it. */
  site: z.string().min(1).max(60),
  host: z.string().max(253),
  /** 0 = any free port. */
  port: z.number().int().min(0).max(65_535),
  /** Paths of PEM files. */
  tls: z.strictObject({ cert: z.string(), key: z.string() }),
  /** The main server's public ticket key. Nothing else of the main server is known here. */
  ticketKey: PublicJwk,
  stateDir: z.string(),
  stopWithStdin: z.boolean().default(false),
  limits: Limits.prefault({}),
})
export type Config = z.infer<typeof Config>
export type ConfigInput = z.input<typeof Config>
