import { type KeyObject, sign, verify } from 'node:crypto'
import { AuditLine, HeadPayload } from '../audit.ts'
import { canonicalJson } from '../canonical-json.ts'
import { LogId } from '../ids.ts'
import { type CompactJws, type Hash, jwsTypes, PublicJwk } from '../ticket.ts'
import { publicKeyFrom, sha256 } from './signing.ts'

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
