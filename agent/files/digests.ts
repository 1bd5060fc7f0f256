import { createHash, type Hash as Hasher } from 'node:crypto'
import type { Stats } from 'node:fs'
import type { Hash } from '@gantry/shared/ticket.ts'
import { fstat, readAt } from './descriptors.ts'

/**
 * SHA-256 of files. A transfer that runs from the first octet to the last is digested as it goes, so that nobody reads the file twice;
 * the result is remembered for exactly that content: same inode, size, and times of change.
 */
const readBytes = 262_144
const maxRemembered = 1_000

export type Digests = {
  /** Of the whole open file; read again unless it is remembered. */
  of(fd: number, signal?: AbortSignal): Promise<{ sha256: Hash; size: number }>
  remember(stat: Stats, sha256: Hash): void
  recall(stat: Stats): Hash | null
}

export function createDigests(): Digests {
  const known = new Map<string, { version: string; sha256: Hash }>()
  const key = (stat: Stats) => `${stat.dev}:${stat.ino}`
  const version = (stat: Stats) => `${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`
  const recall = (stat: Stats) => {
    const entry = known.get(key(stat))
    return entry?.version === version(stat) ? entry.sha256 : null
  }
  const remember = (stat: Stats, sha256: Hash) => {
    known.delete(key(stat))
    known.set(key(stat), { version: version(stat), sha256 })
    const [oldest] = known.keys()
    if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest)
  }
  return {
    recall,
    remember,
    async of(fd, signal) {
      const stat = await fstat(fd)
      const remembered = recall(stat)
      if (remembered) return { sha256: remembered, size: stat.size }
      const fresh = await digestFile(fd, signal)
      if (fresh.size === stat.size) remember(stat, fresh.sha256)
      return fresh
    },
  }
}

async function digestFile(fd: number, signal: AbortSignal | undefined): Promise<{ sha256: Hash; size: number }> {
  const hasher = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(readBytes)
  let size = 0
  for (;;) {
    signal?.throwIfAborted()
    const count = await readAt(fd, buffer, readBytes, size)
    if (count === 0) return { sha256: asText(hasher), size }
    hasher.update(buffer.subarray(0, count))
    size += count
  }
}

function asText(hasher: Hasher): Hash {
  return hasher.digest('base64url') as Hash
}

/** A digest that grows with a transfer. It knows nothing any more once the octets come out of order. */
export class RunningDigest {
  #hasher: Hasher | null = createHash('sha256')
  #position = 0

  update(chunk: Uint8Array, position: number): void {
    // Clients read on beyond the end, to see that it is the end.
    if (chunk.length === 0) return
    if (position !== this.#position) this.#hasher = null
    if (!this.#hasher) return
    this.#hasher.update(chunk)
    this.#position += chunk.length
  }

  forget(): void {
    this.#hasher = null
  }

  /** The digest, if exactly the octets 0 to `size` came by, in order. To be asked once. */
  finish(size: number): Hash | null {
    const hasher = this.#hasher
    this.#hasher = null
    return hasher && this.#position === size ? asText(hasher) : null
  }
}
