import { z } from 'zod'
import { Hash, PublicJwk, unixSeconds } from './ticket.ts'

/**
 * Which keys speak for the vendor's servers (typ `server-keys`, signed by the authority, so by two officers). Devices get it in their polls, access servers with their
 * beats. It stands for the ticket key that was pinned at enrolment or named in a config: no server, and no key that lies on one, can put another in its place (decision 26).
 */
export const ServerKeys = z.strictObject({
  /** The newest first: it signs. One with an end counts until then, so that old and new hold beside each other. Those that are over stay listed, so that their end is known. */
  ticketKeys: z
    .array(z.strictObject({ key: PublicJwk, until: unixSeconds.nullable() }))
    .min(1)
    .max(6)
    .refine(([newest]) => newest?.until === null, 'the newest has an end')
    .refine((all) => new Set(all.map(({ key }) => key.x)).size === all.length, 'a key twice'),
  /** SHA-256 of the DER of each CA that may certify devices; the first does so now. */
  deviceCas: z.array(Hash).min(1).max(4),
  /** SHA-256 of the DER of server certificates that count no more, whatever their CA says. */
  revoked: z.array(Hash).max(64),
})
export type ServerKeys = z.infer<typeof ServerKeys>

export const ServerKeysPayload = ServerKeys.extend({
  version: z.literal(1),
  /** Of the roster that was signed with it; it never steps back. */
  number: z.number().int().positive(),
  issuedAt: unixSeconds,
})
export type ServerKeysPayload = z.infer<typeof ServerKeysPayload>

/** Under which keys a ticket counts at a moment (Unix seconds). */
export type TicketKeys = (now: number) => readonly PublicJwk[]

export function ticketKeysAt({ ticketKeys }: ServerKeys, now: number): PublicJwk[] {
  return ticketKeys.filter(({ until }) => until === null || now <= until).map(({ key }) => key)
}
