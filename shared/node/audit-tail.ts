import { fstatSync, readSync } from 'node:fs'
import { type AuditLine, firstPrev } from '../audit.ts'
import type { Hash } from '../ticket.ts'
import { lineHash, maxLineBytes, parseAuditLine } from './audit-line.ts'

/** What is known of an open audit file: where its last whole line ends, and what that line says. `bytes` counts whole lines only. */
export type Tail = { bytes: number; lastSeq: number; lastHash: Hash; lastPrev: Hash /** Offset of the lines 1, 257, 513, … */; marks: number[] }

const chunkBytes = 1_048_576
const markEvery = 256

export function emptyTail(): Tail {
  return { bytes: 0, lastSeq: 0, lastHash: firstPrev, lastPrev: firstPrev, marks: [] }
}

/**
 * Finds the end of a log by counting its lines and reading the last one: a start must not take longer because a log is long. The whole chain is
 * `verifyAuditFile`'s work. Throws when the last line does not fit its number.
 */
export function scanTail(file: number): Tail {
  const tail = emptyTail()
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let lastStart = 0
  let count = 0
  for (let position = 0, read = readSync(file, chunk, 0, chunkBytes, 0); read > 0; read = readSync(file, chunk, 0, chunkBytes, position)) {
    for (let at = chunk.subarray(0, read).indexOf(10); at >= 0; at = chunk.subarray(0, read).indexOf(10, at + 1)) {
      if (count % markEvery === 0) tail.marks.push(tail.bytes)
      count += 1
      lastStart = tail.bytes
      tail.bytes = position + at + 1
    }
    position += read
  }
  if (count === 0) return tail
  const line = parseAuditLine(readRange(file, lastStart, tail.bytes - 1))
  if (line?.seq !== count) throw new Error('the last line does not fit')
  tail.lastSeq = count
  tail.lastPrev = line.prev
  tail.lastHash = lineHash(line)
  return tail
}

/** Takes over the whole lines that were added behind the tail. Throws for one that does not chain; a half line is left where it is. */
export function catchUp(file: number, tail: Tail): AuditLine[] {
  const added: AuditLine[] = []
  for (const { line, bytes } of readWholeLines(file, tail.bytes)) {
    if (line?.seq !== tail.lastSeq + 1 || line.prev !== tail.lastHash) throw new Error('a line does not chain')
    accept(tail, line, bytes)
    added.push(line)
  }
  return added
}

/** Moves the tail behind a line that is in the file. */
export function accept(tail: Tail, line: AuditLine, bytes: number): void {
  if (tail.lastSeq % markEvery === 0) tail.marks.push(tail.bytes)
  tail.bytes += bytes
  tail.lastSeq = line.seq
  tail.lastPrev = line.prev
  tail.lastHash = lineHash(line)
}

/** Bytes behind the last whole line. */
export function leftoverBytes(file: number, tail: Tail): number {
  return fstatSync(file).size - tail.bytes
}

/** Lines from number `fromSeq` to the tail's end. Throws for one that cannot be read. */
export function* readFromSeq(file: number, tail: Tail, fromSeq: number): Generator<AuditLine, void, void> {
  const start = tail.marks[Math.floor((Math.max(fromSeq, 1) - 1) / markEvery)]
  if (start === undefined) return
  const { lastSeq } = tail
  for (const { line } of readWholeLines(file, start)) {
    if (!line) throw new Error('a line cannot be read')
    if (line.seq >= fromSeq) yield line
    if (line.seq >= lastSeq) return
  }
}

function* readWholeLines(file: number, from: number): Generator<{ line: AuditLine | null; bytes: number }, void, void> {
  let rest: Buffer = Buffer.alloc(0)
  for (let position = from; ; ) {
    const chunk = Buffer.allocUnsafe(chunkBytes)
    const read = readSync(file, chunk, 0, chunkBytes, position)
    if (read === 0) return
    position += read
    let block = rest.length > 0 ? Buffer.concat([rest, chunk.subarray(0, read)]) : chunk.subarray(0, read)
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10)) {
      yield { line: parseAuditLine(block.subarray(0, end)), bytes: end + 1 }
      block = block.subarray(end + 1)
    }
    if (block.length > maxLineBytes) throw new Error('a line is too long')
    rest = block
  }
}

function readRange(file: number, from: number, to: number): Buffer {
  if (to - from > maxLineBytes) throw new Error('a line is too long')
  const bytes = Buffer.alloc(to - from)
  readSync(file, bytes, 0, bytes.length, from)
  return bytes
}
