import type { NoticeRule } from '@gantry/shared/notice.ts'

/** What has become of a notice; of a request that needs none there is no row. */
export type NoticeState = 'sending' | 'delivered' | 'accepted' | 'refused' | 'failed' | 'expired'

/** The moves of a notice. A contact may answer before we know that the message arrived. A refusal is final, and possible as long as request or session live. */
const moves: Record<NoticeState, readonly NoticeState[]> = {
  sending: ['delivered', 'accepted', 'refused', 'failed'],
  delivered: ['accepted', 'refused', 'expired'],
  accepted: ['refused'],
  refused: [],
  failed: [],
  expired: [],
}

export function statesBefore(to: NoticeState): NoticeState[] {
  return (Object.keys(moves) as NoticeState[]).filter((from) => moves[from].includes(to))
}

/** Whether the device may hear of the request now. */
export function lets(rule: NoticeRule, state: NoticeState): boolean {
  return state === 'accepted' || (rule === 'told' && state === 'delivered')
}

/** When a message is tried again, or null where it is not: after `attempts` tries, doubling, within the time that the notice has. Milliseconds. */
export function nextTry(attempts: number, nowMs: number, deadlineMs: number): number | null {
  const nextMs = nowMs + Math.min(1_000 * 2 ** (attempts - 1), 15_000)
  return attempts < maxAttempts && nextMs < deadlineMs ? nextMs : null
}
export const maxAttempts = 10
