import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Ca, createCa } from '@gantry/shared/node/certificates.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, newNonce, privatePem, type SigningKey, signingKeyFrom } from '@gantry/shared/node/signing.ts'

/** The main server's own secrets, made at its first start, one file each with mode 0600 in its state folder. */
export type Keys = {
  ticket: SigningKey
  audit: SigningKey
  /** Signs ID tokens. */
  identity: SigningKey
  deviceCa: Ca
  /** Signs the sign-in's cookies. */
  cookieSecret: string
  /** From which each device's bulletin key is derived. */
  bulletinSecret: string
  /** From which the links of notices are derived. */
  noticeSecret: string
}

export async function loadKeys(stateDir: string): Promise<Keys> {
  const path = (name: string) => join(stateDir, name)
  return {
    ticket: loadKey(path('ticket.key')),
    audit: loadKey(path('log-signing.key')),
    identity: loadKey(path('identity.key')),
    deviceCa: await loadCa(path('device-ca.key'), path('device-ca.pem')),
    cookieSecret: loadText(path('cookie.secret'), newNonce),
    bulletinSecret: loadText(path('bulletin.secret'), newNonce),
    noticeSecret: loadText(path('notice.secret'), newNonce),
  }
}

function loadKey(path: string): SigningKey {
  return signingKeyFrom(loadText(path, () => privatePem(generateSigningKey())))
}

async function loadCa(keyPath: string, certificatePath: string): Promise<Ca> {
  const key = loadKey(keyPath)
  if (!existsSync(certificatePath)) {
    const { certificatePem } = await createCa('Gantry devices', key)
    writeFileWhole(certificatePath, certificatePem, 0o644)
  }
  return { key, certificatePem: readFileSync(certificatePath, 'utf8') }
}

function loadText(path: string, make: () => string): string {
  if (!existsSync(path)) writeFileWhole(path, make())
  return readFileSync(path, 'utf8')
}
