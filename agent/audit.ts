import type { AuditEvent, NewDeviceEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/** The device's audit, which may be unavailable for a while (a full disk, a store that somebody altered). Meanwhile the agent polls on, and opens nothing. */
export type Audit = {
  /** Stored when it returns; throws `audit.unavailable`, and then what was to be audited must not happen. */
  append(event: NewDeviceEvent): AuditEvent
  /** For what happens in any case; a store that is not there is logged. */
  note(event: NewDeviceEvent): void
  /** Null while the store cannot be opened. */
  log(): AuditLog | null
  close(): void
}

/** A store that cannot be opened is tried again, not oftener than this. ms */
const retryMs = 1_000

export type AuditWith = {
  open: () => AuditLog
  /** Called for each event that was written, and once the store is open. */
  onWritten: () => void
  /** What every event of this device carries. */
  about: () => Pick<NewDeviceEvent, 'deviceId'>
  clock: Clock
  log: Log
}

export function createAudit({ open, onWritten, about, clock, log }: AuditWith): Audit {
  let store: AuditLog | null = null
  let triedAt = Number.NEGATIVE_INFINITY
  let closed = false

  const tryOpen = (): AuditLog | null => {
    if (store || closed || clock.elapsed() - triedAt < retryMs) return store
    triedAt = clock.elapsed()
    try {
      store = open()
      store.onLine(onWritten)
    } catch (error) {
      const { code, details } = error instanceof AppError ? error : { code: 'internal', details: undefined }
      log.error({ code, ...details }, 'audit store cannot be opened')
    }
    return store
  }
  const append = (event: NewDeviceEvent) => {
    const opened = tryOpen()
    if (!opened) throw new AppError('audit.unavailable')
    return opened.append({ ...about(), ...event })
  }
  return {
    append,
    note(event) {
      try {
        append(event)
      } catch {
        log.warn({ kind: event.kind }, 'not audited')
      }
    },
    log: tryOpen,
    close() {
      closed = true
      store?.close()
      store = null
    },
  }
}
