import { hkdfSync, timingSafeEqual } from 'node:crypto'
import type { CompactJws, Hash, PublicJwk } from '../ticket.ts'
import { sha256, thumbprint } from './signing.ts'

/**
 * The matching code: six digits that both ends work out alone (architecture 2, R080). Commit first, reveal later: the signed request holds SHA-256(C),
 * the device posts D after its own checks, and only then C is revealed. A server that picks ticket fields therefore cannot grind a code:
 * when it may choose it does not know C, and when it knows C everything else is fixed.
 *
 *   HKDF-SHA-256 (RFC 5869): IKM = C || D, salt = SHA-256(ticket), info = "gantry matching code 1" || SHA-256(session key) || SHA-256(host key)
 *   code = first 8 octets, big-endian, modulo 1,000,000; the bias is below 10^-13
 */
export type MatchingCodeInput = { ticket: CompactJws; sessionKey: PublicJwk; hostKey: string; c: Hash; d: Hash }

export function matchingCode({ ticket, sessionKey, hostKey, c, d }: MatchingCodeInput): string {
  const bytes = (text: Hash) => Buffer.from(text, 'base64url')
  const info = Buffer.concat([Buffer.from('gantry matching code 1'), bytes(thumbprint(sessionKey)), bytes(sha256(hostKey))])
  const key = hkdfSync('sha256', Buffer.concat([bytes(c), bytes(d)]), bytes(sha256(ticket)), info, 8)
  return (Buffer.from(key).readBigUInt64BE() % 1_000_000n).toString().padStart(6, '0')
}

/** SHA-256 of the nonce's 32 octets: what the signed request commits to. */
export function commitmentTo(nonce: Hash): Hash {
  return sha256(Buffer.from(nonce, 'base64url'))
}

/** Constant-time comparison of a typed code; spaces are ignored. */
export function codesMatch(typed: string, code: string): boolean {
  const digits = Buffer.from(typed.replaceAll(/\s/g, ''))
  const expected = Buffer.from(code)
  return digits.length === expected.length && timingSafeEqual(digits, expected)
}
