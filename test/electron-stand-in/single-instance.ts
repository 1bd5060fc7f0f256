import { mkdirSync, readFileSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One app for each user data folder, by a file that names its process. A second one leaves what it was started with and gets false; the first is told. */
export type Second = { argv: string[]; folder: string }
type Lock = { release(): void }

export function takeInstanceLock(userData: string, onSecond: (second: Second) => void): Lock | null {
  mkdirSync(userData, { recursive: true })
  const lock = join(userData, 'stand-in.lock')
  const letter = join(userData, 'stand-in.second')
  const mine = () => writeFileSync(lock, String(process.pid), { flag: 'wx' })
  try {
    mine()
  } catch {
    if (isAlive(Number(readFileSync(lock, 'utf8')))) {
      // Renamed into its place, so that nobody reads half of it.
      const draft = `${letter}.${process.pid}`
      writeFileSync(draft, JSON.stringify({ argv: process.argv, folder: process.cwd() } satisfies Second))
      renameSync(draft, letter)
      return null
    }
    rmSync(lock)
    mine()
  }
  const watcher = watch(userData, (_what, name) => {
    if (name !== 'stand-in.second') return
    const second = readLetter(letter)
    if (second) onSecond(second)
  })
  return {
    release() {
      watcher.close()
      rmSync(lock, { force: true })
    },
  }
}

function readLetter(path: string): Second | null {
  try {
    const second = JSON.parse(readFileSync(path, 'utf8')) as Second
    rmSync(path)
    return second
  } catch {
    return null
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
