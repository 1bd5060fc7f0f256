import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '../../shared/errors.ts'
import { Link, type LinkState, type PathOptions } from '../../shared/node/link.ts'
import type { LinkClock } from '../../shared/node/link-timing.ts'

/**
 * Two ends of a link and the paths between them, in memory and in a time of their own. A path delays, splits, joins, stalls in one direction or both, and is cut with
 * what was under way on it.
 */
export type LinkWorld = {
  ends: { client: LinkEnd; agent: LinkEnd }
  clock: LinkClock & { advance(ms: number): Promise<void> }
  /** Puts a path up between both ends; resolves when both have shaken hands, or one has refused. */
  connect(name: string): Promise<TestPath>
  paths: TestPath[]
  settle(): Promise<void>
}
export type LinkEnd = {
  link: Link
  states: LinkState[]
  /** Octets of the pattern written and read so far. */
  written: number
  read: number
  /** The first octet that was not the one that had to come, if any. */
  wrong: number | null
  ended: boolean
  /** As a writer does that listens: nothing, while the link asks it to wait. */
  write(octets: number): void
  /** Reading goes on by itself unless it is held. */
  hold(held: boolean): void
}

const seeds = { client: 31, agent: 101 } as const

function patternAt(seed: number, at: number): number {
  return (at * seed + (at >> 8) * 7 + (at >> 16) * 13) & 0xff
}

function pattern(seed: number, at: number, length: number): Buffer {
  const octets = Buffer.allocUnsafe(length)
  for (let index = 0; index < length; index += 1) octets[index] = patternAt(seed, at + index)
  return octets
}

export function createLinkWorld({ windowBytes = 16_384, random = Math.random }: { windowBytes?: number; random?: () => number } = {}): LinkWorld {
  const clock = createTestClock()
  const client = createEnd('client', { windowBytes, clock })
  const agent = createEnd('agent', { windowBytes, clock })
  const paths: TestPath[] = []
  const settle = async () => {
    for (let quiet = 0; quiet < 3; ) {
      await nextTurn()
      quiet = paths.map((path) => path.move()).some(Boolean) ? 0 : quiet + 1
    }
  }
  return {
    ends: { client, agent },
    paths,
    settle,
    clock: {
      ...clock,
      async advance(ms) {
        for (let left = ms; left > 0; left -= 125) {
          clock.pass(Math.min(125, left))
          await settle()
        }
      },
    },
    async connect(name) {
      const path = createTestPath(random)
      paths.push(path)
      const until = new AbortController()
      const options: PathOptions = {
        name,
        signal: until.signal,
        prove: async ({ received }) => Buffer.from(`received ${received}`),
        async check(proof, { received }) {
          if (proof.toString() !== `received ${received}`) throw new AppError('leg.refused')
        },
      }
      const both = Promise.allSettled([client.link.attach(path.left, options), agent.link.attach(path.right, options)])
      let done = false
      void both.then(() => {
        done = true
      })
      for (let turn = 0; !done && turn < 50; turn += 1) await settle()
      until.abort(new Error('no handshake'))
      await both
      return path
    },
  }
}

function createEnd(side: 'client' | 'agent', { windowBytes, clock }: { windowBytes: number; clock: LinkClock }): LinkEnd {
  const [own, peer] = side === 'client' ? [seeds.client, seeds.agent] : [seeds.agent, seeds.client]
  const states: LinkState[] = []
  const link = new Link({ role: side === 'client' ? 'leads' : 'follows', windowBytes, clock, onChange: (state) => void states.push(state) })
  link.on('error', () => undefined)
  const end: LinkEnd = {
    ...{ link, states, written: 0, read: 0, wrong: null, ended: false },
    write(octets) {
      if (link.writableNeedDrain) return
      link.write(pattern(own, end.written, octets))
      end.written += octets
    },
    hold: (held) => void (held ? link.pause() : link.resume()),
  }
  link.on('data', (chunk: Buffer) => {
    for (const octet of chunk) {
      if (octet !== patternAt(peer, end.read)) end.wrong ??= end.read
      end.read += 1
    }
  })
  link.on('end', () => {
    end.ended = true
  })
  return end
}

export type TestPath = {
  left: Duplex
  right: Duplex
  /** Delivers some of what is under way, in new pieces; true if anything moved. */
  move(): boolean
  stall(direction: 'there' | 'back' | 'both' | 'none'): void
  /** Both ends see it close at once, and what was under way is lost. */
  cut(): void
  /** Changes octets under way. */
  tamper(change: (octets: Buffer) => Buffer): void
}

function createTestPath(random: () => number): TestPath {
  const [left, right] = [new TestEnd(), new TestEnd()]
  let stalled = { there: false, back: false }
  const carry = (from: TestEnd, to: TestEnd): boolean => {
    const octets = from.withdraw(1 + Math.floor(random() * 6_000))
    if (octets.length === 0) return false
    to.push(octets)
    return true
  }
  return {
    left,
    right,
    move() {
      const there = !stalled.there && carry(left, right)
      const back = !stalled.back && carry(right, left)
      return there || back
    },
    stall(direction) {
      stalled = { there: direction === 'there' || direction === 'both', back: direction === 'back' || direction === 'both' }
    },
    cut() {
      left.destroy()
      right.destroy()
    },
    tamper(change) {
      left.change = change
    },
  }
}

class TestEnd extends Duplex {
  change: (octets: Buffer) => Buffer = (octets) => octets
  #under: Buffer = Buffer.alloc(0)
  #done: (() => void) | null = null

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#under = this.#under.length === 0 ? chunk : Buffer.concat([this.#under, chunk])
    this.#done = done
  }

  withdraw(most: number): Buffer {
    const octets = this.#under.subarray(0, most)
    this.#under = this.#under.subarray(most)
    const done = this.#done
    this.#done = null
    done?.()
    return this.change(octets)
  }
}

function createTestClock() {
  let now = 1_000
  const waiting = new Set<{ atMs: number; act: () => void }>()
  return {
    now: () => now,
    after(ms: number, act: () => void) {
      const one = { atMs: now + ms, act }
      waiting.add(one)
      return () => void waiting.delete(one)
    },
    pass(ms: number) {
      now += ms
      for (const one of [...waiting]) {
        if (one.atMs > now || !waiting.delete(one)) continue
        one.act()
      }
    },
  }
}
