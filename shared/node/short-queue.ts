/**
 * How much may be under way towards us on one connection, so that the queue before the slowest line on its way stays short, and whoever types over that line waits little (D24). TCP alone fills that queue:
 * only a loss makes it slower.
 *
 * The receiver decides, since it gives out the window (RFC 9113 section 5.2). Its pings measure the round trip; the shortest is the way without any queue. What arrives within the way and `targetMs` fills the line
 * and a short queue: while the queue is longer, no more is given out. While it is shorter, a window that was used up grows; until the first queue it doubles.
 *
 * Two things look like a queue and are none. When nothing at all comes although the round trip was short, a packet was lost: TCP asks for it again and goes on behind it, which takes a larger window. And the queue of others gets no
 * shorter by our giving way, as little as a way that became longer: so what a small window did not mend within `patience` is the way from then on.
 */
export type ShortQueue = {
  asked(nowMs: number): void
  answered(nowMs: number): void
  /** With the octets read so far: some times a second while contents come, and after each answer. Gives the window in bytes. */
  look(nowMs: number, readBytes: number): number
}

/** Of queue, ms: a third of what somebody who types forgives. */
const targetMs = 120
/**
 * How far back is looked. A lost packet holds up one answer, not all of a while; contents come in lumps, so their rate takes longer; and while something lost is waited for, none come, so what the line carries
 * is the most of some rates.
 */
const within = { answers: { ms: 500, ways: 2.5 }, rate: { ms: 1_000, ways: 5 }, peak: { ms: 5_000, ways: 25 } } as const
const windowLimits = { leastBytes: 16_384, firstBytes: 131_072 } as const
/** By which a window grows: at first, and where it was too large once. */
const growth = { first: 2, later: 1.1 } as const
/** A line that loses packets is left to TCP, which goes on with what comes after them: so much more is under way. */
const lossy = 5
const stand = { ms: 200, ways: 0.9 } as const
const patience = { ms: 12_000, ways: 60 } as const

type Look = { atMs: number; readBytes: number; rttMs: number }

export function createShortQueue(wholeBytes: number): ShortQueue {
  let windowBytes: number = windowLimits.firstBytes
  let wayMs = Number.POSITIVE_INFINITY
  /** When what is unanswered was asked; answers come in that order. */
  const asked: number[] = []
  let rttMs: number | null = null
  let rates: { atMs: number; bytesPerMs: number }[] = []
  let looks: Look[] = []
  let longSinceMs: number | null = null
  let grows: number = growth.first
  let grownMs = 0
  let stood = { atMs: 0, readBytes: 0 }
  let lostMs = Number.NEGATIVE_INFINITY

  const back = ({ ms, ways }: { ms: number; ways: number }) => Math.max(ms, ways * wayMs)
  /** `look` is the newest; those before it say how fast contents come. */
  const next = ({ atMs, readBytes, rttMs: latestMs }: Look, before: Look): number => {
    const leastMs = Math.min(...looks.filter(({ atMs: before }) => before > atMs - back(within.answers)).map((look) => look.rttMs))
    rates = [...rates.filter((one) => one.atMs > atMs - back(within.peak)), { atMs, bytesPerMs: (readBytes - before.readBytes) / (atMs - before.atMs) }]
    const enough = Math.max(...rates.map(({ bytesPerMs }) => bytesPerMs)) * (wayMs + targetMs)
    if (atMs - lostMs < back(within.peak)) return Math.max(windowBytes, lossy * enough)
    if (leastMs > wayMs + targetMs) {
      grows = growth.later
      longSinceMs ??= atMs
      if (atMs - longSinceMs < back(patience)) return enough
      wayMs = leastMs
      grows = growth.first
      return windowBytes
    }
    longSinceMs = null
    const roundTripAgo = looks.findLast((look) => look.atMs <= atMs - latestMs) ?? before
    const isUsedUp = readBytes - roundTripAgo.readBytes >= windowBytes / 2
    // What a larger window does is seen a round trip later.
    if (latestMs > wayMs + targetMs / 2 || !isUsedUp || atMs - grownMs < latestMs) return windowBytes
    grownMs = atMs
    return grows * windowBytes
  }
  return {
    asked(nowMs) {
      asked.push(nowMs)
    },
    answered(nowMs) {
      rttMs = nowMs - (asked.shift() ?? nowMs)
      wayMs = Math.min(wayMs, rttMs)
    },
    look(nowMs, readBytes) {
      // A question that waits says as much as its answer will.
      const latestMs = asked[0] === undefined ? rttMs : Math.max(rttMs ?? 0, nowMs - asked[0])
      if (latestMs === null) return windowBytes
      if (readBytes !== stood.readBytes) stood = { atMs: nowMs, readBytes }
      // Nothing comes although there was no queue: something was lost on the way.
      else if (nowMs - stood.atMs > back(stand) && rttMs !== null && rttMs < wayMs + targetMs / 2 && asked[0] !== undefined) lostMs = nowMs
      looks = [...looks.filter(({ atMs }) => atMs > nowMs - back(within.rate)), { atMs: nowMs, readBytes, rttMs: latestMs }]
      const [before, look] = [looks[0], looks.at(-1)]
      if (!before || !look || before.atMs === nowMs) return windowBytes
      windowBytes = Math.round(Math.min(Math.max(next(look, before), windowLimits.leastBytes), wholeBytes))
      return windowBytes
    },
  }
}
