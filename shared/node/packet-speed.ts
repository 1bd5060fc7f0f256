import crypto, { createSecretKey, type KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'

/**
 * What makes ssh2 fast without its native addon (performance.md section 4), for both ends. Neither function knows ssh2: it comes in as `load`.
 */
type CreateCipher = (algorithm: string, key: unknown, ...rest: unknown[]) => unknown

/**
 * Loads a module whose ciphers then get KeyObjects. Node's `createCipheriv` spends 9 µs more on a key that comes as octets, and ssh2 hands over octets for every packet
 * of AES-GCM. Such a module takes the functions out of `node:crypto` when it is loaded; only meanwhile they are ones that remember the KeyObject of each key
 * buffer, weakly: the keys of a connection go with it.
 */
export async function loadWithKeyObjects<T>(load: () => Promise<T>): Promise<T> {
  const { createCipheriv, createDecipheriv } = crypto
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
  Object.assign(crypto, { createCipheriv: faster(createCipheriv as CreateCipher), createDecipheriv: faster(createDecipheriv as CreateCipher) })
  try {
    return await load()
  } finally {
    Object.assign(crypto, { createCipheriv, createDecipheriv })
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
