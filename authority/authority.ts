import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { type AuditLog, openAuditLog } from '@gantry/shared/node/audit-log.ts'
import { underLock } from '@gantry/shared/node/file-lock.ts'
import { readJsonFileIfThere, writeFileWhole, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, type SigningKey, sha256, signingKeyFrom, signJws, thumbprint } from '@gantry/shared/node/signing.ts'
import { checkCertificate, checkRoster } from '@gantry/shared/node/ticket.ts'
import { CertificatePayload, type CompactJws, type PublicJwk, type RosterPayload } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/**
 * The specialist authority: certifies the two keys of a person, and signs the roster of everyone who is certified now (architecture 3.5). It runs offline;
 * people carry public keys in and signed files out. Its folder (mode 0700) holds its key, its audit and the number of the last roster.
 */
const day = 86_400
export const validity = { certificateDays: 90, rosterDays: 14 } as const

/** A person to certify: what they are called, and the public halves of keys that never leave their workstation. */
export const Person = CertificatePayload.omit({ version: true, issuedAt: true, expiresAt: true })
export type Person = z.infer<typeof Person>

export type Authority = {
  readonly publicJwk: PublicJwk
  /** Signs a certificate for 90 days. Throws `contract.bad-input` when both keys are one: two levels with one key would be one level. */
  certify(person: Person): Promise<CompactJws>
  /**
   * Signs the next roster, for 14 days, over those of these certificates that this key signed and that are in their time; of one person the newest.
   * Its number is above every earlier one, and above `previous`, the roster that is published now.
   */
  signRoster(certificates: readonly CompactJws[], previous: CompactJws | null): Promise<{ roster: CompactJws; number: number; people: number }>
  close(): void
}

const State = z.strictObject({ rosterNumber: z.number().int().min(0) })
const names = { key: 'authority.key', headKey: 'head.key', state: 'roster-number.json', lock: 'roster.lock' } as const

/** Makes the keys. Throws `state.in-use` when they are there already: a second key would be another authority, and every device has pinned the first. */
export function createAuthority(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (hasAuthority(folder)) throw new AppError('state.in-use', { details: { folder } })
  for (const name of [names.headKey, names.key]) writeFileWhole(join(folder, name), privatePem(generateSigningKey()), 0o600)
}

export function hasAuthority(folder: string): boolean {
  return existsSync(join(folder, names.key))
}

/** Opens an authority that was made before. `now` in milliseconds. Throws `state.unreadable`, `audit.broken`, `audit.unavailable`. */
export function openAuthority(folder: string, now: () => number = Date.now): Authority {
  const key = readKey(join(folder, names.key))
  const log = openAuditLog({ folder, key: readKey(join(folder, names.headKey)), party: 'authority', keepsPrivate: false, now })
  const seconds = () => Math.floor(now() / 1000)
  return {
    publicJwk: key.publicJwk,
    certify: (person) => certify(person, { key, log, at: seconds() }),
    async signRoster(certificates, previous) {
      const at = seconds()
      const specialists = await listSpecialists(certificates, { key, at })
      const published = previous ? (await checkRoster(previous, key.publicJwk)).number : 0
      const number = drawNumber(folder, published)
      const payload: RosterPayload = { version: 1, number, issuedAt: at, expiresAt: at + validity.rosterDays * day, specialists }
      const roster = await signJws('roster', payload, key)
      log.append({ kind: 'roster.signed', actor: { kind: 'authority' }, data: { number, people: specialists.length, sha256: sha256(roster) } })
      return { roster, number, people: specialists.length }
    },
    close: () => log.close(),
  }
}

type Signing = { key: SigningKey; log: AuditLog; at: number }

async function certify(person: Person, { key, log, at }: Signing): Promise<CompactJws> {
  const marks = { specialistKey: thumbprint(person.specialistKey), supportKey: thumbprint(person.supportKey) }
  if (marks.specialistKey === marks.supportKey) throw new AppError('contract.bad-input', { details: { name: 'person', field: 'supportKey' } })
  const payload = CertificatePayload.parse({ ...person, version: 1, issuedAt: at, expiresAt: at + validity.certificateDays * day })
  const certificate = await signJws('certificate', payload, key)
  const { specialistId, username } = person
  log.append({ kind: 'specialist.certified', actor: { kind: 'authority' }, data: { specialistId, username, ...marks, expiresAt: payload.expiresAt } })
  return certificate
}

type Listed = RosterPayload['specialists'][number]

async function listSpecialists(certificates: readonly CompactJws[], { key, at }: { key: SigningKey; at: number }): Promise<Listed[]> {
  const newest = new Map<string, CertificatePayload>()
  for (const certificate of certificates) {
    const payload = await checkCertificate(certificate, key.publicJwk, at).catch(() => null)
    if (payload && payload.issuedAt >= (newest.get(payload.specialistId)?.issuedAt ?? 0)) newest.set(payload.specialistId, payload)
  }
  const listed = [...newest.values()].map(({ specialistId, username, specialistKey, supportKey }) => ({
    ...{ specialistId, username, specialistKey: thumbprint(specialistKey), supportKey: thumbprint(supportKey) },
  }))
  return listed.sort((a, b) => (a.username < b.username ? -1 : 1))
}

/** The number is spent before the roster is signed: a crash may skip one, but can never let two rosters share one. */
function drawNumber(folder: string, published: number): number {
  return underLock(join(folder, names.lock), () => {
    const path = join(folder, names.state)
    const last = readJsonFileIfThere(path, State)?.rosterNumber ?? 0
    const number = Math.max(last, published) + 1
    writeJsonFile(path, { rosterNumber: number }, 0o600)
    return number
  })
}

function readKey(path: string): SigningKey {
  let pem: string
  try {
    pem = readFileSync(path, 'utf8')
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { path } })
  }
  return signingKeyFrom(pem)
}

/** Certificates as they lie in a folder: one compact JWS per `.jws` file. */
export function readCertificates(folder: string): CompactJws[] {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((name) => name.endsWith('.jws'))
  return files.sort().map((name) => readFileSync(join(folder, name), 'utf8').trim())
}

export function readRosterIfThere(path: string): CompactJws | null {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null
}
