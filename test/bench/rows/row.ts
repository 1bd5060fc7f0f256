import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Measured, Missing, RowName } from '../figures.ts'
import type { Gantry } from '../gantry.ts'
import type { Options } from '../options.ts'
import type { Peers } from '../peers.ts'
import { ratios, short, spread } from '../statistics.ts'
import type { Cpu } from '../table.ts'

/** What a row is given. Sandboxes are started at the first use: `onDisk` for what waits for people and audits, `inMemory` for what moves files. */
export type World = {
  options: Options
  peers: Peers
  onDisk(): Promise<Gantry>
  inMemory(): Promise<Gantry>
  /** A file of random octets in memory, and a folder for what comes back. */
  file(mib: number): { path: string; folder: string }
  say(text: string): void
}
export type RowResult = { figures: (Measured | Missing)[]; samples: unknown; cpu?: Record<string, Record<string, Cpu>> }
export type Row = { name: RowName; run(world: World): Promise<RowResult> }

export const mebibyte = 1_048_576
export const gigabyte = 1e9

/** A figure that is a ratio, with both sides as a person would say them. */
export function ratioFigure(id: string, ours: number[], theirs: number[], say: (value: number) => string): Measured {
  const { median, min, max } = spread(ratios(ours, theirs))
  return { id, value: median, min, max, rounds: ours.length, ours: say(spread(ours).median), theirs: say(spread(theirs).median) }
}

/** A figure of our own alone. */
export function plainFigure(id: string, values: number[], say: (value: number) => string): Measured {
  const { median, min, max } = spread(values)
  return { id, value: median, min, max, rounds: values.length, ours: say(median), theirs: '–' }
}

export const sayRate = (bytesPerSecond: number) => `${short(bytesPerSecond / 1e6)} MB/s`
export const sayMs = (seconds: number) => `${short(seconds * 1_000)} ms`

export function writeRandom(path: string, mib: number): void {
  const file = openSync(path, 'w', 0o644)
  const block = Buffer.alloc(mebibyte)
  for (let written = 0; written < mib; written += 1) writeSync(file, randomFillSync(block))
  closeSync(file)
}

/** A rate of a file that arrived changed is no rate. Octet for octet, since a digest of a gigabyte takes seconds where the processor has no instruction for it. */
export async function requireSame(path: string, source: string, what: string): Promise<void> {
  const [one, other] = await Promise.all([open(path), open(source)])
  try {
    const size = (await one.stat()).size
    if (size !== (await other.stat()).size) throw new Error(`${what}: the file arrived with another size`)
    const [left, right] = [Buffer.alloc(4 * mebibyte), Buffer.alloc(4 * mebibyte)]
    for (let at = 0; at < size; at += left.length) {
      const [{ bytesRead }, { bytesRead: expected }] = await Promise.all([one.read(left, 0, left.length, at), other.read(right, 0, right.length, at)])
      if (bytesRead !== expected || left.subarray(0, bytesRead).compare(right.subarray(0, expected)) !== 0) throw new Error(`${what}: the file arrived changed`)
    }
  } finally {
    await Promise.all([one.close(), other.close()])
  }
}
