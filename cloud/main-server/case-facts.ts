import type { SpecialistId } from '@gantry/shared/ids.ts'

/** What the policy may know of a case. It begins with the first request that names it; one that is closed stays closed. */
export type CaseFacts = {
  state: 'open' | 'closed'
  /** Who began it, or to whom it was escalated last: closes and escalates it. */
  holder: SpecialistId
  openedMs: number
  /** The last escalation: to whom (who is the holder then), by whom. Null while it is with who began it. */
  escalation: { to: SpecialistId; by: SpecialistId; atMs: number } | null
}
