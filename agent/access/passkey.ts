import { verify } from 'node:crypto'
import type { PasskeyApprover } from '@gantry/shared/device-policy.ts'
import { publicKeyFrom, sha256 } from '@gantry/shared/node/signing.ts'
import type { Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/**
 * What a passkey says, judged without a network (W3C Web Authentication Level 3). Of the whole specification a device needs one algorithm, ES256, and no attestation, so that nothing
 * here decodes CBOR or a certificate (decision 34 weighs the library that the main server has). Binary members are base64url.
 */
const bytes = (most: number) => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{1,${most}}$`))

/** `AuthenticatorAssertionResponse` (section 5.2.2) with the id of its credential. */
export const PasskeyAssertion = z.strictObject({
  credentialId: bytes(1_364),
  authenticatorData: bytes(500),
  clientDataJSON: bytes(1_000),
  signature: bytes(120),
})
export type PasskeyAssertion = z.infer<typeof PasskeyAssertion>

/** The members that are judged; browsers may add others, and do (section 5.8.1). */
const ClientData = z.looseObject({
  type: z.string(),
  challenge: z.string(),
  origin: z.string(),
  crossOrigin: z.literal(false).optional(),
  topOrigin: z.undefined().optional(),
})

/** Section 6.1: who relies on it (32 octets), flags, a counter (4). */
const flagsAt = 32
const headBytes = 37
/** A person was there, and was told apart by finger, face or PIN. */
const presentAndVerified = 0x01 | 0x04
const attested = 0x40

type Page = Pick<PasskeyApprover, 'rpId' | 'origin'>

/**
 * Whether this very passkey signed this challenge on its own page, after it checked who touched it (section 7.2). Pure; false for whatever does not fit. The counter is not kept:
 * a challenge is one request's, which is spent.
 */
export function isSignedByPasskey(assertion: PasskeyAssertion, approver: PasskeyApprover, challenge: Hash): boolean {
  try {
    if (assertion.credentialId !== approver.credentialId) return false
    const [client, data, signature] = [octets(assertion.clientDataJSON), octets(assertion.authenticatorData), octets(assertion.signature)]
    if (!isClientData(client, 'webauthn.get', challenge, approver) || !isAuthenticatorData(data, approver)) return false
    // Node takes ECDSA signatures in DER, as WebAuthn section 6.5.5 writes them.
    return verify('sha256', Buffer.concat([data, octets(sha256(client))]), publicKeyFrom(approver.publicKey), signature)
  } catch {
    return false
  }
}

/** As the passkey was made (section 7.1), or null for one that does not fit: another challenge or page, nobody who was told apart, a key that is not P-256. */
export function readNewPasskey(made: { clientDataJSON: string; authenticatorData: string }, page: Page, challenge: Hash): PasskeyApprover | null {
  try {
    const data = octets(made.authenticatorData)
    if (!isClientData(octets(made.clientDataJSON), 'webauthn.create', challenge, page) || !isAuthenticatorData(data, page)) return null
    if (((data[flagsAt] ?? 0) & attested) === 0) return null
    // Section 6.5.1: 16 octets of the maker's, a length, the id, the key.
    const idAt = headBytes + 18
    const keyAt = idAt + data.readUInt16BE(headBytes + 16)
    const publicKey = readKey(data.subarray(keyAt, keyAt + 77))
    return publicKey && { kind: 'passkey', credentialId: data.subarray(idAt, keyAt).toString('base64url'), publicKey, rpId: page.rpId, origin: page.origin }
  } catch {
    return null
  }
}

/** A COSE_Key of ES256 on P-256 has one encoding: {1: 2, 3: -7, -1: 1, -2: x, -3: y} in CTAP2's canonical form (section 6.5.1.1), uncompressed (section 5.8.5). */
function readKey(key: Buffer): PublicJwk | null {
  const [x, y] = [key.subarray(10, 42), key.subarray(45, 77)]
  const expected = Buffer.concat([Buffer.from('a5010203262001215820', 'hex'), x, Buffer.from('225820', 'hex'), y])
  if (key.length !== 77 || !key.equals(expected)) return null
  const jwk: PublicJwk = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url') }
  // Throws for a pair that is no point of the curve.
  publicKeyFrom(jwk)
  return jwk
}

function isClientData(text: Buffer, type: string, challenge: Hash, { origin }: Page): boolean {
  const said = ClientData.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text)))
  return said.type === type && said.challenge === challenge && said.origin === origin
}

function isAuthenticatorData(data: Buffer, { rpId }: Page): boolean {
  if (data.length < headBytes || !data.subarray(0, flagsAt).equals(octets(sha256(rpId)))) return false
  return ((data[flagsAt] ?? 0) & presentAndVerified) === presentAndVerified
}

/** Buffer.from skips what is no base64url, so that many texts would mean the same octets. */
function octets(text: string): Buffer {
  const decoded = Buffer.from(text, 'base64url')
  if (decoded.toString('base64url') !== text) throw new Error('not base64url')
  return decoded
}
