import { abortable } from './abortable.ts'
import type { Credentials } from './proxy-auth.ts'

/**
 * Keeps a wrong proxy password from locking its account (D9: at most 4 tries a minute, whoever dials how often). Credentials that were never accepted are tried by one
 * connection at a time; those that were refused wait 20 s, then twice as long each time, 5 minutes at most. Other credentials are tried at once.
 */
export type ProxyGuard = {
  /** Waits for its turn. Milliseconds until these credentials may be tried again, or 0: then one of `accepted`, `refused`, `unanswered` must follow. */
  enter(credentials: Credentials, signal: AbortSignal): Promise<number>
  accepted(): void
  refused(credentials: Credentials): void
  /** The connection broke before the proxy had judged. */
  unanswered(): void
}

const backOff = { baseMs: 20_000, maxMs: 300_000 } as const
/** A proxy that took the password may be slow because of the server behind it: others do not wait for that. */
const maxWaitMs = 3_000

export function createProxyGuard(now: () => number): ProxyGuard {
  let proven = false
  let trying: PromiseWithResolvers<true> | null = null
  let refusal: { credentials: Credentials; times: number; untilMs: number } | null = null
  const leave = () => {
    trying?.resolve(true)
    trying = null
  }
  const isRefused = (credentials: Credentials) => refusal !== null && isSame(refusal.credentials, credentials)
  return {
    async enter(credentials, signal) {
      const patience = trying && !proven ? late(maxWaitMs) : null
      let waits = true
      while (trying && !proven && patience && waits) waits = await abortable(Promise.race([trying.promise, patience]), signal)
      const leftMs = refusal && isRefused(credentials) ? refusal.untilMs - now() : 0
      if (leftMs > 0) return leftMs
      if (!proven) trying = Promise.withResolvers()
      return 0
    },
    accepted() {
      proven = true
      refusal = null
      leave()
    },
    refused(credentials) {
      const times = refusal && isRefused(credentials) ? refusal.times + 1 : 1
      proven = false
      refusal = { credentials, times, untilMs: now() + Math.min(backOff.baseMs * 2 ** (times - 1), backOff.maxMs) }
      leave()
    },
    unanswered: leave,
  }
}

function late(ms: number): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, ms, false).unref())
}

function isSame(one: Credentials, other: Credentials): boolean {
  return one.user === other.user && one.password === other.password
}
