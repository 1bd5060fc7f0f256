import crypto, { createSecretKey, type KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'

/**
 * What makes ssh2 fast without its native addon (performance.md section 4), for both ends. Neither function knows ssh2: it comes in as `load`.
 */
type CreateCipher = (algorithm: string, key: unknown, ...rest: unknown[]) => unknown

/**
 * Loads a module that asks less of `node:crypto` for each packet. Such a module takes the functions out of it when it is loaded; only meanwhile they are others:
 * - ciphers get KeyObjects. `createCipheriv` spends 9 µs more on a key that comes as octets, and ssh2 hands over octets for every packet of AES-GCM. The KeyObject of each key
 *   buffer is remembered weakly: the keys of a connection go with it.
 * - a packet's few octets of random padding (RFC 4253 section 6) come out of a larger draw. A call to the generator costs 10 to 25 µs, however little is asked for.
 */
export async function loadWithFastCrypto<T>(load: () => Promise<T>): Promise<T> {
  const { createCipheriv, createDecipheriv, randomFillSync } = crypto
  const known = new WeakMap<object, KeyObject>()
  const keyObjectOf = (key: unknown): unknown => {
    if (!Buffer.isBuffer(key)) return key
    const made = known.get(key) ?? createSecretKey(key)
    known.set(key, made)
    return made
  }
  const faster =
    (create: CreateCipher): CreateCipher =>
    (algorithm, key, ...rest) =>
      create(algorithm, keyObjectOf(key), ...rest)
  Object.assign(crypto, {
    createCipheriv: faster(createCipheriv as CreateCipher),
    createDecipheriv: faster(createDecipheriv as CreateCipher),
    randomFillSync: drawAhead(randomFillSync as RandomFill),
  })
  try {
    return await load()
  } finally {
    Object.assign(crypto, { createCipheriv, createDecipheriv, randomFillSync })
  }
}

type RandomFill = (target: Buffer, offset?: number, size?: number) => Buffer

/** Every octet is given out once, and erased here when it is. */
function drawAhead(fill: RandomFill): RandomFill {
  const drawn = Buffer.alloc(4_096)
  let next = drawn.length
  return (target, offset = 0, size = target.length - offset) => {
    if (size > 256) return fill(target, offset, size)
    if (next + size > drawn.length) {
      fill(drawn)
      next = 0
    }
    drawn.copy(target, offset, next, next + size)
    drawn.fill(0, next, next + size)
    next += size
    return target
  }
}

/**
 * ssh2 writes three pieces per packet (length, body, tag). On a TLS socket each would be a record of its own; corked for the rest of the turn they are one.
 * Changes the stream itself, since ssh2 calls its `write`.
 */
export function corkPerTurn<S extends Duplex>(stream: S): S {
  const write = stream.write.bind(stream) as (chunk: unknown) => boolean
  let corked = false
  const uncork = () => {
    corked = false
    stream.uncork()
  }
  stream.write = ((chunk: unknown) => {
    if (!corked) {
      corked = true
      stream.cork()
      process.nextTick(uncork)
    }
    return write(chunk)
  }) as Duplex['write']
  return stream
}
