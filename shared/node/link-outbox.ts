import { frameLimits, headerBytes, writeHeader } from './link-frames.ts'

/** What was written and is not yet acknowledged, as data frames ready to be sent, and sent again, under the numbers of their octets. */
export type Outbox = {
  /** The number of the first octet that is kept, and of the one that comes next. */
  readonly start: number
  readonly end: number
  add(chunks: readonly Buffer[]): void
  /** Lets go of everything before this number. */
  free(before: number): void
  /** The frame that holds octet `at`, which must be kept; the number of the octet after it. What stands before `at` comes twice, and does no harm. */
  from(at: number): { frame: Buffer; next: number }
}

type Kept = { at: number; frame: Buffer }

export function createOutbox(): Outbox {
  let kept: Kept[] = []
  /** Where the kept ones begin: moving an array down for every acknowledgement would cost more than the gap. */
  let first = 0
  let start = 0
  let end = 0

  const endOf = ({ at, frame: octets }: Kept) => at + octets.length - headerBytes
  /** The last frame that begins at or before `at`. */
  const find = (at: number): Kept => {
    let [low, high] = [first, kept.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((kept[middle] as Kept).at <= at) low = middle
      else high = middle - 1
    }
    return kept[low] as Kept
  }
  return {
    get start() {
      return start
    },
    get end() {
      return end
    },
    add(chunks) {
      // Copied once, together: the writer's buffers stay its own, and a packet that came in three pieces leaves as one record.
      for (const body of inFrames(chunks)) {
        writeHeader(body, 'data', end, body.length - headerBytes)
        kept.push({ at: end, frame: body })
        end += body.length - headerBytes
      }
    },
    free(before) {
      start = Math.max(start, before)
      while (first < kept.length && endOf(kept[first] as Kept) <= start) first += 1
      if (first > 1_024 || first === kept.length) {
        kept = kept.slice(first)
        first = 0
      }
    },
    from(at) {
      const one = find(at)
      return { frame: one.frame, next: endOf(one) }
    },
  }
}

/** Buffers with room for a header, holding the chunks one after the other. */
function* inFrames(chunks: readonly Buffer[]): Generator<Buffer> {
  let left = chunks.reduce((sum, { length }) => sum + length, 0)
  let [index, from] = [0, 0]
  while (left > 0) {
    const length = Math.min(left, frameLimits.maxDataBytes)
    const whole = Buffer.allocUnsafe(headerBytes + length)
    for (let filled = 0; filled < length; ) {
      const chunk = chunks[index] as Buffer
      const copied = chunk.copy(whole, headerBytes + filled, from, from + length - filled)
      filled += copied
      from += copied
      if (from === chunk.length) [index, from] = [index + 1, 0]
    }
    left -= length
    yield whole
  }
}
