import type { SigningKey } from '../../shared/node/signing.ts'

/** A P-256 public key as OpenSSH writes it (RFC 5656 section 3.1), worked out here by itself. */
export function hostKeyLine({ publicJwk: { x, y } }: Pick<SigningKey, 'publicJwk'>): string {
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  const blob = Buffer.concat([Buffer.from('ecdsa-sha2-nistp256'), Buffer.from('nistp256'), point].map(lengthThenBytes))
  return `ecdsa-sha2-nistp256 ${blob.toString('base64')}`
}

function lengthThenBytes(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
