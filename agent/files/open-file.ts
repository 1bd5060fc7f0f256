import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { close, fchmod, fdatasync, fstat, ftruncate, readAt, self, utimes, writeAt } from './descriptors.ts'
import { type Digests, RunningDigest } from './digests.ts'

/** What went through an open file: `whole` when every octet from the first to the last was moved; then its digest is known. */
export type Moved = { bytes: number; size: number; whole: boolean; sha256: Hash | null }

/** A device's file opened by a door. Offsets and sizes in octets. Whoever opens it closes it, and is then told what moved. */
export type OpenFile = {
  stat(): Promise<Stats>
  /** Up to `length` octets; fewer only at the file's end. Throws `file.denied` unless opened for reading. */
  read(length: number, position: number): Promise<Buffer>
  /** Throws `file.too-large {maxBytes}`, `file.disk-full`, `file.denied` unless opened for writing. */
  write(chunk: Uint8Array, position: number): Promise<void>
  truncate(size: number): Promise<void>
  setMode(mode: number): Promise<void>
  setTimes(accessedSeconds: number, modifiedSeconds: number): Promise<void>
  sync(): Promise<void>
  digest(): Promise<Hash>
  /**
   * What was read, and what was written: a file opened for both can have moved both ways. `done`: the client closed it, so what it wrote is a whole file,
   * digested now if it came out of order; `cut`: it was left behind.
   */
  close(how: 'done' | 'cut'): Promise<{ read: Moved; written: Moved | null }>
}

export type OpenFileOptions = { fd: number; readable: boolean; writable: boolean; maxBytes: number; digests: Digests }

export function createOpenFile({ fd, readable, writable, maxBytes, digests }: OpenFileOptions): OpenFile {
  const readDigest = new RunningDigest()
  const writeDigest = new RunningDigest()
  let bytesRead = 0
  let bytesWritten = 0
  let changed = false

  const requireWritable = () => {
    if (!writable) throw new AppError('file.denied')
    changed = true
  }
  return {
    stat: () => fstat(fd),
    async read(length, position) {
      if (!readable) throw new AppError('file.denied')
      const buffer = Buffer.allocUnsafeSlow(length)
      const count = await readAt(fd, buffer, length, position)
      const chunk = buffer.subarray(0, count)
      readDigest.update(chunk, position)
      bytesRead += count
      return chunk
    },
    async write(chunk, position) {
      requireWritable()
      if (position + chunk.length > maxBytes) throw new AppError('file.too-large', { details: { maxBytes } })
      // Before the write: writes may overlap in time, and the digest follows the order in which they were asked for.
      writeDigest.update(chunk, position)
      try {
        await writeAt(fd, chunk, position)
      } catch (error) {
        writeDigest.forget()
        throw error
      }
      bytesWritten += chunk.length
    },
    async truncate(size) {
      requireWritable()
      if (size > maxBytes) throw new AppError('file.too-large', { details: { maxBytes } })
      if (size > 0) writeDigest.forget()
      await ftruncate(fd, size)
    },
    setMode: (mode) => fchmod(fd, mode & 0o777),
    setTimes: (accessedSeconds, modifiedSeconds) => utimes(self(fd), accessedSeconds, modifiedSeconds),
    sync: () => fdatasync(fd),
    digest: async () => (await digests.of(fd)).sha256,
    async close(how) {
      try {
        const stat = await fstat(fd)
        const read = moved(readDigest, bytesRead, stat, digests)
        const written = changed ? moved(writeDigest, bytesWritten, stat, digests) : null
        if (written && how === 'done') Object.assign(written, { whole: true, sha256: written.sha256 ?? (await digests.of(fd)).sha256 })
        return { read, written }
      } finally {
        await close(fd)
      }
    },
  }
}

function moved(running: RunningDigest, bytes: number, stat: Stats, digests: Digests): Moved {
  const sha256 = running.finish(stat.size)
  if (sha256) digests.remember(stat, sha256)
  return { bytes, size: stat.size, whole: sha256 !== null, sha256 }
}
