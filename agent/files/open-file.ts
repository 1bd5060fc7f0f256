import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { close, fchmod, fdatasync, fstat, ftruncate, readAt, self, utimes, writeAt } from './descriptors.ts'
import type { FileRules } from './device-files.ts'
import type { Digests, RunningDigest } from './digests.ts'
import { type Account, requireOwner } from './rights.ts'

/** What went through an open file: `whole` when every octet from the first to the last was moved; then its digest comes, or null where the file was changed. */
export type Moved = { bytes: number; whole: boolean; sha256: Promise<Hash | null> }

/** A device's file opened by a door. Offsets and sizes in octets. Whoever opens it closes it, and is then told what moved. */
export type OpenFile = {
  stat(): Promise<Stats>
  /** Up to `length` octets; fewer only at the file's end. Throws `file.denied` unless opened for reading. */
  read(length: number, position: number): Promise<Buffer>
  /** The same into a buffer of the caller's; resolves with how many octets. */
  readInto(buffer: Buffer, length: number, position: number): Promise<number>
  /** Throws `file.too-large {maxBytes}`, `file.disk-full`, `file.denied` unless opened for writing. */
  write(chunk: Uint8Array, position: number): Promise<void>
  truncate(size: number): Promise<void>
  setMode(mode: number): Promise<void>
  setTimes(accessedSeconds: number, modifiedSeconds: number): Promise<void>
  sync(): Promise<void>
  /**
   * What was read, and what was written: a file opened for both can have moved both ways. `done`: the client closed it, so what it wrote is a whole file,
   * digested again if it came out of order; `cut`: it was left behind.
   */
  close(how: 'done' | 'cut'): Promise<{ read: Moved; written: Moved | null }>
}

export type OpenFileOptions = {
  fd: number
  readable: boolean
  writable: boolean
  account: Account | null
  rules: FileRules
  digests: Digests
  /** Makes a code of a failure, and records it if it is a refusal. */
  note(error: unknown, operation: string): AppError
}

export function createOpenFile({ fd, readable, writable, account, rules, digests, note }: OpenFileOptions): OpenFile {
  const maxBytes = rules.maxFileBytes
  const readDigest = readable ? digests.follow(fd) : null
  const writeDigest = writable ? digests.follow(fd) : null
  let bytesRead = 0
  let bytesWritten = 0
  let changed = false
  let digested: Promise<void> = Promise.resolve()

  const guard = async <T>(operation: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (error) {
      throw note(error, operation)
    }
  }
  const requireWritable = () => {
    if (!writable) throw new AppError('file.denied')
    changed = true
  }
  const requireChangeable = async () => {
    if (!rules.toDevice) throw new AppError('file.direction-closed')
    requireOwner(await fstat(fd), account)
  }
  const parts: Omit<OpenFile, 'close'> = {
    stat: () => fstat(fd),
    async read(length, position) {
      const buffer = Buffer.allocUnsafeSlow(length)
      return buffer.subarray(0, await parts.readInto(buffer, length, position))
    },
    async readInto(buffer, length, position) {
      if (!readable) throw new AppError('file.denied')
      const reading = readAt(fd, buffer, length, position)
      // Reads may overlap in time; the digest follows the order in which they were asked for.
      digested = Promise.all([reading, digested]).then(
        ([count]) => readDigest?.update(count, position),
        () => readDigest?.forget(),
      )
      const count = await reading
      bytesRead += count
      return count
    },
    async write(chunk, position) {
      requireWritable()
      if (position + chunk.length > maxBytes) throw new AppError('file.too-large', { details: { maxBytes } })
      // Writes may overlap in time; the digest follows the order in which they were asked for, and what is on the disk.
      const writing = writeAt(fd, chunk, position)
      digested = Promise.all([writing, digested]).then(
        () => writeDigest?.update(chunk.length, position),
        () => writeDigest?.forget(),
      )
      await writing
      bytesWritten += chunk.length
    },
    async truncate(size) {
      requireWritable()
      if (size > maxBytes) throw new AppError('file.too-large', { details: { maxBytes } })
      if (size > 0) writeDigest?.forget()
      await ftruncate(fd, size)
    },
    async setMode(mode) {
      await requireChangeable()
      await fchmod(fd, mode & 0o777)
    },
    async setTimes(accessedSeconds, modifiedSeconds) {
      await requireChangeable()
      await utimes(self(fd), accessedSeconds, modifiedSeconds)
    },
    sync: () => fdatasync(fd),
  }
  return {
    stat: () => guard('stat', parts.stat),
    read: (length, position) => guard('read', () => parts.read(length, position)),
    readInto: (buffer, length, position) => guard('read', () => parts.readInto(buffer, length, position)),
    write: (chunk, position) => guard('write', () => parts.write(chunk, position)),
    truncate: (size) => guard('write', () => parts.truncate(size)),
    setMode: (mode) => guard('set-attributes', () => parts.setMode(mode)),
    setTimes: (accessed, modified) => guard('set-attributes', () => parts.setTimes(accessed, modified)),
    sync: () => guard('write', parts.sync),
    async close(how) {
      const settling: Promise<unknown>[] = []
      const moved = (running: RunningDigest | null, bytes: number, stat: Stats): Moved => {
        const { whole = false, sha256 = Promise.resolve(null) } = running?.finish(stat) ?? {}
        settling.push(sha256)
        return { bytes, whole, sha256 }
      }
      try {
        await digested
        const stat = await fstat(fd)
        // An empty file that was opened and closed has been read whole.
        const read = moved(readDigest, bytesRead, stat)
        const written = moved(writeDigest, bytesWritten, stat)
        if (!changed) return { read, written: null }
        if (how === 'cut' || written.whole) return { read, written }
        const again = digests.of(fd).then(({ sha256 }) => sha256)
        settling.push(again)
        return { read, written: { bytes: bytesWritten, whole: true, sha256: again.catch(() => null) } }
      } finally {
        // The digest may come long after; nobody waits for it here.
        void Promise.allSettled(settling).then(() => close(fd))
      }
    },
  }
}
