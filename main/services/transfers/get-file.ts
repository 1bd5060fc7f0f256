import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { type CheckKey, partName } from '@gantry/shared/files.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import { createRunningCheck, type RunningCheck } from '@gantry/shared/node/running-check.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import type { Files } from '../services.ts'
import { keepOn } from './keep-on.ts'
import { beginAnew, type FileMemory, type FileVersion, goOver } from './memory.ts'
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
  /** What an earlier start of the app knew of it, and may know of it at the next. */
  memory: FileMemory
}

/** Errors: `file.*`, `session.ended`; an abort throws the signal's reason. */
export async function getFile(job: GetFile): Promise<void> {
  const part = join(job.folder, partName(job.name))
  try {
    if (!job.replace) await requireFree(join(job.folder, job.name))
    const file = (await openKept(job, part)) ?? (await openNew(part))
    try {
      await receive(job, file, part)
    } catch (error) {
      if (!job.memory.keepsParts()) await rm(part, { force: true }).catch(() => undefined)
      throw error
    } finally {
      await file.close().catch(() => undefined)
    }
  } catch (error) {
    if (job.signal.aborted) throw job.signal.reason
    throw fileError(error)
  }
}

const noLink = constants.O_NOFOLLOW ?? 0

/** A part of an earlier try that nobody remembers is stale. */
async function openNew(part: string): Promise<FileHandle> {
  await rm(part, { force: true })
  return open(part, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | noLink, 0o600)
}

/** Of a transfer that an earlier start left and nobody wants any more: what had arrived may be patient data. Nothing but a part is ever removed. */
export async function removeParts(folder: string, begun: readonly { at: string }[]): Promise<void> {
  for (const { at } of begun) {
    const names = at.split('/')
    await rm(join(folder, ...names.slice(0, -1), partName(names.at(-1) ?? '')), { force: true }).catch(() => undefined)
  }
}

/** The part that the app left behind; null where there is none. What is in it is believed only once its check is the device's. */
async function openKept({ memory }: GetFile, part: string): Promise<FileHandle | null> {
  if (!memory.version) return null
  const file = await open(part, constants.O_RDWR | noLink).catch(() => null)
  const stat = await file?.stat()
  if (file && stat?.isFile() && stat.nlink === 1) return file
  await file?.close()
  return null
}

async function receive(job: GetFile, file: FileHandle, part: string): Promise<void> {
  const { files, remotePath: path, signal, pace } = job
  let key = newNonce()
  let check = createRunningCheck(key)
  let first: FileVersion | null = job.memory.version
  if (first && !(await takeUp(job, file, check, key))) {
    await file.truncate(0)
    key = newNonce()
    check = createRunningCheck(key)
  }
  const write = async (octets: Buffer, now: { size: number; modifiedMs: number }) => {
    if (!first) job.memory.begun(now)
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

/** Both ends go over what is here already, and nothing of it moves again. False where it has to begin anew: another file has another size or time, which is an error. */
async function takeUp(job: GetFile, file: FileHandle, check: RunningCheck, key: CheckKey): Promise<boolean> {
  const { files, remotePath: path, signal, memory } = job
  const now = await keepOn(job, () => files.call('files.stat', { path }, { signal }))
  if (now.size !== memory.version?.size || Math.trunc(now.modifiedMs) !== memory.version.modifiedMs) throw new AppError('file.changed')
  const { size: position } = await file.stat()
  const taken = await keepOn(job, () => files.call('files.take-up', { kind: 'received', path, check: key, position }, { signal })).catch(beginAnew)
  if (taken === null) return false
  await goOver(file, check, position, signal)
  job.onBytes(position)
  return true
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
