import { Policy } from '../../../shared/device-policy.ts'
import { AppError } from '../../../shared/errors.ts'

/** What each session on the operating system needs, in the words of D15. */
export const conditions = [
  'a second factor within 15 minutes',
  'an entitlement',
  'the main server’s policy',
  'both of the person’s keys',
  'the device’s policy',
  'somebody at the device',
  'that person’s yes',
  'an access server’s admission of both ends',
  'the second level',
] as const
export type Condition = (typeof conditions)[number]

/** Nobody gets in unasked: what a customer's own `allow` lets in is another question (`agent/access/requests.model.test.ts`). */
export const openPolicy = Policy.parse({ version: 1, requestsPerHour: 20, rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask' } })

/** A shell that should not be. */
export class Breach extends Error {}

/** To whoever sent it, what was refused or met a crash is lost; anything else is a defect of these histories or of what they play on. */
export function letRefusalsPass(error: unknown): void {
  const refused = error instanceof AppError && error.code !== 'internal'
  if (!refused && !(error instanceof Error && error.message === 'crashed')) throw error
}
