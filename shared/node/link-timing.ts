/** When a path of the link is asked, doubted and given up, as a pure rule. All times in ms. */
export type LinkClock = {
  /** Monotonic. */
  now(): number
  /** Returns what cancels it. */
  after(ms: number, act: () => void): () => void
}

export const realClock: LinkClock = {
  now: () => performance.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
}

/** How often paths are looked at: while octets moved within the last 10 s or wait for their acknowledgement, and else. */
export const tickMs = { active: 250, idle: 5_000, activeFor: 10_000 } as const
/** A look that comes so late says that this process itself stood still. */
export const lateMs = 1_000

/** A carrier that is silent while something moves is asked after half a second; anything else often enough for a NAT or a proxy that forgets after 60 s. */
const askAfterMs = { carrier: 500, standby: 5_000, idle: 15_000 } as const
/** Half a second of silence, this much without an answer, and a tick: 2 s. Four round trips where that is more. */
const answerWithinMs = { least: 1_250, most: 8_000, roundTrips: 4 } as const
const closeAfterMs = 10_000

/** Acknowledgements ride on data; without any, this long after the octets, or this many. */
export const ackAfter = { ms: 40, bytes: 131_072 } as const

/** One slow answer among quick ones is no long way (RFC 6298 section 2.3). */
export function smoothed(rttMs: number, sampleMs: number): number {
  return rttMs === 0 ? sampleMs : (rttMs * 7 + sampleMs) / 8
}

/** When a path last answered, when the question was put that it has not answered yet, and since when it is doubted. */
export type PathLife = { answeredMs: number; askedMs: number | null; rttMs: number; doubtedMs: number | null }
export type Moment = { now: number; active: boolean; carries: boolean }

export function judgePath({ answeredMs, askedMs, rttMs, doubtedMs }: PathLife, { now, active, carries }: Moment): 'well' | 'ask' | 'doubt' | 'close' {
  if (doubtedMs !== null) return now - doubtedMs >= closeAfterMs ? 'close' : 'well'
  const silentMs = now - answeredMs
  if (askedMs === null) {
    const after = !active ? askAfterMs.idle : carries ? askAfterMs.carrier : askAfterMs.standby
    return silentMs >= after ? 'ask' : 'well'
  }
  const patienceMs = Math.min(Math.max(answerWithinMs.least, rttMs * answerWithinMs.roundTrips), answerWithinMs.most)
  return now - askedMs >= patienceMs && silentMs >= patienceMs ? 'doubt' : 'well'
}
