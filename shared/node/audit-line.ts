import { type KeyObject, sign, verify } from 'node:crypto'
import type { AuditLine } from '../audit.ts'
import { HeadPayload } from '../audit.ts'
import { canonicalJson } from '../canonical-json.ts'
import { type CompactJws, type Hash, jwsTypes } from '../ticket.ts'
import { sha256 } from './signing.ts'

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

export function encodeLine(line: AuditLine): Buffer {
  return Buffer.from(`${canonicalJson(line)}\n`)
}

const headHeader = Buffer.from(JSON.stringify({ alg: 'ES256', typ: jwsTypes.head })).toString('base64url')

/** As `signJws`, without waiting. RFC 7518 section 3.4: the signature is R || S, not DER. */
export function signHead(payload: HeadPayload, privateKey: KeyObject): CompactJws {
  const input = `${headHeader}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** The head's payload if this key signed it, else null. Only the one header that `signHead` writes is taken. */
export function readHead(head: CompactJws, publicKey: KeyObject): HeadPayload | null {
  const [header, payload, signature, ...rest] = head.trim().split('.')
  if (header !== headHeader || !payload || !signature || rest.length > 0) return null
  const bytes = Buffer.from(signature, 'base64url')
  // Buffer.from skips what is no base64url, so that many texts would mean one signature.
  if (bytes.toString('base64url') !== signature) return null
  const good = verify('sha256', Buffer.from(`${header}.${payload}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)
  return good ? readHeadUnverified(head) : null
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
