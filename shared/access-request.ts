import { z } from 'zod'

/**
 * The life of one access request and of its session, seen the same way by main server, agent and client.
 * requested: stored, ticket signed · picked-up: the device checked it · asking: a person is asked · approved: both ends dial ·
 * open: joined · then one of the four ends.
 */
const moves = {
  requested: ['picked-up', 'refused', 'cancelled', 'expired'],
  'picked-up': ['asking', 'approved', 'refused', 'cancelled', 'expired'],
  asking: ['approved', 'refused', 'cancelled', 'expired'],
  approved: ['open', 'ended', 'cancelled', 'expired'],
  open: ['ended'],
  refused: [],
  cancelled: [],
  expired: [],
  ended: [],
} as const satisfies Record<string, readonly string[]>

export const AccessState = z.enum(Object.keys(moves) as [keyof typeof moves, ...(keyof typeof moves)[]])
export type AccessState = z.infer<typeof AccessState>

export function canMove(from: AccessState, to: AccessState): boolean {
  return (moves[from] as readonly AccessState[]).includes(to)
}

export function isFinal(state: AccessState): boolean {
  return moves[state].length === 0
}

/** Why a session ended: a closed list, translated in `words/`. */
export const EndCause = z.enum([
  'specialist', // ended by who asked
  'person', // ended at the device
  'case-closed',
  'time', // the granted minutes are over
  'idle',
  'budget',
  'revoked',
  'policy',
  'connection-lost', // the client's side of the tunnel is gone
  'access-server-lost',
  'agent-stopped',
  'audit-failed', // no audit store, no session
])
export type EndCause = z.infer<typeof EndCause>

/** Limits of a request. Times: seconds where not said otherwise. */
export const requestLimits = {
  maxReasonCharacters: 1_000,
  maxCaseCharacters: 64,
  minMinutes: 1,
  maxMinutes: 480,
  /** No answer at the device within this time is a refusal. */
  answerSeconds: 120,
  /** The ticket must be joined within this time after issue. */
  joinSeconds: 300,
  /**
   * Clock slack: how far in the past or future a signed time may lie beyond its validity, and how far two clocks may lie apart (D14). Two minutes, and what a
   * message needs to arrive.
   */
  slackSeconds: 125,
} as const

/** By how many seconds one clock is ahead of another (behind: below 0), where that is more than signed times may differ; else 0 (D14). */
export function clockOffSeconds(hereMs: number, thereMs: number): number {
  const seconds = Math.round((hereMs - thereMs) / 1_000)
  return Math.abs(seconds) > requestLimits.slackSeconds ? seconds : 0
}
