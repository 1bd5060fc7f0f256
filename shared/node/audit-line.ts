import type { KeyObject } from 'node:crypto'
import { AuditLine, HeadPayload } from '../audit.ts'
import { canonicalJson } from '../canonical-json.ts'
import { LogId } from '../ids.ts'
import { type CompactJws, type Hash, PublicJwk } from '../ticket.ts'
import { publicKeyFrom, sha256, signTextNow, verifyTextNow } from './signing.ts'

/** What one line and one head of the audit are in bytes; `shared/audit.ts` tells the format. Everything here is synchronous, since an append is. */
export const auditFiles = { log: 'audit.jsonl', head: 'log-head.jws', nextHead: 'log-head.next', lock: 'log.lock' } as const

/** A longer line is never written, and never believed. */
export const maxLineBytes = 1_048_576

export function lineHash({ event, prev, seq }: Pick<AuditLine, 'event' | 'prev' | 'seq'>): Hash {
  return sha256(canonicalJson({ event, prev, seq }))
}

export function privateHash(part: Record<string, string | number | boolean>): Hash {
  return sha256(canonicalJson(part))
}

/** The line if these bytes are one in its only form, else null. */
export function parseAuditLine(bytes: Uint8Array): AuditLine | null {
  // Its only form is an object. A file of nothing but line ends would otherwise cost an exception for each.
  if (bytes[0] !== 0x7b) return null
  try {
    const text = decoder.decode(bytes)
    const parsed = AuditLine.safeParse(JSON.parse(text))
    return parsed.success && canonicalJson(parsed.data) === text ? parsed.data : null
  } catch {
    return null
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function encodeLine(line: AuditLine): Buffer {
  return Buffer.from(`${canonicalJson(line)}\n`)
}

export function signHead(payload: HeadPayload, privateKey: KeyObject): CompactJws {
  return signTextNow('head', JSON.stringify(payload), privateKey)
}

/** The head's payload if this key signed it, else null. */
export function readHead(head: CompactJws, publicKey: KeyObject): HeadPayload | null {
  return verifyTextNow('head', head, publicKey) === null ? null : readHeadUnverified(head)
}

/** What a head says, whoever signed it. */
export function readHeadUnverified(head: CompactJws): HeadPayload | null {
  try {
    const parsed = HeadPayload.safeParse(JSON.parse(Buffer.from(head.split('.')[1] ?? '', 'base64url').toString('utf8')))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

export type Opening = { logId: LogId; party: string; keepsPrivate: boolean; publicJwk: PublicJwk; publicKey: KeyObject }

/** What `log.opened` says, or null when the line is something else. */
export function parseOpening({ event, seq }: AuditLine): Opening | null {
  if (event.kind !== 'log.opened' || seq !== 1) return null
  const { logId, party, keepsPrivate, x, y } = event.data ?? {}
  const id = LogId.safeParse(logId)
  const publicJwk = PublicJwk.safeParse({ kty: 'EC', crv: 'P-256', x, y })
  if (!id.success || !publicJwk.success || typeof party !== 'string' || typeof keepsPrivate !== 'boolean') return null
  const publicKey = keyOnCurve(publicJwk.data)
  return publicKey && { logId: id.data, party, keepsPrivate, publicJwk: publicJwk.data, publicKey }
}

/** Not every pair of coordinates is a point of P-256. */
function keyOnCurve(jwk: PublicJwk): KeyObject | null {
  try {
    return publicKeyFrom(jwk)
  } catch {
    return null
  }
}
