import { firstPrev } from '../audit.ts'
import type { Hash } from '../ticket.ts'

/** What is wrong with an audit log. `line` counts from 1; null where it is about the log as a whole. */
export type AuditFault = {
  line: number | null
  what:
    | 'edited'
    | 'removed'
    | 'inserted'
    | 'swapped'
    | 'cut-tail'
    | 'private-edited'
    | 'private-removed'
    /** Another party witnessed another history of this log. */
    | 'rewritten'
    | 'head-missing'
    | 'head-edited'
    /** No file, or no audit log. */
    | 'unreadable'
}

/** A line as the chain sees it; null when its bytes are no line. */
export type ChainLink = { seq: number; prev: Hash; hash: Hash; privatePart: 'good' | 'edited' | 'removed' } | null

/** True when the link is the one that belongs behind `prev` as number `seq`. */
export function fits(link: ChainLink | undefined, seq: number, prev: Hash): boolean {
  return link?.seq === seq && link.prev === prev
}

/**
 * Names the change at the first index where the chain does not hold. One change can be named for certain, since the lines around it still tell what
 * belongs there; of several, the first is named as well as it can be. `signedLines` is how many lines the signed head covers, null when there is no head.
 */
export function nameFault(links: readonly ChainLink[], bad: number, signed: { seq: number; hash: Hash } | null): AuditFault {
  const link = links[bad]
  const before = hashBefore(links, bad)
  const at = (index: number, what: AuditFault['what']): AuditFault => ({ line: index + 1, what })
  if (fits(link, bad + 1, before)) return at(bad, link?.privatePart === 'removed' ? 'private-removed' : 'private-edited')

  const added = signed ? links.length > signed.seq : hasDoubles(links)
  const belongsHere = findFrom(links, bad + 1, (other) => fits(other, bad + 1, before))
  if (belongsHere >= 0) return at(bad, added || !isReordered(links) ? 'inserted' : 'swapped')
  if (added && bad > 0 && fits(link, bad, hashBefore(links, bad - 1))) return at(bad - 1, 'inserted')
  if (added && bad === links.length - 1) return at(bad, 'inserted')
  if (!link) return at(bad, 'edited')
  if (link.seq === bad + 1) return at(isAuthentic(links, bad, signed) ? bad - 1 : bad, 'edited')
  if (link.prev === before) return at(bad, 'edited')
  if (isReordered(links)) return at(bad, 'swapped')
  return at(bad, link.seq > bad + 1 ? 'removed' : 'edited')
}

function hashBefore(links: readonly ChainLink[], index: number): Hash {
  return index === 0 ? firstPrev : (links[index - 1]?.hash ?? firstPrev)
}

/** Whether what follows vouches for a line: the next one's `prev`, or the signed head behind the last. Then the line before it is the altered one. */
function isAuthentic(links: readonly ChainLink[], index: number, signed: { seq: number; hash: Hash } | null): boolean {
  if (index === 0) return false
  const hash = links[index]?.hash
  const next = links[index + 1]
  return next ? next.prev === hash : signed?.seq === index + 1 && signed.hash === hash
}

/** All lines are there, each once, but not in order. */
function isReordered(links: readonly ChainLink[]): boolean {
  const seqs = new Set(links.map((link) => link?.seq))
  return seqs.size === links.length && links.every((_, index) => seqs.has(index + 1))
}

function hasDoubles(links: readonly ChainLink[]): boolean {
  return new Set(links.map((link) => link?.seq)).size < links.length
}

function findFrom(links: readonly ChainLink[], start: number, test: (link: ChainLink) => boolean): number {
  for (let index = start; index < links.length; index++) if (test(links[index] ?? null)) return index
  return -1
}
