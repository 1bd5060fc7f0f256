import { createPrivateKey, type KeyObject, verify } from 'node:crypto'
import { publicKeyFrom } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'

/** P-256 keys as SSH has them: `ecdsa-sha2-nistp256` (RFC 5656 section 3.1). */
export const keyType = 'ecdsa-sha2-nistp256'

/** The public key's blob: string type, string curve, string uncompressed point. */
export function sshBlob({ x, y }: PublicJwk): Buffer {
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  return Buffer.concat([keyType, 'nistp256', point].map(sshString))
}

function sshString(value: string | Buffer): Buffer {
  const octets = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.length)
  return Buffer.concat([length, octets])
}

/** `signature` is DER, as ssh2 hands it over. */
export function signatureHolds(key: PublicJwk, data: Buffer, signature: Buffer): boolean {
  try {
    return verify('sha256', data, publicKeyFrom(key), signature)
  } catch {
    return false
  }
}

/** ssh2 reads SEC 1 and OpenSSH's own form, not PKCS#8. */
export function hostKeyPem(key: KeyObject | string): string {
  const privateKey = typeof key === 'string' ? createPrivateKey(key) : key
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}
