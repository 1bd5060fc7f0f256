import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { partName } from '@gantry/shared/files.ts'
import { createRunningCheck } from '@gantry/shared/node/running-check.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import type { Files } from '../services.ts'
import { keepOn } from './keep-on.ts'
import { localError } from './local-error.ts'
import type { Pace } from './pace.ts'

/** One file from the device. It gets its name only when its check is the same on both ends; an interrupted one leaves nothing behind under that name. */
export type GetFile = {
  files: Files
  remotePath: string
  /** An existing folder, and the name in it as `safeLocalName` gave it. */
  folder: string
  name: string
  replace: boolean
  signal: AbortSignal
  pace: Pace
  onBytes: (bytes: number) => void
  onVerifying: () => void
  /** The leg broke; it goes on when there is one again. */
  onWaiting: () => void
}

/** Errors: `file.*`, `session.ended`; an abort throws the signal's reason. */
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
  const { files, remotePath: path, signal, pace } = job
  const key = newNonce()
  const check = createRunningCheck(key)
  let first: { size: number; modifiedMs: number } | null = null
  const write = async (octets: Buffer, now: { size: number; modifiedMs: number }) => {
    first ??= now
    // A file that was replaced meanwhile is another file; the device says so too, if it notices.
    if (first.size !== now.size || first.modifiedMs !== now.modifiedMs) throw new AppError('file.digest-differs')
    await writeWhole(file, octets, check.position)
    check.add(octets, check.position)
    job.onBytes(octets.length)
    await pace.take(octets.length, signal)
  }
  const read = () => {
    const length = pace.pieceBytes()
    return files.read({ path, offset: check.position, check: key, ...(length === null ? {} : { length }) }, write, { signal })
  }
  const readOn = () => keepOn(job, read, () => check.position)
  let found = await readOn()
  // Under a limit a file comes in pieces: of a whole one the device would send as much at once as the leg's windows hold. One that promises more and brings nothing is not asked for ever.
  for (let before = 0; check.position > before && check.position < found.size; ) {
    before = check.position
    found = await readOn()
  }
  const { modifiedMs } = found
  await file.sync()
  job.onVerifying()
  // The device compares, so that it can audit what arrived.
  await keepOn(job, () => files.call('files.received', { path, check: key, tag: check.tag(), size: check.position }, { signal }))
  await file.utimes(new Date(), new Date(modifiedMs)).catch(() => undefined)
  await giveName(part, join(job.folder, job.name), job.replace)
}

async function writeWhole(file: FileHandle, octets: Buffer, position: number): Promise<void> {
  for (let done = 0; done < octets.length; ) done += (await file.write(octets, done, octets.length - done, position + done)).bytesWritten
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
