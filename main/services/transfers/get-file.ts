import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { partName } from '@gantry/shared/files.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { Files } from '../services.ts'
import { brokenLeg } from '../sessions/files-leg.ts'
import { localError } from './local-error.ts'

/** One file from the device. It gets its name only when SHA-256 is the same on both ends; an interrupted one leaves nothing behind under that name. */
export type GetFile = {
  files: Files
  remotePath: string
  /** An existing folder, and the name in it as `safeLocalName` gave it. */
  folder: string
  name: string
  replace: boolean
  signal: AbortSignal
  onBytes: (bytes: number) => void
  onVerifying: () => void
}

/** Breaks of the leg after which the rest is asked for from where it stopped. */
const maxResumes = 3

/** Errors: `file.*`, `server.unreachable`, `session.ended`; an abort throws the signal's reason. */
export async function getFile(job: GetFile): Promise<void> {
  const part = join(job.folder, partName(job.name))
  try {
    if (!job.replace) await requireFree(join(job.folder, job.name))
    // A part of an earlier try is stale: without its digest so far it could not be gone on with.
    await rm(part, { force: true })
    const file = await open(part, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0), 0o600)
    try {
      await receive(job, file, part)
    } catch (error) {
      await rm(part, { force: true }).catch(() => undefined)
      throw error
    } finally {
      await file.close().catch(() => undefined)
    }
  } catch (error) {
    if (job.signal.aborted) throw job.signal.reason
    throw localError(error)
  }
}

async function receive(job: GetFile, file: FileHandle, part: string): Promise<void> {
  const { files, remotePath, signal } = job
  const { size, sha256, modifiedMs } = await download(job, file)
  await file.sync()
  job.onVerifying()
  const digest = await files.call('files.digest', { path: remotePath }, { signal })
  if (digest.sha256 !== sha256 || digest.size !== size) throw new AppError('file.digest-differs')
  await utimes(part, new Date(), new Date(modifiedMs)).catch(() => undefined)
  await giveName(part, join(job.folder, job.name), job.replace)
  // The file is here and whole; that the device's audit could not be told does not take it away again.
  await files.call('files.received', { path: remotePath, sha256, size }).catch(() => undefined)
}

async function download(job: GetFile, file: FileHandle): Promise<{ size: number; sha256: Hash; modifiedMs: number }> {
  const { files, remotePath: path, signal } = job
  const hash = createHash('sha256')
  let offset = 0
  let modifiedMs = 0
  for (let resumes = 0; ; resumes++) {
    try {
      const answer = await files.read({ path, offset }, { signal })
      // A file that was replaced meanwhile is another file.
      if (offset > 0 && answer.modifiedMs !== modifiedMs) throw new AppError('file.digest-differs')
      modifiedMs = answer.modifiedMs
      for await (const chunk of answer.body) {
        signal.throwIfAborted()
        hash.update(chunk)
        await writeWhole(file, chunk)
        offset += chunk.length
        job.onBytes(chunk.length)
      }
      if (offset < answer.size) throw brokenLeg()
      return { size: offset, sha256: hash.digest('base64url') as Hash, modifiedMs }
    } catch (error) {
      signal.throwIfAborted()
      if (resumes >= maxResumes || !isBroken(error)) throw error
    }
  }
}

function isBroken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'server.unreachable'
}

async function writeWhole(file: FileHandle, chunk: Buffer): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten
}

async function requireFree(path: string): Promise<void> {
  const there = await lstat(path).catch(() => null)
  if (there) throw new AppError('file.exists')
}

/** Without `replace` a hard link gives the name, since it fails where one is taken, also if that happened just now; a rename would take it over. */
async function giveName(part: string, path: string, replace: boolean): Promise<void> {
  if (replace) return rename(part, path)
  try {
    await link(part, path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    // Some file systems (FAT, network shares) have no hard links.
    if (!['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EOPNOTSUPP'].includes(code)) throw error
    await requireFree(path)
    return rename(part, path)
  }
  await rm(part, { force: true })
}
