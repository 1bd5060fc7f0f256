import type { Actions } from '@gantry/shared/actions.ts'
import type { Input, Output } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { z } from 'zod'
import type { ActionContext } from './context.ts'
import { runService } from './run-service.ts'

type Name = 'service.restart'

const restartTimeoutMs = 60_000
const Restarted = z.object({ restartedAt: z.iso.datetime(), downMs: z.number().min(0) })

/** Restarts the device's own service with the owner's command; the reason is its last argument. Throws `action.failed {reason}`. */
export async function restartService({ reason }: Input<Actions, Name>, { service, signal }: ActionContext): Promise<Output<Actions, Name>> {
  const command = service.restart.length > 0 ? [...service.restart, oneLine(reason)] : []
  const restarted = Restarted.safeParse(await runService(command, { timeoutMs: restartTimeoutMs, signal }))
  if (!restarted.success) throw new AppError('action.failed', { cause: restarted.error, details: { reason: 'output' } })
  return restarted.data
}

/** A leading dash would read as an option, a line break as a second line of the service's log. */
function oneLine(reason: string): string {
  return reason.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').replace(/^[-\s]+/, '')
}
