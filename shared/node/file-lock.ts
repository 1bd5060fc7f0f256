import { closeSync, openSync, readFileSync, rmSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { AppError } from '../errors.ts'

/**
 * A lock between processes, held for moments: a file that exists. Node offers no flock(2); the file is made with O_EXCL and names its holder, and
 * a lock whose holder is dead is taken away. Only one process at a time may take locks away, under a second lock, so that two that find the same dead holder
 * cannot remove each other's fresh lock.
 */
const waitMs = 5_000
/** A lock file is empty between its making and its first write; one that stays empty this long was left by a crash in between. */
const emptyMs = 2_000
/** Nobody needs longer to take a dead lock away. */
const takeAwayMs = 10_000

/** Runs `act` under the lock. Throws `state.in-use` when it is held for longer than 5 s. Waits by blocking, since what it guards is synchronous. */
export function underLock<T>(path: string, act: () => T): T {
  acquire(path)
  try {
    return act()
  } finally {
    rmSync(path, { force: true })
  }
}

function acquire(path: string): void {
  const giveUp = Date.now() + waitMs
  for (let attempt = 1; !tryAcquire(path); attempt++) {
    if (isAbandoned(path)) takeAway(path)
    else if (Date.now() > giveUp) throw new AppError('state.in-use', { details: { what: path } })
    else sleep(Math.min(attempt, 10))
  }
}

function tryAcquire(path: string): boolean {
  const file = createExclusive(path)
  if (file === null) return false
  try {
    writeSync(file, `${process.pid} ${startTime(process.pid) ?? '-'}`)
    return true
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

function createExclusive(path: string): number | null {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return null
    // Windows says so while another process removes the file.
    if (process.platform === 'win32' && (codeOf(error) === 'EPERM' || codeOf(error) === 'EBUSY')) return null
    throw error
  }
}

function takeAway(path: string): void {
  const guard = `${path}.take`
  if (!tryAcquire(guard)) {
    if (ageMs(guard) > takeAwayMs) rmSync(guard, { force: true })
    return sleep(2)
  }
  try {
    if (isAbandoned(path)) unlinkSync(path)
  } finally {
    rmSync(guard, { force: true })
  }
}

function isAbandoned(path: string): boolean {
  try {
    const holder = readFileSync(path, 'utf8')
    if (holder === '') return ageMs(path) > emptyMs
    const [name, started] = holder.split(' ')
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid < 1 || !isAlive(pid)) return true
    const now = startTime(pid)
    return now !== null && started !== '-' && now !== started
  } catch {
    return false
  }
}

/** When a process started, where the system tells it, or null. It tells a pid that was used again from the holder. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): field 22, counted after the command's closing bracket, since the command may itself hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    return 0
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
