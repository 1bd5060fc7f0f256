import { z } from 'zod'
import { Hash, PublicJwk, unixSeconds } from './ticket.ts'

/**
 * Which key is the specialist authority's (typ `authority-key`, decision 30). Each statement is signed by the key that was the newest before it, so that whoever pinned any of them can follow to the
 * newest, and nobody else can lead them elsewhere. One in which a key names itself says something new of the keys before it, or pins the one that may follow.
 */
export const AuthorityKeyPayload = z.strictObject({
  version: z.literal(1),
  /** Of the roster that was signed with it; it never steps back. */
  number: z.number().int().positive(),
  issuedAt: unixSeconds,
  /** The key that signs this. */
  by: PublicJwk,
  /** The newest from now on. */
  key: PublicJwk,
  /** Until when the keys before it count; null leaves them as they were, and is for a key that names itself. */
  until: unixSeconds.nullable(),
  /** RFC 7638 thumbprint of the only key that may follow. Once it is said, nothing but that key's statement of succession changes it. */
  next: Hash.nullable(),
})
export type AuthorityKeyPayload = z.infer<typeof AuthorityKeyPayload>

/** More than a change a year for as long as any device lives. */
export const maxAuthorityStatements = 32

/** What somebody who pinned one key knows by now. */
export type AuthorityKeys = {
  /** The newest first: it signs. Those before it have an end. */
  keys: readonly [{ key: PublicJwk; until: null }, ...{ key: PublicJwk; until: number }[]]
  /** Of the newest statement that was followed; 0 for none. */
  number: number
  next: Hash | null
}

export function pinnedAuthority(key: PublicJwk): AuthorityKeys {
  return { keys: [{ key, until: null }], number: 0, next: null }
}

/** Under which keys a certificate counts at a moment (Unix seconds). */
export function authorityKeysAt({ keys }: AuthorityKeys, now: number): PublicJwk[] {
  return keys.filter(({ until }) => until === null || now <= until).map(({ key }) => key)
}
