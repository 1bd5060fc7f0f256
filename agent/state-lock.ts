import { readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * One agent per state folder: two would each think that a ticket is unspent. A symbolic link names the holder by pid and start time: it is made in one step, and a text
 * so short lies in the inode, so that it needs no block of a disk that is full (goal D27). A socket would be simpler, but the agent listens on nothing (R041).
 * Throws `state.in-use {folder, pid}`. Returns the function that gives the folder back.
 */
export function lockState(folder: string): () => void {
  const path = join(folder, 'agent.pid')
  const own = `${process.pid} ${startedAt(process.pid) ?? '-'}`
  while (!make(path, own)) {
    const found = read(path)
    const holder = found === null ? null : livingHolder(path, found, own)
    if (holder !== null) throw new AppError('state.in-use', { details: { folder, pid: holder } })
    if (found === null || read(path) !== found) continue
    rmSync(path, { force: true })
    // Another starter may have found the same dead link, and removed ours instead of it: the last one that made a link has the folder.
    if (!make(path, own)) continue
    pause(settleMs)
    if (read(path) !== own) continue
    break
  }
  held.add(path)
  return () => {
    held.delete(path)
    rmSync(path, { force: true })
  }
}

/** Folders that this process holds: tests run several agents in one process, each with its own. */
const held = new Set<string>()
/** Longer than another starter needs between its look and its removal. */
const settleMs = 50

function make(path: string, text: string): boolean {
  try {
    symlinkSync(text, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Null when nothing is there; a file that is no link names nobody. */
function read(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EINVAL' ? '' : null
  }
}

function livingHolder(path: string, text: string, own: string): number | null {
  if (text === own) return held.has(path) ? process.pid : null
  const [pid = '', started] = text.split(' ')
  return started !== undefined && startedAt(Number(pid)) === started ? Number(pid) : null
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** proc(5), field 22 of stat, counted behind the command's closing bracket. Null when there is no such process; elsewhere than on Linux only life is told. */
function startedAt(pid: number): string | null {
  if (!Number.isInteger(pid) || pid < 1) return null
  try {
    if (process.platform !== 'linux') return process.kill(pid, 0) ? '-' : null
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
