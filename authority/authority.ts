import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { type AuditLog, openAuditLog } from '@gantry/shared/node/audit-log.ts'
import { verifyAuditFile } from '@gantry/shared/node/audit-verify.ts'
import { namedAuthorityKeys } from '@gantry/shared/node/authority-keys.ts'
import { checkCertification } from '@gantry/shared/node/certification.ts'
import { underLock } from '@gantry/shared/node/file-lock.ts'
import { readJsonFile, readJsonFileIfThere, writeFileWhole, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import type { BoxCost } from '@gantry/shared/node/passphrase-box.ts'
import { generateSigningKey, privatePem, readUnverified, type SigningKey, sha256, signingKeyFrom, signJws, thumbprint } from '@gantry/shared/node/signing.ts'
import { CertificatePayload, type CompactJws, type Hash, type PublicJwk, SignedRequest } from '@gantry/shared/ticket.ts'
import {
  certifyAgain,
  eventsOf,
  fingerprintOf,
  listedAfter,
  type Made,
  makeCertificate,
  makeServerKeys,
  minOfficers,
  requirePossible,
  restoreAct,
  rosterOf,
} from './acts.ts'
import { carriedRoster, putCarried, requireNewest } from './carried.ts'
import { followLog, makeNextKey, openNextKey, readStatements, serverKeysAfter, signKeyChange, storeStatements } from './key-change.ts'
import {
  keyFiles,
  makeOfficer,
  type Officer,
  type OfficerFile,
  officerMarks,
  openKey,
  readOfficerIfThere,
  readPublicKeyIfThere,
  sealKey,
  storeOfficer,
  unlockOfficer,
} from './officers.ts'
import { type Standing, standingFrom } from './standing.ts'
import { type Act, type OfficerName, Person, readText, Statement, signStatement, storeStatement } from './statement.ts'
import { verifyStatements } from './verify.ts'

/**
 * The specialist authority: certifies the two keys of a person, and signs the roster of everyone who is certified now (architecture 3.5). It runs offline;
 * people carry public keys in and signed files out. Each signature takes two officers (decision 19). Its folder has mode 0700.
 */
export type Done = { statement: Hash; rosterNumber: number; people: number }
export type Authority = {
  /** Of the key in use; `rotate-key` changes it. */
  readonly publicKey: PublicJwk
  standing(): Standing
  /** Checks a workstation's request and keeps it until it is certified. Throws `authority.request-bad`. */
  importRequest(signed: SignedRequest): Promise<Imported>
  /** The last imported one of this person, or null. */
  importedRequest(username: string): Imported | null
  /** For a folder that is a copy. Throws `authority.published-missing` without the roster that was published last. */
  restoreAct(carried: string): Promise<Act>
  /** What two officers are asked to agree to. Throws when this state is not the newest (`requireNewest`), or the act is not to be had. */
  propose(act: Act, carried: string): Promise<Statement>
  /** For `rotate-key` and `pin-key`: the pinned one, or a fresh one. Throws `state.unreadable` where the pinned one is not there. */
  makeNextKey(): Promise<PublicJwk>
  /** An officer's keys. A wrong passphrase is audited, and is `authority.passphrase-wrong`. Throws `authority.officer-unknown`. */
  unlock(name: string, passphrase: string): Promise<Officer>
  /** Signs, writes the events, then what is to be carried. Throws `authority.same-officer`, and `state.in-use` when something else was signed meanwhile. */
  sign(statement: Statement, officers: readonly [Officer, Officer], carried: string, joining?: OfficerFile): Promise<Done>
  /** The log, every statement behind it, and that it is the newest. Throws `audit.broken`, `authority.state-older`. */
  verify(carried?: string): Promise<{ events: number; statements: number }>
  /** Of somebody who is certified; null for anybody else. */
  certificateOf(specialistId: SpecialistId): CompactJws | null
  log: Pick<AuditLog, 'read'>
  close(): void
}
export type Imported = { person: Person; fingerprint: string }

const names = { headKey: 'head.key', lock: 'lock', audit: 'audit.jsonl', requests: 'requests', statements: 'statements', certificates: 'certificates' } as const
const authorityActor = { kind: 'authority' } as const

export type Founder = { name: OfficerName; passphrase: string }

/**
 * Makes the key and its first officers, two at least. Throws `state.in-use` when there is one already: a second key would be another authority, and every device
 * has pinned the first.
 */
export async function createAuthority(folder: string, founders: readonly Founder[], options: { now?: () => number; cost?: BoxCost } = {}): Promise<void> {
  if (existsSync(join(folder, names.audit)) || hasAuthority(folder)) throw new AppError('state.in-use', { details: { folder } })
  if (new Set(founders.map(({ name }) => name)).size < Math.max(minOfficers, founders.length)) throw new AppError('authority.same-officer')
  const officers = await Promise.all(founders.map(({ name, passphrase }) => makeOfficer(name, passphrase, options.cost)))
  const [key, headKey] = [generateSigningKey(), generateSigningKey()]
  for (const name of [names.requests, names.statements, names.certificates]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
  writeFileWhole(join(folder, names.headKey), privatePem(headKey), 0o600)
  const log = openAuditLog({ folder, key: headKey, party: 'authority', keepsPrivate: false, ...options })
  try {
    log.append({ kind: 'authority.made', actor: authorityActor, data: { authority: thumbprint(key.publicJwk) } })
    for (const officer of officers) {
      storeOfficer(folder, officer)
      log.append({ kind: 'officer.added', actor: authorityActor, data: { officer: officer.name, ...officerMarks(officer) } })
    }
  } finally {
    log.close()
  }
  // Last, since with it the authority is there.
  await sealKey(folder, key, officers)
}

function hasAuthority(folder: string): boolean {
  return readPublicKeyIfThere(folder) !== null
}

/** Opens an authority that was made before. `now` in milliseconds. Throws `state.unreadable`, `audit.broken`, `audit.unavailable`. */
export async function openAuthority(folder: string, now: () => number = Date.now): Promise<Authority> {
  if (!hasAuthority(folder)) throw new AppError('state.unreadable', { details: { path: folder } })
  const auditPath = join(folder, names.audit)
  const log = openAuditLog({ folder, key: readKey(join(folder, names.headKey)), party: 'authority', keepsPrivate: false, now })
  const verdict = await verifyAuditFile(auditPath)
  if (!verdict.ok) {
    log.close()
    throw new AppError('audit.broken', verdict.fault?.line ? { details: { line: verdict.fault.line } } : {})
  }
  const seconds = () => Math.floor(now() / 1000)
  const standing = () => standingFrom(log.read())
  const statements = join(folder, names.statements)
  const requestPath = (username: string) => join(folder, names.requests, `${username}.json`)
  followLog(folder, standing())
  const publicKey = () => readPublicKeyIfThere(folder) as PublicJwk
  const authorityKeys = () => [publicKey(), ...namedAuthorityKeys(readStatements(folder, standing()))]
  const newest = (carried: string) => requireNewest(carried, { path: auditPath, rosterNumber: standing().rosterNumber, authorityKeys: authorityKeys() })

  return {
    get publicKey() {
      return publicKey()
    },
    standing,
    log,
    async importRequest(signed) {
      const { version: _, issuedAt: __, ...person } = await checkCertification(signed, seconds())
      const fingerprint = fingerprintOf(person)
      const { specialistId, username } = person
      log.append({ kind: 'certification.imported', actor: authorityActor, data: { specialistId, username, fingerprint } })
      writeJsonFile(requestPath(username), person)
      return { person, fingerprint }
    },
    importedRequest(username) {
      if (!Person.shape.username.safeParse(username).success) return null
      const person = readJsonFileIfThere(requestPath(username), Person)
      return person && { person, fingerprint: fingerprintOf(person) }
    },
    async restoreAct(carried) {
      const published = await carriedRoster(carried, authorityKeys())
      if (!published) throw new AppError('authority.published-missing')
      return restoreAct(published, standing())
    },
    async propose(act, carried) {
      const now = standing()
      if (act.kind !== 'restore') await newest(carried)
      requirePossible(act, now, (name) => readOfficerIfThere(folder, name) !== null)
      const number = Math.max(now.rosterNumber, act.kind === 'restore' ? act.published : 0) + 1
      return Statement.parse({ version: 1, authority: thumbprint(publicKey()), logId: log.logId, seq: log.lastSeq, at: seconds(), number, act })
    },
    makeNextKey: () => makeNextKey(folder, standing(), officerFiles(folder, standing())),
    async unlock(name, passphrase) {
      const file = readOfficerIfThere(folder, name)
      if (!file || !isOfficer(standing(), file)) throw new AppError('authority.officer-unknown', { details: { name } })
      const officer = await unlockOfficer(file, passphrase)
      if (officer) return officer
      log.append({ kind: 'officer.refused', actor: authorityActor, data: { officer: file.name } })
      throw new AppError('authority.passphrase-wrong', { details: { name } })
    },
    async sign(statement, officers, carried, joining) {
      const before = standing()
      requireTwo(folder, before, officers)
      const { act, number } = statement
      const signed = await signStatement(statement, officers)
      const keyInUse = await openKey(folder, officers)
      // The key in use says which one follows; all else is signed by that one.
      const key = act.kind === 'rotate-key' ? await openNextKey(folder, officers, act.key) : keyInUse
      const at = seconds()
      const made = await makeCertificates(folder, { act, before, key, at })
      const listed = listedAfter(act, made, before, at)
      const payload = rosterOf(listed, number, at)
      const roster = await signJws('roster', payload, key)
      const serverKeys = await makeServerKeys(await serverKeysAfter({ authority: folder, statements }, act, before), key, { number, at })
      const changed = await signKeyChange(statement, before, { key: keyInUse, at })
      const authorityKeys = [...readStatements(folder, before), ...(changed ? [changed] : [])]
      const agreed = { officers: signed.officers.join(' '), statement: storeStatement(statements, signed) }
      for (const one of made) writeFileWhole(certificatePath(folder, one.event.certificate), `${one.certificate}\n`)
      await changeOfficers(folder, before, { act, officers, joining })
      if (changed) storeStatements(folder, authorityKeys)
      const people = listed.length
      const keyStatement = changed ? { keyStatement: sha256(changed) } : {}
      underLock(join(folder, names.lock), () => {
        if (log.lastSeq !== statement.seq) throw new AppError('state.in-use', { details: { folder } })
        for (const event of eventsOf(act, made, agreed)) log.append(event)
        const { expiresAt } = payload
        log.append({ kind: 'roster.signed', actor: authorityActor, data: { number, people, expiresAt, sha256: sha256(roster), ...keyStatement, ...agreed } })
      })
      followLog(folder, standing())
      const certificates = listed.map(({ username, certificate }) => ({ username, certificate: readCertificate(folder, certificate) }))
      putCarried(carried, { roster, head: log.head(), certificates, serverKeys, authorityKeys })
      return { statement: agreed.statement, rosterNumber: number, people }
    },
    async verify(carried) {
      if (carried !== undefined) await newest(carried)
      return { events: log.lastSeq, statements: await verifyStatements({ authority: folder, statements }, log.read()) }
    },
    certificateOf(specialistId) {
      const known = standing().people.get(specialistId)
      return known ? readCertificate(folder, known.certificate) : null
    },
    close: () => log.close(),
  }
}

/** Two people, both of them officers now, each with their own keys. */
function requireTwo(folder: string, standing: Standing, [first, second]: readonly [Officer, Officer]): void {
  if (first.name === second.name || thumbprint(first.signing.publicJwk) === thumbprint(second.signing.publicJwk)) throw new AppError('authority.same-officer')
  for (const { name, signing } of [first, second]) {
    const file = readOfficerIfThere(folder, name)
    const ok = file && isOfficer(standing, file) && thumbprint(file.signingKey) === thumbprint(signing.publicJwk)
    if (!ok) throw new AppError('authority.officer-unknown', { details: { name } })
  }
}

function isOfficer({ officers }: Standing, file: OfficerFile): boolean {
  const [known, marks] = [officers.get(file.name), officerMarks(file)]
  return known?.signingKey === marks.signingKey && known.sealingKey === marks.sealingKey
}

type Making = { act: Act; before: Standing; key: SigningKey; at: number }

async function makeCertificates(folder: string, { act, before, key, at }: Making): Promise<readonly Made[]> {
  if (act.kind === 'certify') return [await makeCertificate(act.person, key, { at })]
  if (act.kind !== 'rotate-key') return []
  const standing = listedAfter(act, [], before, at).map(({ certificate }) => readCertificate(folder, certificate))
  return Promise.all(standing.map((jws) => certifyAgain(readUnverified(jws, CertificatePayload, 'state.unreadable'), key, at)))
}

function officerFiles(folder: string, { officers }: Standing): OfficerFile[] {
  return [...officers.keys()].map((name) => readOfficerIfThere(folder, name)).filter((file) => file !== null)
}

type Change = { act: Act; officers: readonly [Officer, Officer]; joining: OfficerFile | undefined }

/** Before the event: who leaves has no pair left by then, and who comes has one when they are named. */
async function changeOfficers(folder: string, before: Standing, { act, officers, joining }: Change): Promise<void> {
  const files = officerFiles(folder, before)
  const seal = async (to: readonly OfficerFile[]) => {
    if (before.nextKey !== null) await sealKey(folder, await openKey(folder, officers, keyFiles.next), to, keyFiles.next)
    await sealKey(folder, await openKey(folder, officers), to)
  }
  if (act.kind === 'remove-officer') return seal(files.filter(({ name }) => name !== act.name))
  if (act.kind !== 'add-officer') return
  const same = joining?.name === act.name && JSON.stringify(officerMarks(joining)) === JSON.stringify(officerMarks(act))
  if (!joining || !same) throw new AppError('authority.officer-unknown', { details: { name: act.name } })
  storeOfficer(folder, joining)
  await seal([...files, joining])
}

/** A workstation's request as it lies in a file. Throws `authority.request-bad`. */
export function readRequestFile(path: string): SignedRequest {
  try {
    return readJsonFile(path, SignedRequest)
  } catch (error) {
    throw new AppError('authority.request-bad', { cause: error })
  }
}

function certificatePath(folder: string, hash: Hash): string {
  return join(folder, names.certificates, `${hash}.jws`)
}

/** As the log has it, or `state.unreadable`. */
function readCertificate(folder: string, hash: Hash): string {
  const certificate = readText(certificatePath(folder, hash))
  if (certificate === null || sha256(certificate) !== hash) throw new AppError('state.unreadable', { details: { what: 'certificate' } })
  return certificate
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
