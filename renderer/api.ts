import { AppError, type Failure, isErrorCode, toFailure } from '@gantry/shared/errors.ts'
import type { CallInput, CallName, CallOutput } from '@gantry/shared/ipc.ts'
import type { Api } from '../preload/api.ts'

declare global {
  interface Window {
    readonly api: Api
  }
}

/** Asks the main process. Throws an AppError with the failure's code. */
export async function call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
  const result = await window.api.call(name, input)
  if (result.ok) return result.value
  throw new AppError(result.failure.code, result.failure.details ? { details: result.failure.details } : {})
}

export const on: Api['on'] = (name, listener) => window.api.on(name, listener)

/** As `Api.pathOf`. */
export const pathOf: Api['pathOf'] = (file) => window.api.pathOf(file)

export type Call = typeof call
export type On = typeof on

/** What went wrong, as a failure that has words. A defect of the window itself is `internal`. */
export function failureOf(error: unknown): Failure {
  return toFailure(error)
}

/** Failures inside views carry a plain string as code: an unknown one (another version) is `internal`. */
export function knownFailure(failure: { code: string; details?: Record<string, string | number> | undefined }): Failure {
  if (!isErrorCode(failure.code)) return { code: 'internal' }
  return failure.details ? { code: failure.code, details: failure.details } : { code: failure.code }
}
