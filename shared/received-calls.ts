import { z } from 'zod'
import type { Contract } from './contract.ts'

export const TransferId = z.string().regex(/^tr-\d{1,9}$/)

const one = z.strictObject({ transferId: TransferId })

/**
 * What becomes of a finished download on this computer. Where it lies is looked up in the main process; the page only names the transfer. Errors of each:
 * `transfer.unknown`, `transfer.not-received` (on its way, failed, or sent), `file.*` where it is not there any more; of the last two `transfer.no-desktop` in a browser.
 */
export const receivedCalls = {
  'transfer.place': { input: one, output: z.object({ path: z.string() }) },
  /** In the system's own file manager. */
  'transfer.show': { input: one, output: z.strictObject({}) },
  /** Hands them to the system's drag. Not `started` where no button is held down in the window: what is dragged so would be dropped where the pointer is. */
  'transfer.drag': { input: z.strictObject({ transferIds: z.array(TransferId).min(1).max(1_000) }), output: z.object({ started: z.boolean() }) },
} satisfies Contract
