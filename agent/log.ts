import { AppError } from '@gantry/shared/errors.ts'

/** Technical log, JSON lines on stderr in pino's form. No path of a session, no typed text, no output, no key, no code: those belong to the audit or nowhere. */
export type Log = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Ten lines instead of a package: a device starts sooner, and carries less. Node writes pipes and files on stderr synchronously, so the last line is not lost. */
export function createLog(part: string): Log {
  const write = (level: number) => (fields: object, message: string) => {
    process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), part, ...fields, msg: message })}\n`)
  }
  return { info: write(30), warn: write(40), error: write(50) }
}

/** A failure as an administrator needs it: which hop failed, which proxy refused, and why. Details never hold a secret. */
export function factsOf(error: unknown): object {
  return error instanceof AppError ? { code: error.code, ...error.details } : { code: 'internal', reason: String(error) }
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
