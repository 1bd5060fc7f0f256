import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'

/**
 * A small secret behind a passphrase or PIN: scrypt (RFC 7914) and AES-256-GCM. scrypt and not Argon2id, since Electron's library has only the former.
 * 128 MiB and some 0.4 s for each try, off the main thread. `purpose` is bound, so that one box can never be passed off as another.
 */
const bytesOf = (bytes: number) => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`))
export const PassphraseBox = z.strictObject({
  version: z.literal(1),
  kdf: z.literal('scrypt'),
  /** N, a power of two; r is 8 and p is 1. */
  cost: z.union([z.literal(2 ** 14), z.literal(2 ** 17)]),
  salt: bytesOf(16),
  nonce: bytesOf(12),
  /** Ciphertext and tag, base64url. */
  sealed: z
    .string()
    .max(4_000)
    .regex(/^[A-Za-z0-9_-]+$/),
})
export type PassphraseBox = z.infer<typeof PassphraseBox>
/** 2^17 everywhere but in tests, which make many boxes. */
export type BoxCost = PassphraseBox['cost']

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt)
const tagBytes = 16

export async function sealWithPassphrase(secret: string, passphrase: string, purpose: string, cost: BoxCost = 2 ** 17): Promise<PassphraseBox> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', await keyFrom(passphrase, salt, cost), nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(purpose))
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { version: 1, kdf: 'scrypt', cost, salt: text(salt), nonce: text(nonce), sealed: text(sealed) }
}

/** Null when the passphrase is wrong or the box was altered: nobody can tell the two apart. */
export async function openWithPassphrase(box: PassphraseBox, passphrase: string, purpose: string): Promise<string | null> {
  const key = await keyFrom(passphrase, Buffer.from(box.salt, 'base64url'), box.cost)
  const sealed = Buffer.from(box.sealed, 'base64url')
  try {
    const cipher = createDecipheriv('aes-256-gcm', key, Buffer.from(box.nonce, 'base64url'), { authTagLength: tagBytes })
    cipher.setAAD(Buffer.from(purpose))
    cipher.setAuthTag(sealed.subarray(-tagBytes))
    return Buffer.concat([cipher.update(sealed.subarray(0, -tagBytes)), cipher.final()]).toString('utf8')
  } catch {
    return null
  }
}

/** Two keyboards may compose one accent differently: NFKC first. */
function keyFrom(passphrase: string, salt: Buffer, cost: BoxCost): Promise<Buffer> {
  return derive(passphrase.normalize('NFKC'), salt, 32, { N: cost, r: 8, p: 1, maxmem: 2 * 128 * 8 * cost })
}

function text(bytes: Buffer): string {
  return bytes.toString('base64url')
}
