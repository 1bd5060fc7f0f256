import { requestLimits } from '@gantry/shared/access-request.ts'

/** When a request runs out, by state. Milliseconds since 1970. */
export const deadlines = {
  /** The ticket could not be joined any more. */
  requested: (createdMs: number) => createdMs + requestLimits.joinSeconds * 1000,
  /** The device refuses by itself after its 120 s; this is for one that says nothing more. */
  'picked-up': (nowMs: number) => nowMs + (requestLimits.answerSeconds + 30) * 1000,
  asking: (answerBeforeMs: number) => answerBeforeMs + 30_000,
  /** The device reports an opened session at once; a minute more for a report that was on its way. */
  approved: (createdMs: number) => createdMs + (requestLimits.joinSeconds + 60) * 1000,
  /** The device ends it by the clock; this is for one that was never heard of again. */
  open: (openedMs: number, minutes: number) => openedMs + (minutes + 10) * 60_000,
}
