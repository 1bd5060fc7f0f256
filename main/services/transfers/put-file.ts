import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError } from '@gantry/shared/errors.ts'
import { type CheckKey, partName } from '@gantry/shared/files.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import { createRunningCheck, type RunningCheck } from '@gantry/shared/node/running-check.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import type { Files } from '../services.ts'
import { keepOn } from './keep-on.ts'
import { beginAnew, type FileMemory, type FileVersion, goOver } from './memory.ts'
import type { Pace } from './pace.ts'

/** One file to the device: under its temporary name, then compared there by its check and renamed by the device in one step. */
export type PutFile = {
  files: Files
  localPath: string
  /** Folder on the device, and the name in it. */
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

/** Below this the device's own no at the end costs less than asking first. */
const askFirstBytes = 1_048_576
const removeForMs = 600_000

/** Errors: `file.*`, `session.ended`; an abort throws the signal's reason. */
export async function putFile(job: PutFile): Promise<void> {
  const { files, replace, signal, pace } = job
  const [part, path] = [joinRemote(job.folder, partName(job.name)), joinRemote(job.folder, job.name)]
  const file = await open(job.localPath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error: unknown) => {
    throw fileError(error)
  })
  let key = newNonce()
  let begun = false
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new AppError('file.not-a-file')
    if (!replace && found.size > askFirstBytes) await keepOn(job, () => requireFree(files, path, signal))
    let check = createRunningCheck(key)
    let sent = await takeUp(job, { file, part, check, key })
    if (sent === 0) {
      key = newNonce()
      check = createRunningCheck(key)
    }
    begun = sent > 0
    job.onBytes(sent)
    let arrived = sent
    job.memory.begun(versionOf(found))
    const sendOn = async () => {
      if (begun) arrived = (await files.call('files.progress', { path: part, check: key }, { signal })).position
      begun = true
      job.onBytes(arrived - sent)
      sent = arrived
      // What is sent again was checked when it was sent first: where it is not the same any more, the device's check differs from ours.
      const fill = async (block: Buffer) => {
        signal.throwIfAborted()
        const { bytesRead } = await file.read(block, 0, Math.min(block.length, pace.pieceBytes() ?? block.length), sent)
        await pace.take(bytesRead, signal)
        check.add(block.subarray(0, bytesRead), sent)
        sent += bytesRead
        if (bytesRead > 0) job.onBytes(bytesRead)
        return bytesRead
      }
      await files.write({ path: part, offset: arrived, check: key }, fill, { signal })
    }
    await keepOn(job, sendOn, () => arrived)
    job.onVerifying()
    const commit = (time: { modifiedMs?: number }) =>
      keepOn(job, () => files.call('files.commit', { from: part, to: path, check: key, tag: check.tag(), replace, ...time }, { signal }))
    await commit({ modifiedMs: Math.max(0, Math.trunc(found.mtimeMs)) }).catch((error: unknown) => {
      // An agent from before knows no times.
      if (error instanceof AppError && error.code === 'contract.bad-input') return commit({})
      throw error
    })
  } catch (error) {
    if (begun && !job.memory.keepsParts()) void removePart(job, part, key)
    if (signal.aborted) throw signal.reason
    throw fileError(error)
  } finally {
    await file.close().catch(() => undefined)
  }
}

/** How much of it the device has from an earlier session; both ends go over that, and nothing of it moves again. 0 where it has to begin anew. */
async function takeUp(job: PutFile, { file, part, check, key }: { file: FileHandle; part: string; check: RunningCheck; key: CheckKey }): Promise<number> {
  const { files, signal, memory } = job
  if (!memory.version) return 0
  const now = versionOf(await file.stat())
  if (now.size !== memory.version.size || now.modifiedMs !== memory.version.modifiedMs) throw new AppError('file.changed')
  const taken = await keepOn(job, () => files.call('files.take-up', { kind: 'sent', path: part, check: key, position: now.size }, { signal })).catch(beginAnew)
  if (taken === null) return 0
  await goOver(file, check, taken.position, signal)
  return taken.position
}

const versionOf = ({ size, mtimeMs }: Stats): FileVersion => ({ size, modifiedMs: Math.trunc(mtimeMs) })

/** Whoever cancels while the leg is broken does not wait for it; the part goes when there is one again, or stays when the session ends first. */
async function removePart({ files }: PutFile, part: string, key: CheckKey): Promise<void> {
  const tries = AbortSignal.timeout(removeForMs)
  await keepOn({ signal: tries, onWaiting: () => undefined }, () => files.call('files.abandon', { path: part, check: key })).catch(() => undefined)
}

/** Asked before the bytes are sent; the device decides once more, and for good, when it renames. */
async function requireFree(files: Files, path: string, signal: AbortSignal): Promise<void> {
  const there = await files.call('files.stat', { path }, { signal }).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'file.not-found') return null
    throw error
  })
  if (there) throw new AppError('file.exists')
}

/** Paths on a device use `/` whatever this computer uses. */
export function joinRemote(folder: string, name: string): string {
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}
