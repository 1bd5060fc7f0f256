import type { KeyObject } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import type { PublicJwk } from '../ticket.ts'
import { publicKeyFrom } from './signing.ts'

/**
 * A secret that only two people together can open: JWE (RFC 7516) to the first one's P-256 key, and that again to the second one's. ECDH-ES with A256GCM;
 * neither key alone tells anything.
 */
export async function sealToBoth(secret: string, [first, second]: readonly [PublicJwk, PublicJwk]): Promise<string> {
  return seal(await seal(secret, first), second)
}

/** Keys in the order that they were sealed to. Throws what jose throws for any that does not fit. */
export async function openByBoth(sealed: string, [first, second]: readonly [KeyObject, KeyObject]): Promise<string> {
  return open(await open(sealed, second), first)
}

function seal(text: string, to: PublicJwk): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(text)).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' }).encrypt(publicKeyFrom(to))
}

async function open(sealed: string, key: KeyObject): Promise<string> {
  const { plaintext } = await compactDecrypt(sealed, key, { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] })
  return new TextDecoder('utf-8', { fatal: true }).decode(plaintext)
}
