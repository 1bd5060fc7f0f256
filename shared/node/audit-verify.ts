import type { KeyObject } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type AuditLine, firstPrev, type HeadPayload } from '../audit.ts'
import type { LogId } from '../ids.ts'
import type { CompactJws, Hash } from '../ticket.ts'
import { type AuditFault, type ChainLink, fits, nameFault } from './audit-fault.ts'
import { auditFiles, lineHash, maxLineBytes, type Opening, parseAuditLine, parseOpening, privateHash, readHead, readHeadUnverified } from './audit-line.ts'

/**
 * Verifies an audit log from its first byte to its last (R090), without its owner's help: every byte of every line against the chain, the end against
 * the signed head beside it and against heads that other parties witnessed. It may be written to meanwhile.
 */
export type AuditVerdict = {
  ok: boolean
  /** Whole lines read. */
  events: number
  logId: LogId | null
  party: string | null
  fault: AuditFault | null
  /** True when a crash left the begin of a line behind the last one; the owner repairs that at its next start. */
  halfLine: boolean
}

export type VerifyOptions = {
  /**
   * Heads of this log (and of others, which are skipped) that other parties hold; see `collectHeads`. A copy of the file alone is judged by them; the log in
   * its place has its own head beside it.
   */
  knownHeads?: readonly CompactJws[]
}

export async function verifyAuditFile(path: string, { knownHeads = [] }: VerifyOptions = {}): Promise<AuditVerdict> {
  // Read first: lines that are added from now on can only make the log longer than this head says, never shorter.
  const headText = readSidecar(path, auditFiles.head)
  const heads = [headText, readSidecar(path, auditFiles.nextHead), ...knownHeads].map(readHeadUnverified).filter((head) => head !== null)
  let chain: Chain
  try {
    chain = await readChain(path, new Set(heads.map((head) => head.seq)))
  } catch {
    return { ok: false, events: 0, logId: null, party: null, fault: { line: null, what: 'unreadable' }, halfLine: false }
  }
  const { opening, count, leftover } = chain
  const fault = opening ? await findFault(path, { ...chain, opening }, headText, knownHeads) : await faultOfFirstLine(path, chain, headText)
  const halfLine = leftover.length > 0 && !fault
  return { ok: !fault, events: count, logId: opening?.logId ?? null, party: opening?.party ?? null, fault, halfLine }
}

/** All heads that these logs hold: their own, from beside them, and those they witnessed. A log that cannot be read holds none. */
export async function collectHeads(paths: readonly string[]): Promise<CompactJws[]> {
  const heads = new Set<CompactJws>()
  for (const path of paths) {
    const own = readSidecar(path, auditFiles.head)
    if (own) heads.add(own)
    try {
      for await (const { bytes } of readRawLines(path)) {
        const head = bytes.includes('"head.witnessed"') ? parseAuditLine(bytes)?.event.data?.head : undefined
        if (typeof head === 'string') heads.add(head)
      }
    } catch {
      // `verifyAuditFile` says so.
    }
  }
  return [...heads]
}

type Chain = {
  opening: Opening | null
  count: number
  last: Hash
  /** Index of the first line that does not fit, or null. */
  bad: number | null
  /** Hashes of the lines that some head names. */
  hashes: Map<number, Hash>
  /** Bytes behind the last whole line. */
  leftover: Buffer
}

async function readChain(path: string, wanted: ReadonlySet<number>): Promise<Chain> {
  const chain: Chain = { opening: null, count: 0, last: firstPrev, bad: null, hashes: new Map(), leftover: Buffer.alloc(0) }
  for await (const { bytes, whole } of readRawLines(path)) {
    if (!whole) {
      chain.leftover = bytes
      continue
    }
    chain.count += 1
    if (chain.bad !== null) continue
    const line = parseAuditLine(bytes)
    if (chain.count === 1) chain.opening = line && parseOpening(line)
    const link = linkOf(line, chain.opening)
    if (!link || !fits(link, chain.count, chain.last) || link.privatePart !== 'good') {
      chain.bad = chain.count - 1
      continue
    }
    chain.last = link.hash
    if (wanted.has(chain.count)) chain.hashes.set(chain.count, link.hash)
  }
  return chain
}

function linkOf(line: AuditLine | null, opening: Opening | null): ChainLink {
  if (!line) return null
  return { seq: line.seq, prev: line.prev, hash: lineHash(line), privatePart: judgePrivate(line, opening) }
}

