import { randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import { AppError } from '../errors.ts'
import { createFrameReader, type FrameType, frame, frameLimits, headerBytes, readFrame } from './link-frames.ts'
import { createInbox } from './link-inbox.ts'
import { createOutbox } from './link-outbox.ts'
import { ackAfter, type LinkClock, type PathLife, realClock, smoothed } from './link-timing.ts'
import { watchPaths } from './link-watch.ts'

/**
 * The link: a byte stream that outlives its connections (architecture 3.3). It knows streams of bytes and nothing of what they are: a **path** is one that leads to the
 * other end, and there may be several, which come and go. One carries; the others stand by.
 *
 *   frame    type (1 octet) · count (6) · length (4) · body (length octets); numbers are unsigned, big endian
 *   hello    body: a fresh nonce of 32 octets. The first frame on a path, from both ends
 *   proof    count: octets received in order so far · body: 2,048 octets at most, which prove the end that signs them, its count and both nonces. The second frame
 *   data     count: the number of the first octet · body: 1 to 262,144 octets
 *   ack      count: octets that the reader has taken. The end of a stream counts as one octet more
 *   ping     count: a number, which the pong repeats
 *   pong
 *   carry    "I use this path now": the other end follows, unless it doubts the path
 *   end      count: octets in all; no more will come
 *   gone     the link is over, whatever was still under way
 *
 * **Numbers.** Each direction numbers its octets from 0. Data may come twice, over two paths, in any overlap: the reader drops what it has. A gap cannot come about between honest
 * ends, since a sender begins on each path at what was acknowledged and goes on in order; so a gap ends the link.
 * **Flow.** A writer sends at most a window (16 MiB) beyond what the reader has taken, and keeps it until it is acknowledged: neither end ever holds more. Paths are never paused, since a
 * path that is not read looks dead. Acknowledgements ride on data, or follow it after 40 ms or 128 KiB; data never waits for them.
 * **Doubling.** What a person types is a few octets, and a lost packet costs a long way at least two round trips. So over a long way a small write goes over a path that stands by as well, from
 * what was acknowledged on: whichever comes first is read.
 * **Death of a path.** One that closes is gone. One that does not *answer* (pong, new acknowledgement, new octets; pings and repetitions are no answer) is doubted, and another carries;
 * `link-timing.ts` says when: 2 s on an active link. A doubted path that answers is well again; one that does not is closed after 10 s.
 * **What each side may assume.** That whoever passed the handshake holds the other end's key. Not that frames come from it: a path's carrier can alter them. Then what is inside must notice (SSH
 * does), or the path breaks a rule and is closed.
 */
export type LinkOptions = {
  /** One end leads: it says which path carries in the beginning. Later either may. */
  role: 'leads' | 'follows'
  /** For tests; the real ones otherwise. */
  windowBytes?: number
  clock?: LinkClock
  onChange?: (state: LinkState) => void
}
/** `interrupted`: nothing carries, or what carries is doubted and there is no other. */
export type LinkState = { carrier: string | null; standby: string[]; interrupted: boolean }
export type Nonces = { own: Buffer; peer: Buffer }
export type PathOptions = {
  /** A path of the same name replaces this one. */
  name: string
  prove(facts: { received: number; nonces: Nonces }): Promise<Buffer>
  /** Rejects when the proof is not the other end's. */
  check(proof: Buffer, facts: { received: number; nonces: Nonces }): Promise<void>
  signal: AbortSignal
}

type Path = PathLife & {
  name: string
  stream: Duplex
  /** The next octet to send here, if this path carries. */
  next: number
  endSent: boolean
  full: boolean
}

const windowBytes = 16 * 1_048_576
/** Written but not sent yet; more would only stand in front of the next keystroke. */
const maxUnsentBytes = 262_144
/** What one path may hold unsent before it has to drain. */
const maxQueuedBytes = 524_288
/** Doubled when no more than this is unacknowledged, and the way as long as this: on a short one, a packet that is sent again is there as soon. */
const doubled = { maxBytes: 2_048, leastRttMs: 20 } as const
const lingerMs = 1_000
/** A reader that does not read on has this long once the other end is gone. */
const goneMs = 5_000

export class Link extends Duplex {
  readonly #role: LinkOptions['role']
  readonly #clock: LinkClock
  readonly #window: number
  readonly #onChange: (state: LinkState) => void
  readonly #paths = new Map<string, Path>()
  #carrier: Path | null = null
  #carried = false
  #isGone = false
  readonly #watch
  #pings = 0

  readonly #outbox = createOutbox()
  /** What the other end's reader has taken. */
  #takenThere = 0
  #accept: ((error?: Error | null) => void) | null = null
  #finish: ((error?: Error | null) => void) | null = null

  readonly #inbox
  #lastDataFrom: Path | null = null
  #cancelAck: (() => void) | null = null

  constructor({ role, windowBytes: window = windowBytes, clock = realClock, onChange = () => {} }: LinkOptions) {
    super({ allowHalfOpen: true, readableHighWaterMark: 65_536, writableHighWaterMark: 65_536, decodeStrings: true })
    this.#role = role
    this.#clock = clock
    this.#window = window
    this.#onChange = onChange
    this.#inbox = createInbox(window + frameLimits.maxDataBytes, (octets) => this.push(octets))
    this.#watch = watchPaths<Path>({
      clock,
      paths: () => this.#paths.values(),
      carries: (path) => path === this.#carrier,
      waits: () => this.keptBytes > 0,
      ask: ({ stream }) => void stream.write(frame('ping', ++this.#pings)),
      doubt: () => this.#reconsider(),
      close: (path) => this.#leave(path),
    })
  }

  /**
   * Shakes hands on a new path and takes it in. The stream is this link's from now on. Rejects, and closes the stream, when the other end cannot prove itself (what `check` says),
   * breaks the protocol (`contract.bad-input`) or goes away (`server.unreachable`); the signal limits the handshake.
   */
  async attach(stream: Duplex, { name, prove, check, signal }: PathOptions): Promise<void> {
    stream.on('error', () => stream.destroy())
    try {
      const own = randomBytes(frameLimits.nonceBytes)
      stream.write(frame('hello', 0, own))
      const nonces = { own, peer: (await readFrame(stream, 'hello', signal)).body }
      const { received } = this.#inbox
      stream.write(frame('proof', received, await prove({ received, nonces })))
      const { count, body } = await readFrame(stream, 'proof', signal)
      await check(body, { received: count, nonces })
      if (this.destroyed || stream.destroyed) throw new AppError('server.unreachable', { details: { hop: 'stream' } })
      if (count > this.#outbox.end) throw new AppError('contract.bad-input', { details: { name: 'link', field: 'count' } })
      this.#outbox.free(count)
      this.#takeIn(stream, name)
    } catch (error) {
      stream.destroy()
      throw error
    }
  }

  /** Octets that are kept for sending again. */
  get keptBytes(): number {
    return this.#outbox.end - this.#outbox.start
  }

  state(): LinkState {
    const carrier = this.#carrier
    const standby = [...this.#paths.values()].filter((path) => path !== carrier && path.doubtedMs === null).map(({ name }) => name)
    return { carrier: carrier?.name ?? null, standby, interrupted: carrier === null || carrier.doubtedMs !== null }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#add([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const all = chunks.map(({ chunk }) => chunk)
    this.#add(all, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finish = done
    this.#pump()
  }

  override _read(): void {
    this.#inbox.want()
    this.#deliver()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#watch.stop()
    this.#sendAck()
    for (const { stream } of this.#paths.values()) {
      stream.end(frame('gone', 0))
      const timer = setTimeout(() => stream.destroy(), lingerMs)
      stream.once('close', () => clearTimeout(timer))
    }
    this.#paths.clear()
    this.#carrier = null
    this.#accept?.(error)
    this.#finish?.(error)
    done(error)
  }

  #takeIn(stream: Duplex, name: string): void {
    const replaced = this.#paths.get(name)
    if (replaced) this.#drop(replaced)
    const path: Path = { name, stream, next: 0, endSent: false, full: false, answeredMs: this.#clock.now(), askedMs: null, rttMs: 0, doubtedMs: null }
    this.#paths.set(name, path)
    const leave = () => this.#leave(path)
    const read = createFrameReader({
      data: (at, octets) => this.#onData(path, at, octets),
      signal: (type, count) => this.#onSignal(path, type, count),
    })
    stream.once('close', leave)
    stream.once('end', leave)
    stream.on('drain', () => {
      path.full = false
      if (path === this.#carrier) this.#pump()
    })
    stream.on('data', (chunk: Buffer) => {
      if (this.#paths.get(name) !== path) return
      try {
        read(chunk)
      } catch {
        leave()
      }
    })
    // The last acknowledgement may have died with another path, and what it was for will not come again: the proof has said that it is here.
    if (this.#inbox.taken > 0) stream.write(frame('ack', this.#inbox.taken))
    this.#watch.wake()
    this.#reconsider()
  }

  #leave(path: Path): void {
    path.stream.destroy()
    if (this.#paths.get(path.name) !== path) return
    this.#drop(path)
    this.#reconsider()
  }

  #drop(path: Path): void {
    path.stream.destroy()
    this.#paths.delete(path.name)
    if (this.#carrier === path) this.#carrier = null
  }

  /** Another path carries as soon as this one does not. A carrier that is well is never left by our own choice. */
  #reconsider(): void {
    const current = this.#carrier
    if (!current || current.doubtedMs !== null) {
      const paths = [...this.#paths.values()]
      const better = paths.find(({ doubtedMs }) => doubtedMs === null) ?? (current ? undefined : paths[0])
      if (better && (this.#role === 'leads' || this.#carried)) better.stream.write(frame('carry', 0))
      if (better) this.#carryOn(better)
    }
    this.#tell()
  }

  #carryOn(path: Path): void {
    path.next = this.#outbox.start
    path.endSent = false
    this.#carrier = path
    this.#carried = true
    this.#pump()
  }

  #tell(): void {
    if (!this.destroyed && !this.#isGone) this.#onChange(this.state())
  }

  #add(chunks: Buffer[], done: (error?: Error | null) => void): void {
    this.#outbox.add(chunks)
    this.#accept = done
    this.#watch.wake()
    this.#pump()
    this.#double()
  }

  /** Everything that is kept, in order, so that there is no gap. A path that does not take it at once is left alone. */
  #double(): void {
    const [carrier, outbox] = [this.#carrier, this.#outbox]
    if (!carrier || carrier.rttMs < doubled.leastRttMs || this.keptBytes === 0 || this.keptBytes > doubled.maxBytes) return
    // Of a large frame the last octets may be all that is kept; it would go whole.
    if (outbox.from(outbox.start).frame.length > headerBytes + doubled.maxBytes) return
    for (const path of this.#paths.values()) {
      if (path === carrier || path.doubtedMs !== null || path.stream.writableLength > doubled.maxBytes) continue
      for (let at = outbox.start; at < outbox.end; ) {
        const { frame: octets, next } = outbox.from(at)
        path.stream.write(octets)
        at = next
      }
    }
  }

  #pump(): void {
    const path = this.#carrier
    if (!path || this.destroyed) return
    const { stream } = path
    const outbox = this.#outbox
    const limit = this.#takenThere + this.#window
    path.next = Math.max(path.next, outbox.start)
    stream.cork()
    if (path.next < outbox.end) this.#sendAck(path)
    while (path.next < outbox.end && path.next < limit && !path.full) {
      const { frame: octets, next } = outbox.from(path.next)
      stream.write(octets)
      path.full = stream.writableLength > maxQueuedBytes
      path.next = next
    }
    if (this.#finish && path.next === outbox.end && !path.endSent) {
      path.endSent = true
      stream.write(frame('end', outbox.end))
    }
    stream.uncork()
    this.#acceptMore()
  }

  #acceptMore(): void {
    const unsent = this.#outbox.end - (this.#carrier?.next ?? this.#outbox.start)
    if (unsent > maxUnsentBytes || this.keptBytes >= this.#window) return
    const accept = this.#accept
    this.#accept = null
    accept?.()
  }

  #onData(path: Path, at: number, octets: Buffer): void {
    const kind = this.#inbox.put(at, octets)
    if (kind === 'beyond') return void this.destroy()
    this.#lastDataFrom = path
    if (kind === 'repeated') this.#inbox.owe()
    else this.#answered(path)
    this.#watch.wake()
    this.#deliver()
  }

  #onSignal(path: Path, type: FrameType, count: number): void {
    if (type === 'ping') path.stream.write(frame('pong', count))
    else if (type === 'pong') this.#onPong(path)
    else if (type === 'ack') this.#onAck(path, count)
    else if (type === 'carry') this.#follow(path)
    else if (type === 'end') this.#onEnd(path, count)
    else if (type === 'gone') this.#onGone()
  }

  #onPong(path: Path): void {
    if (path.askedMs === null) return
    // What a stalled path says at last tells how long it stalled, not how far it is.
    if (path.doubtedMs === null) path.rttMs = smoothed(path.rttMs, this.#clock.now() - path.askedMs)
    path.askedMs = null
    this.#answered(path)
  }

  #onAck(path: Path, count: number): void {
    if (count <= this.#takenThere) return
    const ended = this.#finish && count > this.#outbox.end ? this.#finish : null
    if (count > this.#outbox.end + (ended ? 1 : 0)) return this.#leave(path)
    this.#takenThere = count
    this.#outbox.free(Math.min(count, this.#outbox.end))
    this.#answered(path)
    if (ended) this.#finish = null
    ended?.()
    this.#pump()
  }

  #follow(path: Path): void {
    if (path === this.#carrier || path.doubtedMs !== null) return
    this.#carryOn(path)
    this.#tell()
  }

  #onEnd(path: Path, count: number): void {
    const kind = this.#inbox.end(count)
    if (kind === 'beyond') return void this.destroy()
    this.#lastDataFrom = path
    if (kind === 'repeated') this.#inbox.owe()
    this.#deliver()
  }

  /** What came in order before it is still delivered. */
  #onGone(): void {
    // That its paths close now is its end, and nobody's interruption.
    this.#isGone = true
    this.#inbox.cut()
    this.#deliver()
    this.once('end', () => this.destroy())
    if (this.readableEnded) this.destroy()
    this.#clock.after(goneMs, () => this.destroy())
  }

  #deliver(): void {
    this.#inbox.deliver()
    const owed = this.#inbox.owes()
    if (owed === 'now') this.#sendAck()
    else if (owed === 'soon' && !this.#cancelAck) this.#cancelAck = this.#clock.after(ackAfter.ms, () => this.#sendAck())
  }

  /** On the path over which the octets came, since that one is alive; else over what carries. */
  #sendAck(on: Path | null = this.#lastDataFrom): void {
    this.#cancelAck?.()
    this.#cancelAck = null
    const path = on && this.#paths.get(on.name) === on ? on : this.#carrier
    if (path && this.#inbox.owes()) path.stream.write(frame('ack', this.#inbox.acknowledge()))
  }

  #answered(path: Path): void {
    path.answeredMs = this.#clock.now()
    if (path.doubtedMs === null) return
    path.doubtedMs = null
    path.askedMs = null
    this.#reconsider()
  }
}
