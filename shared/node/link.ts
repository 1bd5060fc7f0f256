import { randomBytes } from 'node:crypto'
import { Duplex } from 'node:stream'
import { createFrameReader, type FrameType, frame, frameLimits, readFrame } from './link-frames.ts'
import { createOutbox } from './link-outbox.ts'
import { judgePath, type LinkClock, lateMs, realClock, tickMs } from './link-timing.ts'

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

type Path = {
  name: string
  stream: Duplex
  /** The next octet to send here, if this path carries. */
  next: number
  endSent: boolean
  full: boolean
  /** When it last answered, and when the question was put that it has not answered yet. */
  answeredMs: number
  askedMs: number | null
  rttMs: number
  doubtedMs: number | null
}

const windowBytes = 16 * 1_048_576
/** Written but not sent yet; more would only stand in front of the next keystroke. */
const maxUnsentBytes = 262_144
/** What one path may hold unsent before it has to drain. */
const maxQueuedBytes = 524_288
const ackAfter = { ms: 40, bytes: 131_072 } as const
const lingerMs = 1_000
/** A reader that does not read on has this long once the other end is gone. */
const goneMs = 5_000

export class Link extends Duplex {
  readonly #clock: LinkClock
  readonly #role: LinkOptions['role']
  readonly #window: number
  readonly #onChange: (state: LinkState) => void
  readonly #paths = new Map<string, Path>()
  #carrier: Path | null = null
  #carried = false

  readonly #outbox = createOutbox()
  /** What the other end's reader has taken. */
  #takenThere = 0
  #accept: ((error?: Error | null) => void) | null = null
  #finish: ((error?: Error | null) => void) | null = null

  readonly #inbox: Buffer[] = []
  #received = 0
  #taken = 0
  #saidTaken = 0
  #peerEnd: number | null = null
  #wanted = false
  #lastDataFrom: Path | null = null

  #activeMs: number
  #tickAtMs = Number.POSITIVE_INFINITY
  #cancelTick = () => {}
  #cancelAck: (() => void) | null = null
  #pings = 0

  constructor({ role, windowBytes: window = windowBytes, clock = realClock, onChange = () => {} }: LinkOptions) {
    super({ allowHalfOpen: true, readableHighWaterMark: 65_536, writableHighWaterMark: 65_536, decodeStrings: true })
    this.#role = role
    this.#clock = clock
    this.#window = window
    this.#onChange = onChange
    this.#activeMs = clock.now()
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
      const received = this.#received
      stream.write(frame('proof', received, await prove({ received, nonces })))
      const { count, body } = await readFrame(stream, 'proof', signal)
      await check(body, { received: count, nonces })
      if (this.destroyed || stream.destroyed) throw new Error('closed meanwhile')
      this.#takeIn(stream, name, count)
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
    this.#add(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finish = done
    this.#pump()
  }

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#cancelTick()
    this.#sendAck()
    this.#cancelAck?.()
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

