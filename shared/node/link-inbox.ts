import { ackAfter } from './link-timing.ts'

/** What has come from the other end: in order, each octet once, until the reader takes it; and what of it must still be acknowledged. */
export type Inbox = {
  /** Octets received in order so far. */
  readonly received: number
  /** Octets that the reader has taken; the end of the stream counts as one more. */
  readonly taken: number
  /** `beyond`: after a gap, after the end, or more than the window: no honest end sends that. */
  put(at: number, octets: Buffer): 'fresh' | 'repeated' | 'beyond'
  /** The other end's last octet is number `count` - 1. */
  end(count: number): 'fresh' | 'repeated' | 'beyond'
  /** Whatever comes now, there will be no more. */
  cut(): void
  /** Hands over what there is, for as long as the reader wants more; null is the end. */
  deliver(): void
  want(): void
  /** An acknowledgement is due: at once, soon, or not at all. */
  owes(): 'now' | 'soon' | null
  /** The acknowledgement that is due, as if it had been said now. */
  acknowledge(): number
  /** It went into a path that died, or so it seems: it is due again. */
  owe(): void
}

const maxPieces = 65_536

export function createInbox(maxBytes: number, push: (octets: Buffer | null) => boolean): Inbox {
  const waiting: Buffer[] = []
  let received = 0
  let taken = 0
  let said = 0
  let last: number | null = null
  let isWanted = false
  return {
    get received() {
      return received
    },
    get taken() {
      return taken
    },
    put(at, octets) {
      if (at > received || (last !== null && at + octets.length > last)) return 'beyond'
      const fresh = octets.subarray(received - at)
      if (fresh.length === 0) return 'repeated'
      received += fresh.length
      // Octets are limited by the window; pieces too, since each costs more than the octet in it where a hostile path sends them one by one.
      if (received - taken > maxBytes || waiting.length >= maxPieces) return 'beyond'
      waiting.push(fresh)
      return 'fresh'
    },
    end(count) {
      if (count !== received) return 'beyond'
      if (last !== null) return 'repeated'
      last = count
      return 'fresh'
    },
    cut() {
      last ??= received
    },
    want() {
      isWanted = true
    },
    deliver() {
      while (isWanted && waiting.length > 0) {
        const octets = waiting.shift() as Buffer
        taken += octets.length
        isWanted = push(octets)
      }
      if (last === null || taken !== last) return
      taken += 1
      push(null)
    },
    owes: () => (taken - said >= ackAfter.bytes ? 'now' : taken > said ? 'soon' : null),
    acknowledge() {
      said = taken
      return taken
    },
    owe() {
      said = Math.min(said, taken - 1)
    },
  }
}
