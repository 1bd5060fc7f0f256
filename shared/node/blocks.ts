import type { Readable, Writable } from 'node:stream'
import { forgetBody, giveBack } from './read-memory.ts'

/**
 * Large contents between a stream and a file. HTTP/2 and TLS cut them into pieces of 16 KiB; the disk is asked once per block, and the blocks are used again:
 * a fresh one for each piece costs more in page faults and garbage than moving the octets does.
 */
const blockBytes = 524_288
/** Blocks of one transfer that may be on their way to the disk, or to the network, at a time. */
const maxAhead = 4
const maxKept = 32
const kept: Buffer[] = []

function takeBlock(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
}

function giveBlock(block: Buffer): void {
  if (kept.length < maxKept) kept.push(block)
}

/**
 * Hands everything that comes to `write`, in order and one block after the other; the stream waits meanwhile. Resolves with true at its end and false when it was
 * cut; what had come by then has been written in both cases. Rejects with what `write` threw, after the stream was destroyed.
 */
export async function drain(stream: Readable, write: (octets: Buffer) => Promise<void>): Promise<boolean> {
  const { promise: over, resolve } = Promise.withResolvers<boolean>()
  const full: Buffer[] = []
  let block: Buffer | null = null
  let used = 0
  let pouring: Promise<void> | null = null
  let failure: { error: unknown } | null = null

  const pour = async () => {
    for (let next = full.shift(); next; next = full.shift()) {
      await write(next)
      giveBlock(next)
      if (full.length === 0) stream.resume()
    }
  }
  const fail = (error: unknown) => {
    failure = { error }
    stream.destroy()
    resolve(false)
  }
  const onData = (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      block ??= takeBlock()
      const count = chunk.copy(block, used, at)
      used += count
      at += count
      if (used < block.length) continue
      full.push(block)
      block = null
      used = 0
    }
    giveBack(stream, chunk)
    if (full.length >= maxAhead) stream.pause()
    if (full.length > 0 && !pouring) {
      pouring = pour()
        .catch(fail)
        .finally(() => {
          pouring = null
        })
    }
  }
  const onEnd = () => resolve(true)
  const onCut = () => resolve(false)
  // An empty one may have ended before anybody listened.
  if (stream.readableEnded || stream.destroyed) return stream.readableEnded
  stream.on('data', onData).once('end', onEnd).once('error', onCut).once('aborted', onCut).once('close', onCut)
  const whole = await over
  stream.off('data', onData)
  forgetBody(stream)
  await pouring
  if (failure) throw (failure as { error: unknown }).error
  await pour()
  const rest = block as Buffer | null
  if (rest) {
    if (used > 0) await write(rest.subarray(0, used))
    giveBlock(rest)
  }
  return whole
}

/**
 * Sends what `read` puts into the blocks that it is given, and ends the stream when it says 0. Resolves with false, and asks no further, once the stream is gone.
 * Rejects with what `read` threw; the stream is the caller's to destroy then.
 */
export async function feed(stream: Writable, read: (block: Buffer) => Promise<number>): Promise<boolean> {
  let ahead = 0
  let wake: () => void = () => undefined
  const onClose = () => wake()
  stream.once('close', onClose)
  try {
    for (;;) {
      while (ahead >= maxAhead && stream.writable) await new Promise<void>((resolve) => (wake = resolve))
      if (!stream.writable) return false
      const block = takeBlock()
      const count = await read(block)
      if (count === 0) {
        giveBlock(block)
        stream.end()
        return stream.writableEnded
      }
      if (!stream.writable) return false
      ahead += 1
      stream.write(block.subarray(0, count), (error) => {
        ahead -= 1
        // After a failure the network may still hold it.
        if (!error) giveBlock(block)
        wake()
      })
    }
  } finally {
    stream.off('close', onClose)
  }
}
