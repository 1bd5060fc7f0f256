import type { CheckKey } from '@gantry/shared/files.ts'
import { createRunningCheck, type RunningCheck } from '@gantry/shared/node/running-check.ts'
import type { FileEvent } from './device-files.ts'
import { showPath } from './names.ts'

/**
 * The transfers of a session, each known by its check's key. One may take several legs and many ranges, and is one event all the same: the confirmation's. What is
 * not gone on with for a minute, or left when the session ends, moved too, and is recorded as a part.
 */
export type Move = {
  readonly kind: 'sent' | 'received'
  readonly path: string
  readonly check: RunningCheck
  /** The file that it reads or writes, as it was when last seen. */
  version: string | null
  /** True for the transfer that last put its part at its path. */
  owner: boolean
  /** Octets that crossed the leg, repeated ones too. */
  bytes: number
  /** The confirmation, which may be asked for again when its answer was lost. */
  confirmed: Promise<unknown> | null
}
export type Moves = {
  /** Takes the transfer up: whatever still runs for it is stopped first, and has settled when `act` begins. */
  run<T>(which: { kind: Move['kind']; key: CheckKey; path: string }, stop: () => void, act: (move: Move) => Promise<T>): Promise<T>
  /** `act` once, for as long as it does not fail. Null when there is no such transfer. */
  confirm<T>(kind: Move['kind'], key: CheckKey, act: (move: Move) => Promise<T>): Promise<T> | null
  /** The file at the move's path is this transfer's own from now on, and of none before it. */
  claim(move: Move): void
  /** Nothing comes after it, and it is not told. */
  forget(kind: Move['kind'], key: CheckKey): void
  close(): void
}

const waitMs = 60_000
const maxKept = 4_096

type Entry = Move & { stop: () => void; running: Promise<unknown>; told: number; timer: NodeJS.Timeout | undefined }

export function createMoves(record: (event: FileEvent) => void): Moves {
  const entries = new Map<string, Entry>()
  const id = (kind: Move['kind'], key: CheckKey) => `${kind} ${key}`

  const tell = (entry: Entry) => {
    clearTimeout(entry.timer)
    const bytes = entry.bytes - entry.told
    if (bytes === 0 || entry.confirmed) return
    entry.told = entry.bytes
    record({ kind: entry.kind, path: showPath(entry.path), bytes, whole: false, sha256: null })
  }
  const find = ({ kind, key, path }: { kind: Move['kind']; key: CheckKey; path: string }): Entry => {
    const known = entries.get(id(kind, key))
    if (known) return known
    const idle = { stop: () => undefined, running: Promise.resolve(), told: 0, timer: undefined }
    const entry: Entry = { kind, path, check: createRunningCheck(key), version: null, owner: false, bytes: 0, confirmed: null, ...idle }
    entries.set(id(kind, key), entry)
    const [oldest] = entries
    if (entries.size > maxKept && oldest) {
      entries.delete(oldest[0])
      tell(oldest[1])
    }
    return entry
  }
  return {
    async run(which, stop, act) {
      const entry = find(which)
      clearTimeout(entry.timer)
      entry.stop()
      entry.stop = stop
      const mine = entry.running.then(() => act(entry))
      const settled = mine.then(
        () => undefined,
        () => undefined,
      )
      entry.running = settled
      await settled
      if (entry.running === settled && !entry.confirmed) entry.timer = setTimeout(tell, waitMs, entry).unref()
      return mine
    },
    confirm(kind, key, act) {
      const entry = entries.get(id(kind, key))
      if (!entry) return null
      clearTimeout(entry.timer)
      const asked = (entry.confirmed ?? entry.running.then(() => act(entry))) as ReturnType<typeof act>
      entry.confirmed = asked
      asked.catch(() => {
        if (entry.confirmed === asked) entry.confirmed = null
      })
      return asked
    },
    claim(move) {
      for (const entry of entries.values()) if (entry.path === move.path && entry.kind === move.kind) entry.owner = false
      move.owner = true
    },
    forget(kind, key) {
      const entry = entries.get(id(kind, key))
      clearTimeout(entry?.timer)
      entry?.stop()
      entries.delete(id(kind, key))
    },
    close() {
      for (const entry of entries.values()) {
        entry.stop()
        tell(entry)
      }
      entries.clear()
    },
  }
}
