import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * One server per state folder: an SQLite transaction that stays open, whose lock the kernel gives back with the process, however it ends.
 * Throws `state.in-use {folder}`. Returns the function that gives the folder back.
 */
export function lockState(stateDir: string): () => void {
  const lock = new DatabaseSync(join(stateDir, 'lock.db'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    throw new AppError('state.in-use', { cause: error, details: { folder: stateDir } })
  }
  return () => lock.close()
}
