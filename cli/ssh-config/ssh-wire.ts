import { sign } from 'node:crypto'
import { AppError } from '@gantry/shared/errors.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'

/** SSH's own encodings (RFC 4251 section 5) and P-256 keys in them (RFC 5656 section 3.1). */
export const algorithm = 'ecdsa-sha2-nistp256'
const curve = 'nistp256'

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function string(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** Reads strings and numbers in turn; throws `contract.bad-input` where the bytes end too early. Every length is held against what is there. */
export class WireReader {
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get rest(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    return this.#take(1)[0] ?? 0
  }

  uint32(): number {
    return this.#take(4).readUInt32BE()
  }

  string(): Buffer {
    return this.#take(this.uint32())
  }

  #take(length: number): Buffer {
    if (length > this.rest) throw new AppError('contract.bad-input', { details: { name: 'ssh', field: 'length' } })
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

export function publicBlob({ x, y }: PublicJwk): Buffer {
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
  return Buffer.concat([string(algorithm), string(curve), string(point)])
}

/** A line of an OpenSSH `.pub` file. */
export function publicLine(key: PublicJwk, comment: string): string {
  return `${algorithm} ${publicBlob(key).toString('base64')} ${comment}\n`
}

/** RFC 5656 section 3.1.2: r and s as mpints. */
export function signature(key: SigningKey, data: Uint8Array): Buffer {
  const raw = sign('sha256', data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
  const numbers = Buffer.concat([mpint(raw.subarray(0, 32)), mpint(raw.subarray(32))])
  return Buffer.concat([string(algorithm), string(numbers)])
}

/** An unsigned number without leading zeros; one zero in front where the first bit would read as a sign. */
function mpint(number: Buffer): Buffer {
  const first = number.findIndex((byte) => byte !== 0)
  const digits = first < 0 ? Buffer.alloc(0) : number.subarray(first)
  return string((digits[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}
