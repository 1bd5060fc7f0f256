import { lstat, mkdir, readdir, statfs } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import type { CallOutput } from '@gantry/shared/ipc.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'

const maxEntries = 50_000

/** This computer's files, for the local half of the files pane; null is the person's home folder. Errors: `file.*`. */
export async function listLocal(path: string | null): Promise<CallOutput<'local.list'>> {
  const folder = normalize(path ?? homedir())
  if (!isAbsolute(folder)) throw new AppError('file.not-found', { details: { path: folder } })
  try {
    const names = (await readdir(folder)).slice(0, maxEntries)
    const { bavail, bsize } = await statfs(folder)
    const entries = (await Promise.all(names.map((name) => describe(folder, name)))).filter((entry) => entry !== null)
    const parent = dirname(folder)
    return { path: folder, parent: parent === folder ? null : parent, entries, freeBytes: bavail * bsize }
  } catch (error) {
    throw fileError(error)
  }
}

export async function makeLocalFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    throw fileError(error)
  }
}

/** Null for one that went away meanwhile, or that may not be looked at. */
async function describe(folder: string, name: string): Promise<FileEntry | null> {
  const stat = await lstat(join(folder, name)).catch(() => null)
  if (!stat) return null
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other'
  return { name, kind, size: stat.size, modifiedMs: stat.mtimeMs, mode: stat.mode }
}
