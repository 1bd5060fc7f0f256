import type { Stats } from 'node:fs'
import type { Attributes } from './device-files.ts'

/**
 * The octets of SFTP version 3 (draft-ietf-secsh-filexfer-02), the version that OpenSSH, scp, rclone, sshfs and every other client speaks.
 * A packet is uint32 length, byte type, uint32 request id, then fields. Lengths are checked before anything is copied.
 */
export const request = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const

export const answer = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extendedReply: 201 } as const

export const status = { ok: 0, eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const
export type Status = (typeof status)[keyof typeof status]

/** As OpenSSH's own server: a request or answer of 256 KiB, of which 255 KiB may be a file's content (sftp-common.h, sftp-server.c). */
export const sftpLimits = { maxPacketBytes: 262_144, maxDataBytes: 261_120, maxHandles: 256 } as const

export const openFlag = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const
const attrFlag = { size: 1, owner: 2, mode: 4, times: 8, extended: 0x80000000 } as const

/** A packet that ends before its fields do, or whose text is not UTF-8. */
export class BadPacket extends Error {}

export class PacketReader {
  readonly type: number
  readonly id: number
  readonly #data: Buffer
  #at = 5

  constructor(data: Buffer) {
    this.#data = data
    if (data.length < 5) throw new BadPacket('short')
    this.type = data.readUInt8(0)
    this.id = data.readUInt32BE(1)
  }

  uint32(): number {
    return this.#take(4).readUInt32BE(0)
  }

  /** 64 bits; beyond 2^53 it is nonsense for a file and refused. */
  uint64(): number {
    const value = this.#take(8).readBigUInt64BE(0)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new BadPacket('offset')
    return Number(value)
  }

  /** The octets themselves, not a copy. */
  octets(): Buffer {
    return this.#take(this.uint32())
  }

  text(): string {
    try {
      return decoder.decode(this.octets())
    } catch (error) {
      throw new BadPacket('text', { cause: error })
    }
  }

  attributes(): Attributes & { owner: boolean } {
    const flags = this.uint32()
    const attributes: Attributes & { owner: boolean } = { owner: (flags & attrFlag.owner) !== 0 }
    if (flags & attrFlag.size) attributes.size = this.uint64()
    if (flags & attrFlag.owner) this.#take(8)
    if (flags & attrFlag.mode) attributes.mode = this.uint32() & 0o7777
    if (flags & attrFlag.times) {
      attributes.accessedSeconds = this.uint32()
      attributes.modifiedSeconds = this.uint32()
    }
    return attributes
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#data.length) throw new BadPacket('short')
    const part = this.#data.subarray(this.#at, end)
    this.#at = end
    return part
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const packets = {
  /** The extensions' names and versions as OpenSSH's PROTOCOL file (section 4) tells them. */
  version: (extensions: Record<string, string>) => {
    const pairs = Object.entries(extensions).flatMap(([name, version]) => [text(name), text(version)])
    const body = Buffer.concat([byte(answer.version), uint32(3), ...pairs])
    return Buffer.concat([uint32(body.length), body])
  },
  status: (id: number, code: Status, message: string) => packet(answer.status, id, [uint32(code), text(message), text('en')]),
  handle: (id: number, handle: number) => packet(answer.handle, id, [uint32(4), uint32(handle)]),
  attributes: (id: number, stat: Stats) => packet(answer.attrs, id, [attributes(stat)]),
  data: (id: number, data: Buffer) => packet(answer.data, id, [uint32(data.length), data]),
  names: (id: number, names: { name: string; longName: string; stat: Stats | null }[]) =>
    packet(answer.name, id, [
      uint32(names.length),
      ...names.flatMap(({ name, longName, stat }) => [text(name), text(longName), stat ? attributes(stat) : uint32(0)]),
    ]),
  extended: (id: number, values: bigint[]) => packet(answer.extendedReply, id, values.map(uint64)),
}

/** Handles are ours: four octets. Anything else names nothing. */
export function handleOf(octets: Buffer): number {
  return octets.length === 4 ? octets.readUInt32BE(0) : -1
}

function packet(type: number, id: number, fields: Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 5)
  const head = Buffer.allocUnsafe(9)
  head.writeUInt32BE(length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, ...fields], length + 4)
}

function attributes(stat: Stats): Buffer {
  const buffer = Buffer.allocUnsafe(32)
  buffer.writeUInt32BE(attrFlag.size | attrFlag.owner | attrFlag.mode | attrFlag.times, 0)
  buffer.writeBigUInt64BE(BigInt(stat.size), 4)
  buffer.writeUInt32BE(stat.uid >>> 0, 12)
  buffer.writeUInt32BE(stat.gid >>> 0, 16)
  buffer.writeUInt32BE(stat.mode >>> 0, 20)
  // 32 bits of seconds is all that version 3 has.
  buffer.writeUInt32BE(seconds(stat.atimeMs), 24)
  buffer.writeUInt32BE(seconds(stat.mtimeMs), 28)
  return buffer
}

function seconds(ms: number): number {
  return Math.min(Math.max(Math.trunc(ms / 1_000), 0), 0xffffffff)
}

function byte(value: number): Buffer {
  return Buffer.from([value])
}

function uint32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4)
  buffer.writeUInt32BE(value >>> 0, 0)
  return buffer
}

function uint64(value: bigint): Buffer {
  const buffer = Buffer.allocUnsafe(8)
  buffer.writeBigUInt64BE(value, 0)
  return buffer
}

function text(value: string): Buffer {
  const octets = Buffer.from(value)
  return Buffer.concat([uint32(octets.length), octets])
}

/** Whole packets, without their length, from a stream of octets. Throws `BadPacket` for a length beyond the limit, before it is kept. */
export async function* readPackets(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  let parts: Buffer[] = []
  let have = 0
  let want = 4
  let header = true
  for await (let chunk of stream) {
    while (chunk.length > 0) {
      const part = chunk.subarray(0, want - have)
      chunk = chunk.subarray(part.length)
      parts.push(part)
      have += part.length
      if (have < want) break
      const whole = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, have)
      parts = []
      have = 0
      if (header) {
        want = whole.readUInt32BE(0)
        if (want < 1 || want > sftpLimits.maxPacketBytes) throw new BadPacket('length')
      } else {
        want = 4
        yield whole
      }
      header = !header
    }
  }
}
