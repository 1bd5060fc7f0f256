import type { EndCause } from '@gantry/shared/access-request.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Grant, SessionTools } from './grant.ts'

export type OpenSession = { grant: Grant; tools: SessionTools; signal: AbortSignal }

/**
 * Runs one approved session from the first dial to the last killed process, and resolves with why it ended.
 * It ends by `signal` (whose `reason` is an `EndCause`), the granted minutes (counted from the first joined byte), idleness, the specialist,
 * or the loss of the control leg. Rejects only if it never began: with the code of the dial (`leg.*`, `server.unreachable`), `audit.unavailable`,
 * or `session.ended` when `signal` was aborted before the legs were joined.
 */
export async function openSession({ grant, tools, signal }: OpenSession): Promise<EndCause> {
  void grant
  void tools
  void signal
  throw new AppError('internal')
}
