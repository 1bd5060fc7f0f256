import type { Readable } from 'node:stream'

/**
 * The memory of what was read, given back at once. Node reads into a new buffer of 16 KiB each time, and V8 takes it for garbage to be found: for every 20 to 30 MB it walks the whole heap, which
 * costs more than the transfer itself (decision 29). Whoever has copied a piece, or written it on, gives its buffer back by detaching it (ECMA-262 section 25.1.6.8).
 *
 * HTTP/2 hands bodies out in views. One buffer may hold the end of one body and the beginning of another, or of two streams. In a buffer views lie in the order in which they came, so the last one of a buffer is also the
 * last to be read, unless another stream still holds one: then nothing is given back, and the collector finds it.
 */
const siblings = new WeakMap<Readable, Set<Readable>>()
const bySession = new WeakMap<object, Set<Readable>>()
/** Smaller ones may lie in the pool that all small buffers of the process share. */
const leastBytes = 8_192

/** At the stream's creation, before anything can have come. */
export function watchBody(session: object, stream: Readable): void {
  const all = bySession.get(session) ?? new Set()
  bySession.set(session, all.add(stream))
  siblings.set(stream, all)
  // What was received whole may be closed before it is read.
  stream.once('close', () => stream.readableLength === 0 && forgetBody(stream))
}

/** Nobody reads it any more. */
export function forgetBody(stream: Readable): void {
  siblings.get(stream)?.delete(stream)
}

/** `chunk` came from `stream` just now and has been copied; in the next tick it is empty, or as it was. */
export function giveBack(stream: Readable, { buffer, byteOffset, length }: Buffer): void {
  const all = siblings.get(stream)
  if (!all || length < leastBytes || byteOffset + length < buffer.byteLength) return
  // Node tells of a new stream in a tick of its own, when its first octets may be there already; that tick was asked for before this one.
  process.nextTick(() => {
    for (const other of all) if (other !== stream && other.readableLength > 0) return
    detach(buffer)
  })
}

/** `chunk` has been written on; it is given back where it is the whole of its buffer, as each piece is that a socket has read. */
export function giveBackWhole({ buffer, length }: Buffer): void {
  if (length === buffer.byteLength) detach(buffer)
}

function detach(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
