export type BackoffOptions = { baseMs: number; maxMs: number }

/** Quadratic growth with ±50 % jitter, so that a fleet does not return in step. `attempt` counts from 1. */
export function backoffMs(attempt: number, { baseMs, maxMs }: BackoffOptions, random: () => number = Math.random): number {
  return Math.min(attempt * attempt * baseMs, maxMs) * (0.5 + random())
}
