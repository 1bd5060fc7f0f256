import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type AuthorityKeys, pinnedAuthority } from '@gantry/shared/authority-keys.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { followAuthority, splitAuthorityStatements } from '@gantry/shared/node/authority-keys.ts'
import { type Ca, certificateHash, createCa, issueServerCertificate, splitPem } from '@gantry/shared/node/certificates.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { checkServerKeys } from '@gantry/shared/node/server-keys.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { readTlsPair } from '@gantry/shared/node/tls-files.ts'
import type { ServerKeysPayload } from '@gantry/shared/server-keys.ts'
import type { Config } from '../config.ts'
import { keyFiles, loadKey, readKeyIfThere } from '../rotating-keys.ts'
import { type KeyRow, type KeyState, ticketKeyRows } from './list.ts'

/** What the command reads and makes in a main server's folder, also while that server runs. Nothing that is there is ever written over. */
type Place = Pick<Config, 'stateDir' | 'authorityIn' | 'authorityKey' | 'tls'>
export type Folder = KeyState & { listed: ServerKeysPayload | null; authority: AuthorityKeys }

/** Throws `state.unreadable` where the server has never been started, or its keys made; `server.keys-bad` for a list that the authority has not signed. */
export async function readFolder({ stateDir, authorityIn, authorityKey }: Place): Promise<Folder> {
  const at = (name: keyof typeof keyFiles) => join(stateDir, keyFiles[name])
  for (const name of ['ticket', 'deviceCas'] as const) if (!existsSync(at(name))) throw new AppError('state.unreadable', { details: { path: at(name) } })
  const [listPath, keysPath] = [join(authorityIn, 'server-keys.jws'), join(authorityIn, 'authority-keys.jws')]
  const statements = existsSync(keysPath) ? splitAuthorityStatements(readFileSync(keysPath, 'utf8')) : []
  const { known: authority } = await followAuthority(pinnedAuthority(authorityKey), statements)
  return {
    authority,
    ticket: loadKey(at('ticket')).publicJwk,
    nextTicket: readKeyIfThere(at('nextTicket'))?.publicJwk ?? null,
    deviceCas: splitPem(readFileSync(at('deviceCas'), 'utf8')).map(certificateHash),
    nextDeviceCa: existsSync(at('nextDeviceCaPem')) ? certificateHash(readFileSync(at('nextDeviceCaPem'), 'utf8')) : null,
    listed: existsSync(listPath) ? await checkServerKeys(readFileSync(listPath, 'utf8').trim(), authority.keys[0].key) : null,
  }
}

/** Beside the one in use (0600); one that waits already stays. */
export function makeNextTicketKey({ stateDir }: Place): void {
  loadKey(join(stateDir, keyFiles.nextTicket))
}

export async function makeNextDeviceCa({ stateDir }: Place): Promise<void> {
  const key = loadKey(join(stateDir, keyFiles.nextDeviceCa))
  const path = join(stateDir, keyFiles.nextDeviceCaPem)
  if (existsSync(path)) return
  writeFileWhole(path, (await createCa('Gantry devices', key)).certificatePem, 0o644)
}

const caFiles = { key: 'servers-ca.key', certificate: 'servers-ca.pem' } as const

/** The CA of the servers' certificates, in a folder of its own: on a medium that is put in for this. Made there where there is none. */
export async function openServersCa(folder: string): Promise<Ca> {
  const [keyPath, path] = [join(folder, caFiles.key), join(folder, caFiles.certificate)]
  if (existsSync(path) !== existsSync(keyPath)) throw new AppError('state.unreadable', { details: { path: existsSync(path) ? keyPath : path } })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const key = loadKey(keyPath)
  if (!existsSync(path)) writeFileWhole(path, (await createCa('Gantry servers', key)).certificatePem, 0o644)
  return { key, certificatePem: readFileSync(path, 'utf8') }
}

export type ServerPlace = { tls: Config['tls']; hosts: readonly string[] }

/** A certificate with a fresh key, in the place of what is there: the server takes both over by itself. The file holds the chain. `days` of validity. */
export async function issueForServer(ca: Ca, { tls, hosts }: ServerPlace, days: number): Promise<void> {
  const issued = await issueServerCertificate(ca, { hosts: [...hosts], days })
  writeFileWhole(tls.key, issued.keyPem)
  writeFileWhole(tls.cert, `${issued.certificatePem.trimEnd()}\n${ca.certificatePem}`, 0o644)
}

/** Every key and certificate with its dates. Times in Unix seconds. */
export function describeFolder(place: Place, folder: Folder, now: number): KeyRow[] {
  const pem = (name: keyof typeof keyFiles) => join(place.stateDir, keyFiles[name])
  const cas = splitPem(readFileSync(pem('deviceCas'), 'utf8'))
  const issued = certificatesOfDevices(place.stateDir)
  const ca = (certificatePem: string, state: KeyRow['state']): KeyRow => {
    const issuer = new X509Certificate(certificatePem)
    return { what: 'device-ca', ...datesOf(certificatePem), state, devices: issued.filter((one) => one.checkIssued(issuer)).length }
  }
  return [
    ...authorityRows(folder, now),
    ...ticketKeyRows(folder, now),
    ...cas.map((one, at) => ca(one, at === 0 ? 'in-use' : 'beside')),
    ...(folder.nextDeviceCa ? [ca(readFileSync(pem('nextDeviceCaPem'), 'utf8'), 'waits')] : []),
    ...serverRows(place, folder),
  ]
}

function authorityRows({ authority }: Folder, now: number): KeyRow[] {
  return authority.keys.map(({ key, until }) => ({
    ...{ what: 'authority', mark: thumbprint(key), from: null, until },
    state: until === null ? 'in-use' : until < now ? 'over' : 'beside',
  }))
}

function serverRows({ tls }: Place, { listed }: Folder): KeyRow[] {
  if (!existsSync(tls.cert)) return []
  const row = datesOf(readTlsPair(tls).cert)
  return [{ what: 'server-certificate', ...row, state: listed?.revoked.includes(row.mark) ? 'revoked' : 'in-use' }]
}

function datesOf(certificatePem: string): Pick<KeyRow, 'mark' | 'from' | 'until'> {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem)
  const seconds = (date: Date) => Math.floor(date.getTime() / 1_000)
  return { mark: certificateHash(certificatePem), from: seconds(validFromDate), until: seconds(validToDate) }
}

/** Beside a server that runs: reading disturbs nobody. */
function certificatesOfDevices(stateDir: string): X509Certificate[] {
  const path = join(stateDir, 'gantry.db')
  if (!existsSync(path)) return []
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = db.prepare('select certificate from devices where certificate is not null and revoked_ms is null').all()
    return rows.map(({ certificate }) => new X509Certificate(String(certificate)))
  } finally {
    db.close()
  }
}
