import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LogId, SpecialistId } from '@gantry/shared/ids.ts'
import { readJsonFile, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { requestHash, type SigningKey, signByBoth, verifyByBoth } from '@gantry/shared/node/signing.ts'
import { ServerKeys } from '@gantry/shared/server-keys.ts'
import { CertificatePayload, Hash, PublicJwk, plainText, SignedRequest, unixSeconds } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/** What two officers agree to, word for word; each signs it with a key of their own before the authority's key is opened. */
export const OfficerName = z.string().regex(/^[a-z][a-z0-9-]{1,31}$/)
export type OfficerName = z.infer<typeof OfficerName>

/** A person to certify: what they are called, and the public halves of keys that never leave their workstation. */
export const Person = CertificatePayload.omit({ version: true, issuedAt: true, expiresAt: true })
export type Person = z.infer<typeof Person>

const fingerprint = z.string().regex(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/)
export const Act = z.discriminatedUnion('kind', [
  /** `replaces`: the short fingerprint of keys that stop counting. */
  z.strictObject({ kind: z.literal('certify'), person: Person, fingerprint, replaces: fingerprint.nullable() }),
  z.strictObject({ kind: z.literal('revoke'), specialistId: SpecialistId, username: CertificatePayload.shape.username, reason: plainText(200) }),
  z.strictObject({ kind: z.literal('roster') }),
  /** Which keys speak for the servers from now on. */
  z.strictObject({ kind: z.literal('server-keys'), keys: ServerKeys, fingerprint }),
  /** Another key becomes the authority's; the one before it counts until then. Unix seconds. */
  z.strictObject({ kind: z.literal('rotate-key'), key: PublicJwk, until: unixSeconds }),
  /** Only this key may follow the one in use. */
  z.strictObject({ kind: z.literal('pin-key'), key: PublicJwk }),
  /** The keys before the one in use count no longer than that. */
  z.strictObject({ kind: z.literal('retire-key'), until: unixSeconds }),
  z.strictObject({ kind: z.literal('add-officer'), name: OfficerName, signingKey: PublicJwk, sealingKey: PublicJwk }),
  z.strictObject({ kind: z.literal('remove-officer'), name: OfficerName }),
  /** The folder is a copy: it goes on above the published roster, without whoever is not on that one with these very keys. */
  z.strictObject({ kind: z.literal('restore'), published: z.number().int().min(0), gone: z.array(SpecialistId).max(10_000) }),
])
export type Act = z.infer<typeof Act>

export const Statement = z.strictObject({
  version: z.literal(1),
  /** RFC 7638 thumbprint of the authority's key. */
  authority: Hash,
  /** Said at this end of this log and at no other: a statement counts once. */
  logId: LogId,
  seq: z.number().int().positive(),
  at: z.number().int(),
  /** Of the roster that is signed with it. */
  number: z.number().int().positive(),
  act: Act,
})
export type Statement = z.infer<typeof Statement>

export type SignedStatement = { officers: readonly [OfficerName, OfficerName]; signed: SignedRequest }
const Stored = z.strictObject({ officers: z.tuple([OfficerName, OfficerName]), signed: SignedRequest })

export async function signStatement(
  statement: Statement,
  officers: readonly [{ name: OfficerName; signing: SigningKey }, { name: OfficerName; signing: SigningKey }],
): Promise<SignedStatement> {
  const [first, second] = officers
  const signed = await signByBoth('statement', Statement.parse(statement), [first.signing, second.signing])
  return { officers: [first.name, second.name], signed }
}

/** Kept by the hash of what was signed, which the audit repeats. */
export function storeStatement(folder: string, statement: SignedStatement): Hash {
  const hash = requestHash(statement.signed)
  writeJsonFile(join(folder, `${hash}.json`), statement)
  return hash
}

/** The statement behind an event of the audit, with both signatures checked; null when it is missing, altered or not by these two. */
export async function readStatement(
  folder: string,
  hash: Hash,
  keyOf: (name: OfficerName) => PublicJwk | null,
): Promise<{ statement: Statement; officers: readonly [OfficerName, OfficerName] } | null> {
  try {
    const { officers, signed } = readJsonFile(join(folder, `${hash}.json`), Stored)
    const [first, second] = [keyOf(officers[0]), keyOf(officers[1])]
    if (!first || !second || officers[0] === officers[1] || requestHash(signed) !== hash) return null
    const statement = await verifyByBoth(signed, { type: 'statement', schema: Statement, keys: [first, second], failure: 'access.signature-bad' })
    return { statement, officers }
  } catch {
    return null
  }
}

export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}
