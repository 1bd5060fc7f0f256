import fs from 'node:fs'
import { promisify } from 'node:util'

/**
 * Plain descriptors instead of `FileHandle`s: a walk opens and closes several per call, and reads and writes happen thousands of times a second.
 * `at(fd, name)` names an entry of an open folder. The kernel follows `/proc/self/fd/N` to the folder itself, wherever it has been moved meanwhile,
 * so that this is `openat(2)` in all but name: no part of a path is ever looked up twice (the swap race of CWE-367 has nothing to swap).
 */
export const open = promisify(fs.open)
export const close = promisify(fs.close)
export const fstat = promisify(fs.fstat)
export const mkdir = promisify(fs.mkdir)
export const unlink = promisify(fs.unlink)
export const rmdir = promisify(fs.rmdir)
export const rename = promisify(fs.rename)
export const readlink = promisify(fs.readlink)
export const lstat = promisify(fs.lstat)
export const statfs = promisify(fs.statfs)
export const fchown = promisify(fs.fchown)
export const fchmod = promisify(fs.fchmod)
export const fdatasync = promisify(fs.fdatasync)
export const fsync = promisify(fs.fsync)
export const ftruncate = promisify(fs.ftruncate)
export const chown = promisify(fs.chown)
export const chmod = promisify(fs.chmod)
export const utimes = promisify(fs.utimes)
export const truncate = promisify(fs.truncate)
export const opendir = promisify(fs.opendir)

/** open(2), Linux: names a file without opening it. Node has no constant for it. */
const pathOnly = 0o10000000
const { O_RDONLY, O_RDWR, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_CREAT, O_EXCL } = fs.constants
export const flags = {
  /** The entry itself, be it a link, a pipe or a device; nothing is opened, so nothing happens. */
  name: pathOnly | O_NOFOLLOW,
  folder: pathOnly | O_DIRECTORY,
  /** A folder opened for real, since only such a one can be synced. */
  sync: O_RDONLY | O_DIRECTORY,
  read: O_RDONLY | O_NONBLOCK,
  write: O_RDWR | O_NONBLOCK,
  create: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
} as const

export const at = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`
/** What an open descriptor names: the same file again, whatever its path is now. */
export const self = (fd: number): string => `/proc/self/fd/${fd}`

/** The same for as long as nobody writes to the file or puts another in its place. */
export const versionOf = ({ dev, ino, size, mtimeMs }: fs.Stats): string => `${dev}:${ino}:${size}:${mtimeMs}`

/** Reads until `length` octets are there or the file ends; returns how many. */
export async function readAt(fd: number, buffer: Buffer, length: number, position: number): Promise<number> {
  let done = 0
  while (done < length) {
    const count = await readSome(fd, buffer, done, length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}

function readSome(fd: number, buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, offset, length, position, (error, count) => (error ? reject(error) : resolve(count)))
  })
}

export async function writeAt(fd: number, buffer: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < buffer.length) done += await writeSome(fd, buffer, done, position + done)
}

function writeSome(fd: number, buffer: Uint8Array, offset: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, buffer, offset, buffer.length - offset, position, (error, count) => (error ? reject(error) : resolve(count)))
  })
}
