import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { z } from 'zod'
import { AppError } from '../errors.ts'

/**
 * Small state files. A reader sees the old content or the new, never half of one, also after a power cut: temporary file, fsync, rename, fsync of the folder.
 * Both functions are synchronous: what they store must be on disk before the caller acts.
 */

/** Parsed content of a JSON file. Throws `state.unreadable {path}` when it is missing, not JSON, or does not fit. */
export function readJsonFile<T>(path: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { path: basename(path) } })
  }
}

/** As `readJsonFile`, but null when there is no such file yet. A file that is there and does not fit is still an error. */
export function readJsonFileIfThere<T>(path: string, schema: z.ZodType<T>): T | null {
  try {
    return readJsonFile(path, schema)
  } catch (error) {
    if (error instanceof AppError && isMissing(error.cause)) return null
    throw error
  }
}

/** `mode` is the file's permission bits, 0o600 unless told otherwise: most of our state is secret. */
export function writeJsonFile(path: string, value: unknown, mode = 0o600): void {
  writeFileWhole(path, `${JSON.stringify(value, null, 2)}\n`, mode)
}

/** Replaces a file's content in one step. */
export function writeFileWhole(path: string, content: string | Uint8Array, mode = 0o600): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      writeAll(file, typeof content === 'string' ? Buffer.from(content) : content)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** writeSync may take fewer bytes than it was given (a full disk, a signal). */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}

/** Makes a rename durable. Windows has no fsync for folders, and needs none. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
