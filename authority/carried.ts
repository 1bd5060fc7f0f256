import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { verifyAuditFile } from '@gantry/shared/node/audit-verify.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { checkRoster } from '@gantry/shared/node/ticket.ts'
import type { CompactJws, PublicJwk, RosterPayload } from '@gantry/shared/ticket.ts'
import { readText } from './statement.ts'

/**
 * The folder that is carried to the main server: `roster.jws`, `certificates/<username>.jws`, `server-keys.jws` and `authority-keys.jws` once there is one, and the signed head of the authority's log, by which a folder
 * of the authority that was copied back is told from the newest one.
 */
const names = {
  roster: 'roster.jws',
  serverKeys: 'server-keys.jws',
  authorityKeys: 'authority-keys.jws',
  certificates: 'certificates',
  head: 'authority-head.jws',
} as const

export type ToCarry = {
  roster: CompactJws
  certificates: readonly { username: string; certificate: CompactJws }[]
  head: CompactJws
  serverKeys: CompactJws | null
  /** How the authority's key came to be this one. */
  authorityKeys: readonly CompactJws[]
}

/** Whole files, the roster last: a main server that looks meanwhile finds the certificates of whoever is on it. Who is on it no more has no file there. */
export function putCarried(folder: string, { roster, certificates, head, serverKeys, authorityKeys }: ToCarry): void {
  const beside = join(folder, names.certificates)
  mkdirSync(beside, { recursive: true, mode: 0o700 })
  for (const { username, certificate } of certificates) writeFileWhole(join(beside, `${username}.jws`), `${certificate}\n`, 0o644)
  const meant = new Set(certificates.map(({ username }) => `${username}.jws`))
  for (const name of readdirSync(beside)) if (!meant.has(name)) rmSync(join(beside, name), { recursive: true, force: true })
  writeFileWhole(join(folder, names.head), `${head}\n`, 0o644)
  if (authorityKeys.length > 0) writeFileWhole(join(folder, names.authorityKeys), authorityKeys.map((jws) => `${jws}\n`).join(''), 0o644)
  if (serverKeys) writeFileWhole(join(folder, names.serverKeys), `${serverKeys}\n`, 0o644)
  writeFileWhole(join(folder, names.roster), `${roster}\n`, 0o644)
}

function carriedHead(folder: string): CompactJws | null {
  return readText(join(folder, names.head))
}

/** Null where there is none. Throws `authority.state-older` for one of another authority. */
export async function carriedRoster(folder: string, authorityKeys: readonly PublicJwk[]): Promise<RosterPayload | null> {
  const roster = readText(join(folder, names.roster))
  if (roster === null) return null
  let cause: unknown
  for (const key of authorityKeys) {
    try {
      return await checkRoster(roster, key)
    } catch (error) {
      cause = error
    }
  }
  throw new AppError('authority.state-older', { cause })
}

/** What was carried out last must be in this log: else the log is older, or another one. `rosterNumber` is what the log says. */
export async function requireNewest(folder: string, log: { path: string; rosterNumber: number; authorityKeys: readonly PublicJwk[] }): Promise<void> {
  const published = await carriedRoster(folder, log.authorityKeys)
  if (!published && log.rosterNumber > 0) throw new AppError('authority.published-missing')
  if (!published) return
  const details = { published: published.number }
  if (published.number > log.rosterNumber) throw new AppError('authority.state-older', { details })
  const head = carriedHead(folder)
  if (head === null) throw new AppError('authority.published-missing')
  const verdict = await verifyAuditFile(log.path, { knownHeads: [head] })
  if (!verdict.ok) throw new AppError('authority.state-older', { details })
}
