import type { Failure } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { ServiceLog } from '../services.ts'
import type { KeptStore, KeptTransfer } from './kept.ts'

/** What changes is on the disk after so long, and when the app goes. */
const writeAfterMs = 500

type KeeperTools = { store: KeptStore | null; left: (person: SpecialistId) => KeptTransfer[]; log: ServiceLog }

/** Writes what is not over soon after each change, and when the app goes; from then on parts stay where they are. Without a store it keeps nothing. */
export function createKeeper({ store, left, log }: KeeperTools) {
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  /** Whose files were read: only those are written, so that nothing unread is written over. */
  const failures = new Map<SpecialistId, Failure | null>()

  const write = () => {
    clearTimeout(timer)
    timer = undefined
    for (const person of failures.keys()) {
      try {
        store?.write(person, left(person))
      } catch (error) {
        log.warn('the transfers could not be kept', { cause: causeOf(error) })
      }
    }
  }
  const note = () => {
    if (store && !isClosed) timer ??= setTimeout(write, writeAfterMs).unref()
  }
  return {
    note,
    onChange: note,
    keepsParts: () => isClosed && store !== null,
    /** Why nothing is there of what this person left; null where nothing is wrong. */
    failure: (person: SpecialistId | null) => (person && failures.get(person)) ?? null,
    /** Once for each person; nothing after that. */
    read(person: SpecialistId): KeptTransfer[] {
      if (!store || failures.has(person)) return []
      const { transfers, failure } = store.read(person)
      failures.set(person, failure)
      return transfers
    },
    close() {
      if (store && !isClosed) write()
      isClosed = true
      clearTimeout(timer)
    },
  }
}

export function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return code || (cause instanceof Error ? cause.name : 'unknown')
}
