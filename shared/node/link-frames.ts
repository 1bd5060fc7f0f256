import type { Duplex, Readable } from 'node:stream'
import { AppError } from '../errors.ts'

/** The octets of the link's frames; what they mean is told in `link.ts`. One header for all: type (1), count (6), length of the body (4), big endian. */
export const frameTypes = { hello: 1, proof: 2, data: 3, ack: 4, ping: 5, pong: 6, carry: 7, end: 8, gone: 9 } as const
export type FrameType = keyof typeof frameTypes

export const headerBytes = 11
export const frameLimits = { nonceBytes: 32, maxProofBytes: 2_048, maxDataBytes: 262_144 } as const

const names = Object.fromEntries(Object.entries(frameTypes).map(([name, type]) => [type, name])) as Record<number, FrameType>

export function writeHeader(frame: Buffer, type: FrameType, count: number, length: number): void {
  frame[0] = frameTypes[type]
  frame.writeUIntBE(count, 1, 6)
  frame.writeUInt32BE(length, 7)
}

export function frame(type: FrameType, count: number, body: Uint8Array | null = null): Buffer {
  const whole = Buffer.allocUnsafe(headerBytes + (body?.length ?? 0))
  writeHeader(whole, type, count, body?.length ?? 0)
  if (body) whole.set(body, headerBytes)
  return whole
}

export type Header = { type: FrameType; count: number; length: number }

/** Throws `contract.bad-input` for a type that is none, or a body longer than its type may have. */
function readHeader(bytes: Buffer): Header {
  const type = names[bytes[0] ?? 0]
  const count = bytes.readUIntBE(1, 6)
  const length = bytes.readUInt32BE(7)
  if (!type || !fits(type, length)) throw new AppError('contract.bad-input', { details: { name: 'link', field: type ?? 'type' } })
  return { type, count, length }
}

function fits(type: FrameType, length: number): boolean {
  if (type === 'hello') return length === frameLimits.nonceBytes
  if (type === 'proof') return length > 0 && length <= frameLimits.maxProofBytes
  if (type === 'data') return length > 0 && length <= frameLimits.maxDataBytes
  return length === 0
}

export type FrameSink = {
  /** A part of a data frame, as it came: `at` is the number of its first octet. */
  data(at: number, octets: Buffer): void
  /** Any other frame; it has no body once the handshake is over. */
  signal(type: FrameType, count: number): void
}

/** Takes octets in whatever pieces they come. Data is passed on at once and never copied. Throws `contract.bad-input`; nothing may be read after that. */
export function createFrameReader(sink: FrameSink): (chunk: Buffer) => void {
  const head = Buffer.alloc(headerBytes)
  let have = 0
  let at = 0
  let left = 0
  return (chunk) => {
    for (let from = 0; from < chunk.length; ) {
      if (left > 0) {
        const octets = chunk.subarray(from, from + left)
        sink.data(at, octets)
        at += octets.length
        left -= octets.length
        from += octets.length
        continue
      }
      const taken = chunk.copy(head, have, from, from + headerBytes - have)
      have += taken
      from += taken
      if (have < headerBytes) return
      have = 0
      const { type, count, length } = readHeader(head)
      if (type === 'hello' || type === 'proof') throw new AppError('contract.bad-input', { details: { name: 'link', field: type } })
      if (type === 'data') [at, left] = [count, length]
      else sink.signal(type, count)
    }
  }
}

/** One whole frame of the handshake. What follows it stays in the stream. Throws `contract.bad-input`, `server.unreachable {hop: 'stream'}`, or the signal's reason. */
export async function readFrame(stream: Duplex, expected: 'hello' | 'proof', signal: AbortSignal): Promise<{ count: number; body: Buffer }> {
  const { type, count, length } = readHeader(await readExactly(stream, headerBytes, signal))
  if (type !== expected) throw new AppError('contract.bad-input', { details: { name: 'link', field: type } })
  return { count, body: await readExactly(stream, length, signal) }
}

async function readExactly(stream: Readable, bytes: number, signal: AbortSignal): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const gone = () => reject(new AppError('server.unreachable', { details: { hop: 'stream' } }))
  const abort = () => reject(signal.reason)
  const read = () => {
    const octets: Buffer | null = stream.read(bytes)
    // At the end of a stream `read` gives what is left, however little.
    if (octets?.length === bytes) resolve(octets)
    else if (octets) gone()
  }
  if (signal.aborted) throw signal.reason
  signal.addEventListener('abort', abort, { once: true })
  stream.on('readable', read).on('end', gone).on('close', gone).on('error', gone)
  if (stream.destroyed || stream.readableEnded) gone()
  read()
  try {
    return await promise
  } finally {
    stream.off('readable', read).off('end', gone).off('close', gone).off('error', gone)
    signal.removeEventListener('abort', abort)
  }
}
