import { z } from 'zod'
import { requestLimits } from './access-request.ts'
import type { Contract } from './contract.ts'
import { CustomerId, DeviceId } from './ids.ts'
import { plainText } from './ticket.ts'

/** The vendor's number of a case, within one customer. */
export const CaseKey = z.strictObject({ customerId: CustomerId, number: plainText(requestLimits.maxCaseCharacters).min(1) })
/** What a person writes about a case: no patient data, and kept by the main server alone. */
export const caseTextLimits = { min: 3, max: 500 } as const
export const CaseText = plainText(caseTextLimits.max).min(caseTextLimits.min)
export type CaseKey = z.infer<typeof CaseKey>

/** R087. It begins with the first request that names it; who holds it escalates or closes it, and with its end every session in it ends. */
export const CaseView = z.object({
  customerId: CustomerId,
  number: z.string(),
  customer: z.string(),
  /** Of the first request. */
  device: z.object({ id: DeviceId, name: z.string() }),
  state: z.enum(['open', 'closed']),
  openedMs: z.number(),
  openedBy: z.string(),
  holder: z.string(),
  /** By who asks. */
  held: z.boolean(),
  /** The last one; to the holder. */
  escalation: z.object({ by: z.string(), atMs: z.number(), reason: z.string() }).nullable(),
  closed: z.object({ by: z.string(), atMs: z.number(), resolution: z.string() }).nullable(),
  /** Requests of anybody in it that wait or run: what ends with it. */
  liveRequests: z.number(),
})
export type CaseView = z.infer<typeof CaseView>

/** What a person does with cases: the window asks the main process so, and that the main server. */
export const caseCalls = {
  /** Cases that the caller holds, began or asked for access in; newest first. */
  'case.list': { input: z.strictObject({}), output: z.object({ cases: z.array(CaseView) }) },
  /** To whom it can be escalated: whoever's profile holds a level on its device. Errors: `case.unknown`. */
  'case.colleagues': {
    input: CaseKey,
    output: z.object({ colleagues: z.array(z.object({ username: z.string(), name: z.string(), tier: z.number(), country: z.string() })) }),
  },
  /** Gives it to a named colleague. Errors: `case.unknown`, `case.closed`, `case.not-held`, `case.not-allowed`, `case.colleague-unknown`. */
  'case.escalate': { input: CaseKey.extend({ to: z.string().max(32), reason: CaseText }), output: CaseView },
  /** Ends every session and request in it, whoever's, with the cause `case-closed`. Errors: `case.unknown`, `case.closed`, `case.not-held`, `case.not-allowed`. */
  'case.close': { input: CaseKey.extend({ resolution: CaseText }), output: CaseView },
} satisfies Contract
