import { z } from 'zod'
import { canonicalJson } from '../canonical-json.ts'
import { maxPolicyBytes, type Policy, type PolicyFault, PolicyStatement } from '../device-policy.ts'
import type { PublicJwk } from '../ticket.ts'
import { publicKeyFrom, type SigningKey, signTextNow, verifyTextNow } from './signing.ts'

/**
 * A device's policy as a file: canonical JSON (RFC 8785) and a line end, so that there is one text for one policy, which a person can still read:
 *
 *   {"signature":"<header>..<signature>","statement":{…}}
 *
 * The signature is a JWS (ES256) whose payload is left out and stands beside it in clear (RFC 7515 appendix F): canonical JSON of `statement`, as it was written.
 */
const SignedFile = z.strictObject({ signature: z.string().regex(/^[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]+$/), statement: z.record(z.string(), z.unknown()) })

export function policyText(statement: z.input<typeof PolicyStatement>, { privateKey }: SigningKey): string {
  const [header, , signature] = signTextNow('policy', canonicalJson(statement), privateKey).split('.')
  return `${canonicalJson({ signature: `${header}..${signature}`, statement })}\n`
}

/** A policy with every member said, so that a later version of the agent with other defaults goes by the same. */
export function statementOf(policy: Policy, { serial, device, owner, nowMs }: Pick<PolicyStatement, 'serial' | 'device' | 'owner'> & { nowMs: number }) {
  return PolicyStatement.parse({ version: 1, serial, device, owner, issuedAt: Math.floor(nowMs / 1_000), policy })
}

export type PolicyText = { kind: 'policy'; statement: PolicyStatement; isSignedBy(key: PublicJwk): boolean } | { kind: 'fault'; fault: PolicyFault }

/** Reads the text as what it claims to be. Who signed it is asked of the result; before that nothing in it may be believed. */
export function readPolicyText(text: string): PolicyText {
  const content = text.length <= maxPolicyBytes ? parseJson(text) : undefined
  if (typeof content !== 'object' || content === null) return { kind: 'fault', fault: 'damaged' }
  if (!('signature' in content)) return { kind: 'fault', fault: 'unsigned' }
  const file = SignedFile.safeParse(content)
  // One text for one policy: a member that stands twice, or white space, makes another.
  if (!file.success || canonicalText(file.data) !== text) return { kind: 'fault', fault: 'damaged' }
  const statement = PolicyStatement.safeParse(file.data.statement)
  if (!statement.success) return { kind: 'fault', fault: 'unknown' }
  const [header, signature] = file.data.signature.split('..')
  const payload = Buffer.from(canonicalJson(file.data.statement)).toString('base64url')
  return { kind: 'policy', statement: statement.data, isSignedBy: (key) => isSignedBy(`${header}.${payload}.${signature}`, key) }
}

function isSignedBy(jws: string, key: PublicJwk): boolean {
  try {
    return verifyTextNow('policy', jws, publicKeyFrom(key)) !== null
  } catch {
    // Not every pair of coordinates is a point of P-256.
    return false
  }
}

/** Null for what JSON can be read from and not written exactly: a lone surrogate, a number beyond all bounds, more depth than the stack has. */
function canonicalText(value: unknown): string | null {
  try {
    return `${canonicalJson(value)}\n`
  } catch {
    return null
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
