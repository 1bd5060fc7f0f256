import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { type Ca, certificateHash, createCa, splitPem } from '@gantry/shared/node/certificates.ts'
import { syncFolder, writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom, thumbprint } from '@gantry/shared/node/signing.ts'
import type { ServerKeys } from '@gantry/shared/server-keys.ts'
import type { Hash } from '@gantry/shared/ticket.ts'

/**
 * The ticket key and the device CA, each with the one that waits to take over. The next one is made beside the one in use, and takes its place once the authority's list names
 * it (decision 26); the private half that it replaces is gone in the same step.
 */
export type RotatingKeys = {
  /** Signs tickets, bulletins and notices now. */
  ticket(): SigningKey
  /** Certifies devices now. */
  deviceCa(): Ca
  /** PEM of every CA whose device certificates count, the one in use first. */
  deviceCas(): readonly string[]
  /** Whether one of these issued a certificate that TLS has verified; a TLS connection outlives the CA's retirement. */
  isTrusted(certificate: X509Certificate): boolean
  /** Takes the next ticket key into use if the list names it. Returns what changed. */
  followTicket(list: ServerKeys): KeyChange[]
  /** The same for the device CA; and drops those that the list names no more. */
  followDeviceCas(list: ServerKeys): KeyChange[]
}
export type KeyChange = { what: 'ticket-key' | 'device-ca' | 'device-ca-retired'; mark: Hash }

export const keyFiles = {
  ticket: 'ticket.key',
  nextTicket: 'ticket.next.key',
  deviceCa: 'device-ca.key',
  deviceCas: 'device-ca.pem',
  nextDeviceCa: 'device-ca.next.key',
  nextDeviceCaPem: 'device-ca.next.pem',
} as const

export async function openRotatingKeys(stateDir: string): Promise<RotatingKeys> {
  const at = (name: keyof typeof keyFiles) => join(stateDir, keyFiles[name])
  let ticket = loadKey(at('ticket'))
  let cas = await loadCas(at('deviceCa'), at('deviceCas'))

  const takeTicket = (list: ServerKeys): KeyChange[] => {
    const next = readKeyIfThere(at('nextTicket'))
    const named = list.ticketKeys[0]
    if (!next || !named || thumbprint(next.publicJwk) !== thumbprint(named.key)) return []
    renameSync(at('nextTicket'), at('ticket'))
    syncFolder(stateDir)
    ticket = next
    return [{ what: 'ticket-key', mark: thumbprint(next.publicJwk) }]
  }
  /** The bundle first, then the key: a start in between finds the old key's certificate still in it. */
  const takeDeviceCa = ({ deviceCas: [named] }: ServerKeys): KeyChange[] => {
    const key = readKeyIfThere(at('nextDeviceCa'))
    if (!key || !existsSync(at('nextDeviceCaPem'))) return []
    const certificatePem = readFileSync(at('nextDeviceCaPem'), 'utf8')
    const mark = certificateHash(certificatePem)
    if (mark !== named) return []
    const trusted = [certificatePem, ...cas.trusted.filter((one) => certificateHash(one) !== mark)]
    writeBundle(at('deviceCas'), trusted)
    renameSync(at('nextDeviceCa'), at('deviceCa'))
    rmSync(at('nextDeviceCaPem'))
    syncFolder(stateDir)
    cas = { issuing: { certificatePem, key }, trusted }
    return [{ what: 'device-ca', mark }]
  }
  const retireDeviceCas = ({ deviceCas }: ServerKeys): KeyChange[] => {
    const [inUse] = cas.trusted.map(certificateHash)
    const gone = cas.trusted.map(certificateHash).filter((mark) => mark !== inUse && !deviceCas.includes(mark))
    // A list that does not even name the one in use was made for another server.
    if (gone.length === 0 || inUse === undefined || !deviceCas.includes(inUse)) return []
    const trusted = cas.trusted.filter((one) => !gone.includes(certificateHash(one)))
    writeBundle(at('deviceCas'), trusted)
    cas = { ...cas, trusted }
    return gone.map((mark) => ({ what: 'device-ca-retired', mark }))
  }
  return {
    ticket: () => ticket,
    deviceCa: () => cas.issuing,
    deviceCas: () => cas.trusted,
    isTrusted: (certificate) => cas.trusted.some((pem) => certificate.checkIssued(new X509Certificate(pem))),
    followTicket: takeTicket,
    followDeviceCas: (list) => [...takeDeviceCa(list), ...retireDeviceCas(list)],
  }
}

/** From its file, or made there (0600). Throws `state.unreadable`. */
export function loadKey(path: string): SigningKey {
  if (!existsSync(path)) writeFileWhole(path, privatePem(generateSigningKey()))
  return signingKeyFrom(readFileSync(path, 'utf8'))
}

export function readKeyIfThere(path: string): SigningKey | null {
  return existsSync(path) ? loadKey(path) : null
}

type Cas = { issuing: Ca; trusted: readonly string[] }

/** The certificate that belongs to the key issues, wherever it stands in the bundle. Throws `state.unreadable {path}` where none does. */
async function loadCas(keyPath: string, bundlePath: string): Promise<Cas> {
  const key = loadKey(keyPath)
  if (!existsSync(bundlePath)) writeBundle(bundlePath, [(await createCa('Gantry devices', key)).certificatePem])
  const all = splitPem(readFileSync(bundlePath, 'utf8'))
  const certificatePem = all.find((pem) => new X509Certificate(pem).checkPrivateKey(key.privateKey))
  if (!certificatePem) throw new AppError('state.unreadable', { details: { path: bundlePath } })
  return { issuing: { certificatePem, key }, trusted: [certificatePem, ...all.filter((pem) => pem !== certificatePem)] }
}

function writeBundle(path: string, certificates: readonly string[]): void {
  writeFileWhole(path, certificates.map((pem) => `${pem.trimEnd()}\n`).join(''), 0o644)
}