function judgePrivate({ event, private: part }: AuditLine, opening: Opening | null): 'good' | 'edited' | 'removed' {
  if (!part) return event.privateHash && opening?.keepsPrivate ? 'removed' : 'good'
  return event.privateHash === privateHash(part) ? 'good' : 'edited'
}

/** The first thing that is wrong, in order: the chain, its own signed head, other parties' heads. */
async function findFault(
  path: string,
  chain: Chain & { opening: Opening },
  headText: CompactJws,
  knownHeads: readonly CompactJws[],
): Promise<AuditFault | null> {
  const { opening, count, bad } = chain
  const key = opening.publicKey
  const head = headText ? readHead(headText, key) : newestHead(path, key)
  if (bad !== null) return nameFault(await readLinks(path, opening), bad, head)
  if (!head && !headText)
    return knownHeads.some((text) => readHead(text, key)?.logId === opening.logId) ? judgeKnown(chain, knownHeads) : { line: null, what: 'head-missing' }
  if (head?.logId !== opening.logId) return count === 1 ? { line: 1, what: 'edited' } : { line: null, what: 'head-edited' }
  if (head.seq > count) return { line: count + 1, what: isWholeLine(chain.leftover) ? 'edited' : 'cut-tail' }
  if (head.hash !== chain.hashes.get(head.seq)) return { line: head.seq, what: 'edited' }
  // Lines may have been added since the head was read; by now each that was read has a head, in force or prepared.
  const covered = head.seq === count ? count : (newestHead(path, key)?.seq ?? 0)
  if (covered < count) return { line: covered + 1, what: 'inserted' }
  return judgeKnown(chain, knownHeads)
}

/** What other parties witnessed must be in this log. A head of this log under another key means that the log was written anew. */
function judgeKnown({ opening, count, hashes }: Chain & { opening: Opening }, knownHeads: readonly CompactJws[]): AuditFault | null {
  for (const text of knownHeads) {
    const said = readHeadUnverified(text)
    if (said?.logId !== opening.logId) continue
    if (!readHead(text, opening.publicKey)) return { line: 1, what: 'rewritten' }
    // Heads may have been collected while the log grew: only a line that was read can be compared, and none may be missing.
    if (said.seq > count) return { line: count + 1, what: 'cut-tail' }
    if (said.hash !== hashes.get(said.seq)) return { line: said.seq, what: 'rewritten' }
  }
  return null
}

/** The prepared head is read first: when it takes effect in between, it is found in the second place. */
function newestHead(path: string, key: KeyObject): HeadPayload | null {
  const heads = [auditFiles.nextHead, auditFiles.head].map((name) => readHead(readSidecar(path, name), key)).filter((head) => head !== null)
  return heads.sort((a, b) => b.seq - a.seq)[0] ?? null
}

/** The first line is not one that opens a log. */
async function faultOfFirstLine(path: string, { count, bad }: Chain, headText: CompactJws): Promise<AuditFault> {
  if (count === 0) return headText ? { line: 1, what: 'cut-tail' } : { line: null, what: 'unreadable' }
  if (bad !== 0) return { line: 1, what: 'edited' }
  return nameFault(await readLinks(path, null), 0, readHeadUnverified(headText))
}

/** A last line whose line end alone was altered; a half line is one that was cut. */
function isWholeLine(leftover: Buffer): boolean {
  return leftover.length > 0 && parseAuditLine(leftover.subarray(0, -1)) !== null
}

async function readLinks(path: string, opening: Opening | null): Promise<ChainLink[]> {
  const links: ChainLink[] = []
  for await (const { bytes, whole } of readRawLines(path)) if (whole) links.push(linkOf(parseAuditLine(bytes), opening))
  return links
}

/** Lines as bytes, without their ends; the last one is not `whole` when its end is missing. A line that is too long comes in part, and is no line. */
async function* readRawLines(path: string): AsyncGenerator<{ bytes: Buffer; whole: boolean }, void, void> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(path, { highWaterMark: 262_144 }) as AsyncIterable<Buffer>) {
    let block = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10)) {
      yield { bytes: block.subarray(0, end), whole: true }
      block = block.subarray(end + 1)
    }
    rest = block.length > 2 * maxLineBytes ? block.subarray(-maxLineBytes - 1) : block
  }
  if (rest.length > 0) yield { bytes: rest, whole: false }
}

function readSidecar(path: string, name: string): string {
  try {
    return readFileSync(join(dirname(path), name), 'utf8')
  } catch {
    return ''
  }
}
