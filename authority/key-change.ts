import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { AuthorityKeyPayload, maxAuthorityStatements } from '@gantry/shared/authority-keys.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { splitAuthorityStatements } from '@gantry/shared/node/authority-keys.ts'
import { syncFolder, writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, type SigningKey, sha256, signJws, thumbprint } from '@gantry/shared/node/signing.ts'
import type { ServerKeys } from '@gantry/shared/server-keys.ts'
import type { CompactJws, Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import { keyFiles, type Officer, type OfficerFile, openKey, readOfficerIfThere, readPublicKeyIfThere, sealKey } from './officers.ts'
import type { Standing } from './standing.ts'
import { type Act, readStatement, type Statement } from './statement.ts'

/**
 * The authority's own key is changed by a statement of the key before it (decision 30). The next key lies sealed beside the one in use, as that one is, and takes its place in one rename,
 * after the log says so: whatever breaks off in between, one key can sign and the log says which.
 */
const statementsFile = 'authority-keys.jws'

/** The public half of the key that may follow: the pinned one, or a fresh one that nobody has seen. Throws `state.unreadable` where the pinned one is not there. */
export async function makeNextKey(folder: string, { nextKey }: Standing, officers: readonly OfficerFile[]): Promise<PublicJwk> {
  if (nextKey !== null) {
    const pinned = readPublicKeyIfThere(folder, keyFiles.next)
    if (!pinned || thumbprint(pinned) !== nextKey) throw new AppError('state.unreadable', { details: { what: 'key' } })
    return pinned
  }
  const key = generateSigningKey()
  await sealKey(folder, key, officers, keyFiles.next)
  return key.publicJwk
}

/** The key that may follow, as the officers have read it. */
export async function openNextKey(folder: string, officers: readonly [Officer, Officer], named: PublicJwk): Promise<SigningKey> {
  const key = await openKey(folder, officers, keyFiles.next)
  if (thumbprint(key.publicJwk) !== thumbprint(named)) throw new AppError('state.unreadable', { details: { what: 'key' } })
  return key
}

/** What devices follow, by the key in use; null for any other act. `at` in Unix seconds. */
export async function signKeyChange(
  { act, number }: Statement,
  { nextKey }: Standing,
  { key, at }: { key: SigningKey; at: number },
): Promise<CompactJws | null> {
  const said = whatIsSaid(act, nextKey)
  if (!said) return null
  const by = key.publicJwk
  return signJws('authority-key', AuthorityKeyPayload.parse({ version: 1, number, issuedAt: at, by, key: by, until: null, next: null, ...said }), key)
}

function whatIsSaid(act: Act, nextKey: Hash | null): Partial<AuthorityKeyPayload> | null {
  switch (act.kind) {
    case 'rotate-key':
      return { key: act.key, until: act.until }
    case 'pin-key':
      return { next: thumbprint(act.key) }
    case 'retire-key':
      return { until: act.until, next: nextKey }
    default:
      return null
  }
}

/** What two officers had signed, in order; a line that the log does not know was never carried out. */
export function readStatements(folder: string, { keyStatements }: Standing): CompactJws[] {
  const path = join(folder, statementsFile)
  const lines = existsSync(path) ? splitAuthorityStatements(readFileSync(path, 'utf8')) : []
  const known = lines.filter((jws) => keyStatements.includes(sha256(jws)))
  if (known.length !== keyStatements.length) throw new AppError('state.unreadable', { details: { path } })
  return known
}

/** Before the log tells of it. */
export function storeStatements(folder: string, statements: readonly CompactJws[]): void {
  if (statements.length > maxAuthorityStatements) throw new AppError('contract.too-large', { details: { max: maxAuthorityStatements } })
  writeFileWhole(join(folder, statementsFile), statements.map((jws) => `${jws}\n`).join(''))
}

/** The next key takes its place if the log says so: after the event, or at the next start where that broke off. */
export function followLog(folder: string, { key }: Standing): void {
  const next = readPublicKeyIfThere(folder, keyFiles.next)
  if (!next || thumbprint(next) !== key) return
  renameSync(join(folder, keyFiles.next), join(folder, keyFiles.inUse))
  syncFolder(folder)
}

/** What is listed now, or stays listed under another key: as two officers said it last, not as it lies in the folder that is carried about. */
export async function serverKeysAfter(folders: { authority: string; statements: string }, act: Act, { serverKeys }: Standing): Promise<ServerKeys | null> {
  if (act.kind === 'server-keys') return act.keys
  if (act.kind !== 'rotate-key' || serverKeys === null) return null
  const found = await readStatement(folders.statements, serverKeys, (name) => readOfficerIfThere(folders.authority, name)?.signingKey ?? null)
  if (found?.statement.act.kind !== 'server-keys') throw new AppError('state.unreadable', { details: { what: 'statement' } })
  return found.statement.act.keys
}
