import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * One process at a time, for whatever shares a profile (several `gantry` runs beside the window). The lock is SQLite's own on an empty database: the operating
 * system frees it when its process dies, which a lock file of our own could not promise.
 */
export type ProfileLock = <T>(doing: () => Promise<T>) => Promise<T>

/** `path` is the lock's file. Waits `waitMs` at most, then throws `state.in-use`. */
export function createProfileLock(path: string, { waitMs = 30_000, pollMs = 25 }: { waitMs?: number; pollMs?: number } = {}): ProfileLock {
  return async (doing) => {
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      await begin(database, waitMs, pollMs)
      return await doing()
    } finally {
      database.close()
    }
  }
}

async function begin(database: DatabaseSync, waitMs: number, pollMs: number): Promise<void> {
  for (let waited = 0; ; waited += pollMs) {
    try {
      database.exec('BEGIN EXCLUSIVE')
      return
    } catch (error) {
      if (!isBusy(error) || waited >= waitMs) throw new AppError('state.in-use', { cause: error, details: { what: 'profile' } })
      await sleep(pollMs)
    }
  }
}

/** SQLITE_BUSY: somebody else holds it. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}
