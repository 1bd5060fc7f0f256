import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import { receivedName, safeLocalName } from './safe-name.ts'

/**
 * Where a finished download lies, for what leaves the window with it. Errors: `transfer.unknown`, `transfer.not-received` for one that is on its way, failed or went
 * to the device, `file.not-found`, and `file.not-a-file` where something else (a link) has taken its place.
 */
export async function placeOf(entry: { transfer: Transfer; as: string | null } | undefined): Promise<string> {
  if (!entry) throw new AppError('transfer.unknown')
  const { direction, state, verified, from, to } = entry.transfer
  if (direction !== 'get' || state !== 'done' || !verified) throw new AppError('transfer.not-received')
  const path = join(resolve(to), safeLocalName(receivedName(from, entry.as)))
  const found = await lstat(path).catch((error: unknown) => {
    throw fileError(error)
  })
  if (!found.isFile() && !found.isDirectory()) throw new AppError('file.not-a-file')
  return path
}
