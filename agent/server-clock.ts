import { clockOffSeconds } from '@gantry/shared/access-request.ts'
import { requireInTime, type Validity } from '@gantry/shared/node/open-tls.ts'
import type { Clock } from './clock.ts'

/**
 * What the main server's answers say of this device's clock (D14). It opens nothing and moves no clock: tickets are judged by the device's own time alone. A device whose
 * time is off says so, instead of a ticket that has "expired".
 */
export type ServerClock = {
  /** After each answer, before anything in it is acted on. Throws `server.identity-wrong {reason}` where the server's certificate is outdated by its own time too. */
  heard(serverTimeMs: number, outdated: Validity | null): void
  /** By how many seconds this device is ahead of its main server (behind: below 0), where that is more than signed times may differ; else 0. */
  offSeconds(): number
}

export function createServerClock(clock: Pick<Clock, 'now' | 'elapsed'>): ServerClock {
  let heard: { serverMs: number; atMs: number } | null = null
  return {
    heard(serverTimeMs, outdated) {
      requireInTime(outdated, serverTimeMs)
      heard = { serverMs: serverTimeMs, atMs: clock.elapsed() }
    },
    // The server's time goes on by the monotonic clock: a wall clock that is set between two polls shows at once.
    offSeconds: () => (heard ? clockOffSeconds(clock.now(), heard.serverMs + clock.elapsed() - heard.atMs) : 0),
  }
}
