import { z } from 'zod'
import { EndCause, requestLimits } from './access-request.ts'
import { AuditLink, SignedHead } from './audit.ts'
import type { Contract } from './contract.ts'
import { Hash, LegName } from './ticket.ts'

export const MoreMinutes = z.number().int().min(5).max(requestLimits.maxMinutes)

/**
 * The SSH subsystem `gantry-session`, opened once on `control-1` by the client and kept open: lines of JSON, 64 KiB each at most.
 *   client → agent  {"id":n,"name":"leg.open","input":{…}}
 *   agent → client  {"id":n,"result":{"ok":true,"value":{…}}}   the answer, or
 *                   {"event":"activity","payload":{…}}            something to be told
 * It exists only behind both levels of authentication, so what it hands out inherits them.
 */
export const sessionCalls = {
  /** `startedAt`, `endsAt`: milliseconds since 1970. */
  'session.describe': {
    input: z.strictObject({}),
    output: z.object({ startedAt: z.number(), endsAt: z.number(), separated: z.boolean(), user: z.string(), head: SignedHead, auditKey: z.unknown() }).extend({
      /** Whether its programs have a network at all; left out by an agent that does not know. */
      network: z.enum(['none', 'open']).optional(),
      /** What may move in it; null: as much as it takes. Left out by an agent that keeps no such account. */
      used: z.object({ bytes: z.number(), maxBytes: z.number() }).nullable().optional(),
      /** What may hold patient data, and whether somebody said yes to it in this session. */
      restricted: z.object({ paths: z.array(z.string().max(1_000)).max(50), open: z.boolean() }).optional(),
    }),
  },
  /**
   * A further leg of this session. Both ends then dial the access server of the ticket with that leg's name, epoch 1.
   * `files`: each side sends SHA-256 (of the DER) of a fresh self-signed P-256 certificate; the agent accepts that pair only.
   * `control`: another SSH connection of the same person (OpenSSH through `ssh-config`), eight at most.
   * Errors: `session.too-many-connections`, `session.channel-refused` (the level holds no files).
   */
  'leg.open': {
    input: z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('files'), certificate: Hash }), z.strictObject({ kind: z.literal('control') })]),
    output: z.object({ leg: LegName, certificate: Hash.nullable() }),
  },
  /** The client's signed head, witnessed by the device; the device's newest comes back. */
  'head.exchange': { input: z.strictObject({ head: SignedHead }), output: z.object({ head: SignedHead }) },
  /**
   * So many minutes more. A session that a person allowed is prolonged by a person at the panel, whom this asks (`requestLimits.answerSeconds`); meanwhile it goes on.
   * Errors: `session.time-limit` (the device's policy), `session.time-asked` (a question stands already), `access.refused`, `access.no-answer`,
   * `access.rate-limited` (a no stands for a while).
   */
  'time.ask': { input: z.strictObject({ minutes: MoreMinutes }), output: z.object({ endsAt: z.number() }) },
  /**
   * Opens what may hold patient data, for the rest of this session: asks the person at the panel, always. Meanwhile the session goes on.
   * Errors: `session.restricted-none` (there is no such place), `access.patient-data` (not in this person's profile), `session.restricted-asked`, `access.refused`,
   * `access.no-answer`, `access.rate-limited` (a no stands for a while), `access.restricted-open` (a program that could look on runs beside the session).
   */
  'restricted.ask': { input: z.strictObject({}), output: z.strictObject({}) },
  'session.end': { input: z.strictObject({}), output: z.strictObject({}) },
} satisfies Contract
export type SessionCalls = typeof sessionCalls

export const sessionEvents = {
  /** A line of the device's audit: this session's events whole, others by hash alone. */
  activity: AuditLink,
  /** Octets that moved, of how many; told where there is a limit. */
  used: z.object({ bytes: z.number(), maxBytes: z.number() }),
  /** Sent before the agent closes the session by itself. */
  ending: z.object({ cause: EndCause }),
} satisfies Record<string, z.ZodType>
export type SessionEventName = keyof typeof sessionEvents

export const subsystems = { session: 'gantry-session', actions: 'gantry-actions', sftp: 'sftp' } as const
export const maxJoinedConnections = 8
export const maxSessionLineBytes = 65_536
