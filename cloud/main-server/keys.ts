import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { newNonce, type SigningKey } from '@gantry/shared/node/signing.ts'
import { loadKey, openRotatingKeys, type RotatingKeys } from './rotating-keys.ts'

/** The main server's own secrets, made at its first start, one file each with mode 0600 in its state folder. */
export type Keys = RotatingKeys & {
  audit: SigningKey
  /** Signs ID tokens. */
  identity: SigningKey
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
    ...(await openRotatingKeys(stateDir)),
    audit: loadKey(path('log-signing.key')),
    identity: loadKey(path('identity.key')),
    cookieSecret: loadText(path('cookie.secret'), newNonce),
    bulletinSecret: loadText(path('bulletin.secret'), newNonce),
    noticeSecret: loadText(path('notice.secret'), newNonce),
  }
}

function loadText(path: string, make: () => string): string {
  if (!existsSync(path)) writeFileWhole(path, make())
  return readFileSync(path, 'utf8')
}