  #add(chunks: Buffer[], done: (error?: Error | null) => void): void {
    this.#outbox.add(chunks)
    this.#accept = done
    this.#wake()
    this.#pump()
  }

  #takeIn(stream: Duplex, name: string, receivedThere: number): void {
    const replaced = this.#paths.get(name)
    if (replaced) this.#drop(replaced)
    const now = this.#clock.now()
    const path: Path = { name, stream, next: 0, endSent: false, full: false, answeredMs: now, askedMs: null, rttMs: 0, doubtedMs: null }
    const leave = () => this.#leave(path)
    if (receivedThere > this.#sentOctets()) throw new Error('an impossible count')
    this.#outbox.free(Math.min(receivedThere, this.#outbox.end))
    this.#paths.set(name, path)
    const read = createFrameReader({
      data: (at, octets) => this.#onData(path, at, octets),
      signal: (type, count) => this.#onSignal(path, type, count),
    })
    stream.on('drain', () => {
      path.full = false
      if (path === this.#carrier) this.#pump()
    })
    stream.once('close', leave)
    stream.once('end', leave)
    stream.on('data', (chunk: Buffer) => {
      if (this.#paths.get(name) !== path) return
      try {
        read(chunk)
      } catch {
        leave()
      }
    })
    // The last acknowledgement may have died with another path, and what it was for will not come again: the proof has said that it is here.
    if (this.#taken > 0) stream.write(frame('ack', this.#taken))
    this.#wake()
    this.#choose()
    this.#tell()
  }

  #leave(path: Path): void {
    path.stream.destroy()
    if (this.#paths.get(path.name) !== path) return
    this.#drop(path)
    this.#choose()
    this.#tell()
  }

  #drop(path: Path): void {
    path.stream.destroy()
    this.#paths.delete(path.name)
    if (this.#carrier === path) this.#carrier = null
  }

  /** Another path carries as soon as this one does not. A carrier that is well is never left by our own choice. */
  #choose(): void {
    const current = this.#carrier
    if (current && current.doubtedMs === null) return
    const better = [...this.#paths.values()].find(({ doubtedMs }) => doubtedMs === null) ?? (current ? null : this.#paths.values().next().value)
    if (!better) return
    if (this.#role === 'leads' || this.#carried) better.stream.write(frame('carry', 0))
    this.#carryOn(better)
  }

  #carryOn(path: Path): void {
    path.next = this.#outbox.start
    path.endSent = false
    this.#carrier = path
    this.#carried = true
    this.#pump()
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
    const ended = this.#finish !== null && path.next === outbox.end
    if (ended && !path.endSent) {
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
    const beyond = at > this.#received || (this.#peerEnd !== null && at + octets.length > this.#peerEnd)
    if (beyond) return void this.destroy()
    const fresh = octets.subarray(this.#received - at)
    if (fresh.length === 0) return this.#repeatAck(path)
    this.#received += fresh.length
    if (this.#received - this.#taken > this.#window + frameLimits.maxDataBytes) return void this.destroy()
    this.#answered(path)
    this.#lastDataFrom = path
    this.#wake()
    this.#inbox.push(fresh)
    this.#deliver()
  }

  #onSignal(path: Path, type: FrameType, count: number): void {
    if (type === 'ping') path.stream.write(frame('pong', count))
    else if (type === 'pong') this.#onPong(path, count)
    else if (type === 'ack') this.#onAck(path, count)
    else if (type === 'carry') this.#follow(path)
    else if (type === 'end') this.#onEnd(path, count)
    else if (type === 'gone') this.#onGone()
  }

  #onPong(path: Path, count: number): void {
    if (path.askedMs === null || count > this.#pings) return
    path.rttMs = this.#clock.now() - path.askedMs
    path.askedMs = null
    this.#answered(path)
  }

  #onAck(path: Path, count: number): void {
    if (count > this.#sentOctets() + 1) return this.#leave(path)
    if (count <= this.#takenThere) return
    this.#takenThere = count
    this.#outbox.free(Math.min(count, this.#outbox.end))
    this.#answered(path)
    const finish = this.#finish
    if (finish && count > this.#outbox.end) {
      this.#finish = null
      finish()
    }
    this.#pump()
  }

  #follow(path: Path): void {
    if (path === this.#carrier || path.doubtedMs !== null) return
    this.#carryOn(path)
    this.#tell()
  }

  #onEnd(path: Path, count: number): void {
    if (count !== this.#received) return void this.destroy()
    if (this.#peerEnd !== null) return this.#repeatAck(path)
    this.#lastDataFrom = path
    this.#peerEnd = count
    this.#deliver()
  }

  /** What came in order before it is still delivered. */
  #onGone(): void {
    this.#peerEnd ??= this.#received
    this.#deliver()
    this.once('end', () => this.destroy())
    if (this.readableEnded) this.destroy()
    this.#clock.after(goneMs, () => this.destroy())
  }

  /** What comes again was not acknowledged, or the acknowledgement went into a path that died. */
  #repeatAck(path: Path): void {
    this.#lastDataFrom = path
    this.#saidTaken = Math.min(this.#saidTaken, this.#taken - 1)
    this.#oweAck()
  }

  #deliver(): void {
    while (this.#wanted && this.#inbox.length > 0) {
      const octets = this.#inbox.shift() as Buffer
      this.#taken += octets.length
      this.#wanted = this.push(octets)
    }
    if (this.#peerEnd !== null && this.#inbox.length === 0 && this.#taken === this.#peerEnd) {
      this.#taken += 1
      this.push(null)
    }
    this.#oweAck()
  }

  #oweAck(): void {
    const owed = this.#taken - this.#saidTaken
    if (owed >= ackAfter.bytes) this.#sendAck()
    else if (owed > 0 && !this.#cancelAck) this.#cancelAck = this.#clock.after(ackAfter.ms, () => this.#sendAck())
  }

  /** On the path over which the octets came, since that one is alive; else over what carries. */
  #sendAck(on: Path | null = this.#lastDataFrom): void {
    this.#cancelAck?.()
    this.#cancelAck = null
    const path = on && this.#paths.get(on.name) === on ? on : this.#carrier
    if (!path || this.#taken === this.#saidTaken) return
    this.#saidTaken = this.#taken
    path.stream.write(frame('ack', this.#taken))
  }

  #sentOctets(): number {
    return this.#outbox.end
  }

  #answered(path: Path): void {
    path.answeredMs = this.#clock.now()
    if (path.doubtedMs === null) return
    path.doubtedMs = null
    path.askedMs = null
    this.#choose()
    this.#tell()
  }

  #doubt(path: Path, now: number): void {
    path.doubtedMs = now
    this.#choose()
    this.#tell()
  }

  #tell(): void {
    if (!this.destroyed) this.#onChange(this.state())
  }

  /** Something moves: look soon whether it arrives. */
  #wake(): void {
    this.#activeMs = this.#clock.now()
    this.#schedule(tickMs.active)
  }

  #schedule(ms: number): void {
    const atMs = this.#clock.now() + ms
    if (this.#tickAtMs <= atMs || this.destroyed) return
    this.#cancelTick()
    this.#tickAtMs = atMs
    this.#cancelTick = this.#clock.after(ms, () => this.#tick())
  }

  #tick(): void {
    const now = this.#clock.now()
    const slept = now - this.#tickAtMs > lateMs
    this.#tickAtMs = Number.POSITIVE_INFINITY
    const active = now - this.#activeMs < tickMs.activeFor || this.keptBytes > 0
    let busy = active
    for (const path of [...this.#paths.values()]) {
      // Where this process itself stood still, nobody had the time to answer.
      if (slept) path.askedMs = path.askedMs === null ? null : now
      const verdict = judgePath({ ...path, now, active, carries: path === this.#carrier })
      if (verdict === 'close') this.#leave(path)
      else if (verdict === 'doubt') this.#doubt(path, now)
      else if (verdict === 'ask') this.#ask(path, now)
      busy ||= path.askedMs !== null || path.doubtedMs !== null
    }
    if (this.#paths.size > 0) this.#schedule(busy ? tickMs.active : tickMs.idle)
  }

  #ask(path: Path, now: number): void {
    path.askedMs = now
    this.#pings += 1
    path.stream.write(frame('ping', this.#pings))
  }
}
