import { lstatSync, mkdirSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'

/** Longest socket path that every system takes, its ending zero included (unix(7) has 108 bytes, BSD's 104). */
const maxPathBytes = 99
const longestName = '/session'

/**
 * Where the sockets of one configuration lie: short whatever the profile's path is. The folder is there only while a session is.
 * Throws `state.unreadable` when not even the system's own folder for this is short enough.
 */
export function chooseRuntimeFolder(id: string, env: NodeJS.ProcessEnv): string {
  const name = `gantry-${id.slice(-20)}`
  const folders = [env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'].filter((folder) => folder?.startsWith('/')).map((folder) => join(folder ?? '', name))
  const short = folders.find((folder) => Buffer.byteLength(folder + longestName) <= maxPathBytes && canHold(folder))
  if (process.platform !== 'win32' && short === undefined) throw new AppError('state.unreadable', { details: { path: folders[0] ?? '' } })
  return short ?? ''
}

/** It is gone after a restart of the computer, and somebody else may have made it since: only our own, closed to others, will do. */
export function ensureRuntimeFolder(folder: string): void {
  if (process.platform === 'win32') return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0)
    throw new AppError('state.unreadable', { details: { path: folder } })
}

/** When nothing is in it any more. */
export function leaveRuntimeFolder(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Not empty, or gone already: both are as good.
  }
}

function canHold(folder: string): boolean {
  try {
    ensureRuntimeFolder(folder)
    leaveRuntimeFolder(folder)
    return true
  } catch {
    return false
  }
}
