import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ca, createCa, issueServerCertificate, spkiPin } from '@gantry/shared/node/certificates.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, signingKeyFrom } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import type { Paths } from './state-folder.ts'

const hosts = ['127.0.0.1', 'localhost', '::1']

/** The CA of this sandbox's servers. It is in no trust store: agents and clients pin it, and the sandbox's browser is told its key. */
export async function openCa(paths: Paths): Promise<Ca> {
  if (existsSync(paths.caKey) && existsSync(paths.ca)) {
    return { certificatePem: readFileSync(paths.ca, 'utf8'), key: signingKeyFrom(readFileSync(paths.caKey, 'utf8')) }
  }
  const ca = await createCa('Gantry sandbox')
  writeFileWhole(paths.caKey, privatePem(ca.key), 0o600)
  writeFileWhole(paths.ca, ca.certificatePem, 0o644)
  return ca
}

/** Fresh at each start. The file holds the chain, so that a browser that was told the CA's key recognises it. */
export async function writeServerCertificate(ca: Ca, folder: string, more: string[]): Promise<{ cert: string; key: string }> {
  const issued = await issueServerCertificate(ca, { hosts: [...hosts, ...more], days: 30 })
  const files = { cert: join(folder, 'tls-certificate.pem'), key: join(folder, 'tls-key.pem') }
  writeFileWhole(files.cert, `${issued.certificatePem.trimEnd()}\n${ca.certificatePem}`, 0o644)
  writeFileWhole(files.key, issued.keyPem, 0o600)
  return files
}

/** The key by which an access server signs its beats. Made here rather than by itself, since the main server's list, which names it, is written before. */
export function openBeatKey(folder: string): { key: string; publicJwk: PublicJwk } {
  const key = join(folder, 'beat-key.pem')
  if (!existsSync(key)) writeFileWhole(key, privatePem(generateSigningKey()), 0o600)
  return { key, publicJwk: signingKeyFrom(readFileSync(key, 'utf8')).publicJwk }
}

export function caPin(ca: Ca): string {
  return spkiPin(ca.certificatePem)
}
