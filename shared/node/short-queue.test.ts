import { describe, expect, test } from 'vitest'
import { createShortQueue } from './short-queue.ts'

type Line = {
  /** There and back without any queue. */
  wayMs: number
  bytesPerMs: number
  /** What the queue before the slowest line holds; what comes later is lost there and sent again, which costs a round trip. */
  queueBytes?: number
  /** What others keep in that queue, whatever we do. */
  othersBytes?: number
}

const wholeBytes = 64 * 1_048_576
const stepMs = 5

/**
 * A sender that sends whatever it may, over a line with one queue, millisecond by millisecond. The receiver gives out the window as HTTP/2 libraries do: when half of it was used up. A ping comes back behind
 * what is in the queue, and the next follows at once while the window grows.
 */
function transfer(lineAt: (ms: number) => Line, { forMs }: { forMs: number }) {
  const queue = createShortQueue(wholeBytes)
  let [read, window, unacknowledged] = [0, 0, 0]
  let [waiting, credit] = [0, 0]
  const later: { atMs: number; run: () => void }[] = []
  let asked = false
  const waits: { atMs: number; ms: number; read: number; window: number }[] = []
  const give = (bytes: number) => {
    if (bytes > window) {
      const more = bytes - window
      later.push({ atMs: now + lineAt(now).wayMs / 2, run: () => (credit += more) })
    } else unacknowledged -= window - bytes
    window = bytes
  }
  let now = 0
  const ask = () => {
    if (asked) return
    asked = true
    queue.asked(now)
    const { wayMs, bytesPerMs, othersBytes = 0 } = lineAt(now)
    later.push({
      atMs: now + wayMs / 2,
      run() {
        later.push({
          atMs: now + wayMs / 2 + (waiting + othersBytes) / bytesPerMs,
          run() {
            asked = false
            queue.answered(now)
            const before = window
            give(queue.look(now, read))
            if (window > before) ask()
          },
        })
      },
    })
  }
  give(queue.look(0, 0))
  ask()
  for (; now < forMs; now += stepMs) {
    const { wayMs, bytesPerMs, queueBytes = Number.POSITIVE_INFINITY, othersBytes = 0 } = lineAt(now)
    for (const due of later.filter(({ atMs }) => atMs <= now)) {
      later.splice(later.indexOf(due), 1)
      due.run()
    }
    const enters = Math.max(0, Math.min(credit, queueBytes - waiting))
    credit -= enters
    waiting += enters
    // Others have their share of the line, too.
    const leaves = Math.min(waiting, (bytesPerMs * stepMs) / (othersBytes > 0 ? 2 : 1))
    waiting -= leaves
    later.push({
      atMs: now + wayMs / 2,
      run() {
        read += leaves
        unacknowledged += leaves
        if (unacknowledged < window / 2) return
        const more = unacknowledged
        unacknowledged = 0
        later.push({ atMs: now + lineAt(now).wayMs / 2, run: () => (credit += more) })
      },
    })
    if (now % 250 === 0) {
      give(queue.look(now, read))
      ask()
    }
    waits.push({ atMs: now, ms: (waiting + othersBytes) / bytesPerMs, read, window })
  }
  const between = (fromMs: number, toMs = forMs) => {
    const part = waits.filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    const sorted = part.map(({ ms }) => ms).sort((a, b) => a - b)
    const [first, last] = [part[0], part.at(-1)]
    if (!first || !last) throw new Error('no time')
    return {
      waitMs: sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN,
      bytesPerMs: (last.read - first.read) / (last.atMs - first.atMs),
      windowBytes: last.window,
    }
  }
  return { between }
}
const steady = (line: Line) => () => line

describe('what is under way leaves the queue short (D24)', () => {
  test.each([
    { wayMs: 200, bytesPerMs: 250 },
    { wayMs: 200, bytesPerMs: 250, queueBytes: 50_000 },
    { wayMs: 20, bytesPerMs: 1_000 },
    { wayMs: 100, bytesPerMs: 125 },
    { wayMs: 600, bytesPerMs: 120, atMostMs: 600, atLeast: 0.75 },
  ])('$wayMs ms, $bytesPerMs KB/s: the queue stays short, and the line is used', ({ atMostMs = 250, atLeast = 0.85, ...line }) => {
    const { waitMs, bytesPerMs } = transfer(steady(line), { forMs: 60_000 }).between(8_000)
    expect(waitMs).toBeLessThan(atMostMs)
    expect(bytesPerMs / line.bytesPerMs).toBeGreaterThan(atLeast)
  })

  test.each([
    { wayMs: 50, bytesPerMs: 170_000 },
    { wayMs: 5, bytesPerMs: 300_000 },
  ])('$wayMs ms, $bytesPerMs KB/s: a fast line is filled within a second', (line) => {
    expect(transfer(steady(line), { forMs: 3_000 }).between(1_000).bytesPerMs / line.bytesPerMs).toBeGreaterThan(0.8)
  })

  test('a line that becomes faster is used, one that becomes slower is left a short queue', () => {
    const at = (ms: number): Line => ({ wayMs: 100, bytesPerMs: ms > 10_000 && ms < 40_000 ? 2_000 : 250 })
    const moved = transfer(at, { forMs: 60_000 })
    expect(moved.between(25_000, 40_000).bytesPerMs).toBeGreaterThan(1_700)
    expect(moved.between(50_000).waitMs).toBeLessThan(200)
  })

  test('a queue of others, and a way that became longer, are no reason to be slow', () => {
    const crowded = transfer((ms) => ({ wayMs: 100, bytesPerMs: 1_000, othersBytes: ms > 5_000 ? 400_000 : 0 }), { forMs: 60_000 })
    expect(crowded.between(30_000).bytesPerMs).toBeGreaterThan(450)
    const moved = transfer((ms) => ({ wayMs: ms < 5_000 ? 50 : 400, bytesPerMs: 1_000 }), { forMs: 90_000 })
    expect(moved.between(45_000).bytesPerMs).toBeGreaterThan(600)
  })
})
