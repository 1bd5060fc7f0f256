import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom } from '@gantry/shared/node/signing.ts'

/**
 * One of this server's own keys, made at the first start (0600): one signs the heads of its audit, the other its beats. Neither opens a session. Throws
 * `state.unreadable` for a file that is no such key.
 */
export function loadKey(path: string): SigningKey {
  if (existsSync(path)) return signingKeyFrom(readFileSync(path, 'utf8'))
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const key = generateSigningKey()
  writeFileWhole(path, privatePem(key), 0o600)
  return key
}
