import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * Passwords as Argon2id (RFC 9106) in PHC string form, so that the parameters can be raised without losing old ones. 19 MiB, two passes, one lane: the
 * OWASP minimum; it takes some 30 ms, off the main thread.
 */
const parameters = { memory: 19_456, passes: 2, parallelism: 1 }
const tagBytes = 32
const derive = promisify(argon2)

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const tag = await derive('argon2id', { ...parameters, message: password, nonce: salt, tagLength: tagBytes })
  return `$argon2id$v=19$m=${parameters.memory},t=${parameters.passes},p=${parameters.parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

const phc = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43})$/

/** Compares in constant time. Null stands for an account that does not exist: it costs the same, and the answer is always false. */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const [, memory, passes, parallelism, salt, tag] = phc.exec(stored ?? nobody) ?? []
  if (!salt || !tag) return false
  const known = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) }
  const expected = Buffer.from(tag, 'base64')
  const found = await derive('argon2id', { ...known, message: password, nonce: Buffer.from(salt, 'base64'), tagLength: tagBytes })
  return timingSafeEqual(found, expected) && stored !== null
}

const nobody = `$argon2id$v=19$m=${parameters.memory},t=${parameters.passes},p=${parameters.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** The PHC string format has base64 without padding. */
function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
