import { pino } from 'pino'

/** Technical log, JSON lines on stderr. No path of a session, no typed text, no output, no key, no code: those belong to the audit or nowhere. */
export type Log = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export function createLog(part: string): Log {
  // Synchronous, so that the last line before an exit is not lost; the agent writes a few lines a minute.
  return pino({ base: { part }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
