import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError } from '@gantry/shared/errors.ts'
import { partName } from '@gantry/shared/files.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { Files } from '../services.ts'
import { localError } from './local-error.ts'

/** One file to the device: under its temporary name, then compared there by SHA-256 and renamed by the device in one step. */
export type PutFile = {
  files: Files
  localPath: string
  /** Folder on the device, and the name in it. */
  folder: string
  name: string
  replace: boolean
  signal: AbortSignal
  onBytes: (bytes: number) => void
  onVerifying: () => void
}

const chunkBytes = 262_144
/** Below this the device's own no at the end costs less than asking first. */
const askFirstBytes = 1_048_576

/** Errors: `file.*`, `server.unreachable`, `session.ended`; an abort throws the signal's reason. */
export async function putFile(job: PutFile): Promise<void> {
  const { files, replace, signal } = job
  const [part, path] = [joinRemote(job.folder, partName(job.name)), joinRemote(job.folder, job.name)]
  const file = await open(job.localPath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error: unknown) => {
    throw localError(error)
  })
  let begun = false
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new AppError('file.not-a-file')
    if (!replace && found.size > askFirstBytes) await requireFree(files, path, signal)
    const hash = createHash('sha256')
    begun = true
    await files.write({ path: part, offset: 0, truncate: true }, readAndHash(file, hash, job), { signal })
    job.onVerifying()
    await files.call('files.commit', { from: part, to: path, sha256: hash.digest('base64url') as Hash, replace }, { signal })
  } catch (error) {
    if (begun) await files.call('files.delete', { path: part }).catch(() => undefined)
    if (signal.aborted) throw signal.reason
    throw localError(error)
  } finally {
    await file.close().catch(() => undefined)
  }
}

/** Two buffers in turn would be overwritten while HTTP/2 still holds them, so each chunk is its own. */
async function* readAndHash(file: FileHandle, hash: ReturnType<typeof createHash>, { signal, onBytes }: PutFile): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    signal.throwIfAborted()
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position)
    if (bytesRead === 0) return
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    position += bytesRead
    yield chunk
    onBytes(bytesRead)
  }
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
