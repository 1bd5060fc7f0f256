import type { Actions } from '@gantry/shared/actions.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { collectDiagnostics } from './collect-diagnostics.ts'
import type { ActionContext } from './context.ts'
import { restartService } from './restart-service.ts'

/** What a specialist can ask of a device; the other half of `shared/actions.ts`, checked by the compiler. */
export const actionHandlers: Handlers<Actions, ActionContext> = {
  'diagnostics.collect': collectDiagnostics,
  'service.restart': restartService,
}
