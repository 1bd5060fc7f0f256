import type { AccessServerRef } from '../ticket.ts'
import type { LinkedNetwork } from './link-legs.ts'

/** What is worth telling of a session's connections, out of all that its link says: another server carries; nothing carries; something does again. */
export type NetworkEvents = {
  onSwitched(from: AccessServerRef, to: AccessServerRef): void
  onInterrupted(at: AccessServerRef): void
  onResumed(at: AccessServerRef, seconds: number): void
}

/** `now` in ms. */
export function watchNetwork(events: NetworkEvents, now: () => number): (network: LinkedNetwork) => void {
  let last: AccessServerRef | null = null
  let interruptedMs: number | null = null
  return ({ carrier, interrupted }) => {
    if (interrupted) {
      if (interruptedMs === null && last) {
        interruptedMs = now()
        events.onInterrupted(last)
      }
      return
    }
    if (!carrier) return
    const [before, sinceMs] = [last, interruptedMs]
    last = carrier
    interruptedMs = null
    if (sinceMs !== null) events.onResumed(carrier, Math.round((now() - sinceMs) / 1_000))
    if (before && before !== carrier) events.onSwitched(before, carrier)
  }
}
