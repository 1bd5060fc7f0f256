import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { fstat, readAt } from './descriptors.ts'
import { createDigester, type Following } from './digester.ts'

/**
 * SHA-256 of files, for the audit. A transfer that runs from the first octet to the last is digested as it goes, so that its digest is mostly there at the end; the
 * result is remembered for exactly that content: same inode, size, and times of change.
 */
export type Digests = {
  /** Of the whole open file; worked out again unless it is remembered, or under way. */
  of(fd: number): Promise<{ sha256: Hash; size: number }>
  follow(fd: number): RunningDigest
  close(): Promise<void>
}

/** A digest that grows with a transfer. It knows nothing any more once the octets come out of order. */
export type RunningDigest = {
  update(bytes: number, position: number): void
  forget(): void
  /** `whole`: exactly the octets 0 to the file's size came by, in order. To be asked once; the descriptor stays open until the digest has settled. */
  finish(stat: Stats): { whole: boolean; sha256: Promise<Hash | null> }
}

/** Smaller files are digested where they are, sooner than a thread could be told. */
export const smallBytes = 1_048_576
const stepBytes = 4 * 1_048_576
const maxRemembered = 1_000

export function createDigests(): Digests {
  const digester = createDigester()
  const known = new Map<string, { version: string; sha256: Hash }>()
  /** Transfers by file: how far they are, and when their digest is there. */
  const underWay = new Map<string, Set<{ position: number; done: Promise<unknown> }>>()
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
  /** Every octet of the file has been moved already; its digest is about to be there. */
  const almostThere = async (stat: Stats) => {
    const whole = [...(underWay.get(key(stat)) ?? [])].filter(({ position }) => position === stat.size)
    await Promise.all(whole.map(({ done }) => done))
  }
  const join = (fd: number, transfer: { position: number; done: Promise<unknown> }) => {
    const place = fstat(fd).then((stat) => {
      const all = underWay.get(key(stat)) ?? new Set()
      underWay.set(key(stat), all.add(transfer))
      return { stat, all }
    })
    return {
      stat: place.then(({ stat }) => stat),
      async now() {
        const { stat, all } = await place
        all.delete(transfer)
        if (all.size === 0) underWay.delete(key(stat))
      },
    }
  }
  return {
    async of(fd) {
      const stat = await fstat(fd)
      if (!recall(stat)) await almostThere(stat)
      const { size } = stat
      const sha256 = recall(stat) ?? (size <= smallBytes ? await digestSmall(fd, size) : await digester.follow(fd).finish(size))
      if (!sha256) throw new AppError('file.failed', { details: { reason: 'changed' } })
      remember(stat, sha256)
      return { sha256, size }
    },
    follow(fd) {
      const done = Promise.withResolvers<void>()
      const transfer = { position: 0, done: done.promise }
      const leave = join(fd, transfer)
      let following: Following | null = null
      let told = 0
      let inOrder = true
      let isKnown = false
      void leave.stat.then((stat) => {
        isKnown = recall(stat) !== null
      })
      const digestWhole = async (stat: Stats) => {
        const inThread = following || stat.size > smallBytes
        const sha256 = recall(stat) ?? (inThread ? await (following ?? digester.follow(fd)).finish(stat.size) : await digestSmall(fd, stat.size))
        if (sha256) remember(stat, sha256)
        return sha256
      }
      const finished = async (digest: Promise<Hash | null> | null) => {
        try {
          return await digest
        } finally {
          await leave.now()
          done.resolve()
        }
      }
      return {
        update(bytes, position) {
          // Clients read on beyond the end, to see that it is the end.
          if (bytes === 0) return
          if (position !== transfer.position) inOrder = false
          if (!inOrder) return
          transfer.position += bytes
          if (isKnown || transfer.position - told < stepBytes) return
          told = transfer.position
          following ??= digester.follow(fd)
          following.advance(told)
        },
        forget() {
          inOrder = false
        },
        finish(stat) {
          const whole = inOrder && transfer.position === stat.size
          return { whole, sha256: finished(whole ? digestWhole(stat) : (following?.drop() ?? null)) }
        },
      }
    },
    close: () => digester.close(),
  }
}

async function digestSmall(fd: number, size: number): Promise<Hash | null> {
  const buffer = Buffer.allocUnsafe(size)
  const count = await readAt(fd, buffer, size, 0)
  return count === size ? (createHash('sha256').update(buffer).digest('base64url') as Hash) : null
}
