import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { underLock } from '@gantry/shared/node/file-lock.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'

/**
 * One agent per state folder: two would each think that a ticket is unspent. A file names the holder by pid and start time; a socket would be simpler,
 * but the agent listens on nothing (R041). Throws `state.in-use {folder, pid}`. Returns the function that gives the folder back.
 */
export function lockState(folder: string): () => void {
  const path = join(folder, 'agent.pid')
  const own = `${process.pid} ${startedAt(process.pid) ?? '-'}`
  underLock(`${path}.lock`, () => {
    const holder = livingHolder(path, own)
    if (holder !== null) throw new AppError('state.in-use', { details: { folder, pid: holder } })
    writeFileWhole(path, own)
  })
  held.add(path)
  return () => {
    held.delete(path)
    rmSync(path, { force: true })
  }
}

/** Folders that this process holds: tests run several agents in one process, each with its own. */
const held = new Set<string>()

function livingHolder(path: string, own: string): number | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return null
  }
  if (text === own) return held.has(path) ? process.pid : null
  const [pid = '', started] = text.split(' ')
  return started !== undefined && startedAt(Number(pid)) === started ? Number(pid) : null
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
