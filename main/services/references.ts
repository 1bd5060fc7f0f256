import { randomInt } from 'node:crypto'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { Calls } from '@gantry/shared/ipc.ts'
import type { ServiceLog } from './services.ts'

/** No letter or digit that is taken for another when it is read out. */
const letters = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'

function newReference(): string {
  return Array.from({ length: 6 }, () => letters[randomInt(letters.length)]).join('')
}

/**
 * The same handlers; what they fail with carries `details.reference`, six characters that a person can read out, and one line of the client's log has it too, with
 * the call and the code. A defect keeps its cause, for whoever serves the handlers to log.
 */
export function referToLog(handlers: Handlers<Calls, unknown>, log: ServiceLog, makeReference = newReference): Handlers<Calls, unknown> {
  const referring = Object.entries(handlers).map(([name, handle]) => {
    const answer = async (input: never, context: unknown) => {
      try {
        return await (handle as (input: never, context: unknown) => unknown)(input, context)
      } catch (error) {
        const { code, details } = toFailure(error)
        const reference = makeReference()
        log.warn('a call came to nothing', { call: name, code, reference })
        throw new AppError(code, { details: { ...details, reference }, cause: error })
      }
    }
    return [name, answer]
  })
  return Object.fromEntries(referring)
}
