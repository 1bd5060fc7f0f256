import { AppError, type ErrorCode, errorCodes } from '@gantry/shared/errors.ts'

/** 0 done, 1 failed, 2 usage, 3 refused, 4 not signed in, 5 unreachable. 130 (as shells say for SIGINT) only when a second Ctrl-C left work undone. */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 130

export function exitCodeOf(code: ErrorCode): ExitCode {
  return errorCodes[code].exit
}

/** A wrong command line. `problem` is a sentence in the person's language; `option` names what is wrong, for scripts. */
export function usageError(problem: string, option?: string): AppError {
  return new AppError('usage.bad', { details: option === undefined ? { problem } : { problem, option } })
}
