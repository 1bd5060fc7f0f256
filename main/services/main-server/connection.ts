import { type AppError, toFailure } from '@gantry/shared/errors.ts'
import type { EventPayload } from '@gantry/shared/ipc.ts'

export type Connection = { isOnline(): boolean; note(failure: AppError | null): void }

/** Whether the main server answers, told on change only. The first answer is a change. */
export function createConnection(onChange: (state: EventPayload<'connection.changed'>) => void, now: () => number): Connection {
  let online: boolean | null = null
  return {
    isOnline: () => online !== false,
    note(failure) {
      if (online === (failure === null)) return
      online = failure === null
      onChange({ online, sinceMs: now(), failure: failure && toFailure(failure) })
    },
  }
}
