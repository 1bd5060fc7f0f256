import { setTimeout as sleep } from 'node:timers/promises'

/** Messages of one follower, oldest first. Only the newest few are kept: each view of a request holds all that came before it. */
export type Mailbox<T> = {
  push(message: T): void
  /** The next message, or null after `waitMs` without one. Throws the signal's reason. */
  next(waitMs: number, signal: AbortSignal): Promise<T | null>
}

const kept = 20

export function createMailbox<T>(): Mailbox<T> {
  const waiting: T[] = []
  let wake: () => void = () => undefined
  return {
    push(message) {
      waiting.push(message)
      if (waiting.length > kept) waiting.shift()
      wake()
    },
    async next(waitMs, signal) {
      signal.throwIfAborted()
      if (waiting.length === 0) {
        const pushed = new AbortController()
        wake = () => pushed.abort()
        await sleep(waitMs, undefined, { signal: AbortSignal.any([signal, pushed.signal]) }).catch(() => undefined)
        wake = () => undefined
      }
      signal.throwIfAborted()
      return waiting.shift() ?? null
    },
  }
}
