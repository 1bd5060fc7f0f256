import crypto, { createSecretKey, type KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'

/**
 * What makes ssh2 fast without its native addon (performance.md section 4), and the only place that loads it.
 *
 * Node's `createCipheriv` spends 9 µs more on a key that comes as octets than on a `KeyObject`, and ssh2 calls it for every packet of AES-GCM with
 * octets. Its crypto file takes the functions out of `node:crypto` when it is loaded; just then they are replaced by ones that remember the KeyObject
 * of each key buffer (weakly: the keys of a connection go with it).
 */
const { createCipheriv, createDecipheriv } = crypto
const keyObjects = new WeakMap<object, KeyObject>()

function keyObjectOf(key: unknown): unknown {
  if (!Buffer.isBuffer(key)) return key
  const known = keyObjects.get(key)
  if (known) return known
  const made = createSecretKey(key)
  keyObjects.set(key, made)
  return made
}

type CreateCipher = (algorithm: string, key: unknown, ...rest: unknown[]) => unknown
const withKeyObject =
  (create: CreateCipher): CreateCipher =>
  (algorithm, key, ...rest) =>
    create(algorithm, keyObjectOf(key), ...rest)

Object.assign(crypto, {
  createCipheriv: withKeyObject(createCipheriv as CreateCipher),
  createDecipheriv: withKeyObject(createDecipheriv as CreateCipher),
})
export const ssh2 = (await import('ssh2')).default
Object.assign(crypto, { createCipheriv, createDecipheriv })

/**
 * ssh2 writes three pieces per packet (length, body, tag). On a TLS socket each would be a record of its own; corked for the rest of the turn they are one.
 * Changes the stream itself, since ssh2 calls its `write`. `onWrite` is told how many octets leave.
 */
export function corkPerTurn<S extends Duplex>(stream: S, onWrite: (bytes: number) => void): S {
  const write = stream.write.bind(stream) as (chunk: unknown) => boolean
  let corked = false
  const uncork = () => {
    corked = false
    stream.uncork()
  }
  stream.write = ((chunk: Buffer) => {
    onWrite(chunk.length)
    if (!corked) {
      corked = true
      stream.cork()
      process.nextTick(uncork)
    }
    return write(chunk)
  }) as Duplex['write']
  return stream
}

/** SFTP clients of ssh2 ask for 255 KiB at once only if the server calls itself OpenSSH; 34,000 octets otherwise (its lib/protocol/SFTP.js). */
export const ident = 'OpenSSH_9.9 Gantry'

/** Both ends' lists hold nothing else; AEAD ciphers need no MAC, and ssh2 wants a list all the same. */
export const algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
  serverHostKey: ['ecdsa-sha2-nistp256'],
  cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com'],
  hmac: ['hmac-sha2-256-etm@openssh.com'],
  compress: ['none'],
} as const

/** RFC 4253 section 9: new keys after a gigabyte or an hour. ssh2 does neither by itself. */
export const rekeyAfter = { bytes: 1024 ** 3, ms: 3_600_000 } as const
