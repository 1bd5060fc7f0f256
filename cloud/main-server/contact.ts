import { pollTiming } from '@gantry/shared/agent-api.ts'

/** Two missed polls and a bit: a device that has been silent for longer counts as offline. */
export const silentAfterMs = Math.round(pollTiming.intervalMs * (1 + pollTiming.jitter) * 2.5)

export function isSilent(lastContactMs: number | null, nowMs: number): boolean {
  return lastContactMs === null || nowMs - lastContactMs > silentAfterMs
}
