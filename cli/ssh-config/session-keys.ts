import { readFileSync } from 'node:fs'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom } from '@gantry/shared/node/signing.ts'
import type { SecretName, SecretStore } from '../../main/services/secret-store.ts'
import type { ConfigurationFiles } from './configuration.ts'
import { publicLine } from './ssh-wire.ts'

/**
 * Every session has a key of its own, although OpenSSH reads the public half before ProxyCommand has done anything. So the key after this one always lies
 * ready: its public half in `next.pub`, its private half in the secret store. A session begins by making it the present one and another the next; whatever
 * an ssh that starts meanwhile reads, the present key is in it. A key is never used for a second session, also after a crash.
 */
type Files = Pick<ConfigurationFiles, 'session' | 'next'>
export type SessionKeys = { id: string; files: Files; store: SecretStore }

export async function prepareSessionKeys({ id, files, store }: SessionKeys): Promise<void> {
  const next = generateSigningKey()
  writePublic(files.session, next)
  writePublic(files.next, next)
  await store.set(sessionKeyName(id), privatePem(next))
}

/**
 * The key of the session that begins. Null when its private half is gone (the sandbox was restarted): then a new one lies ready, but the ssh that waits has read
 * the old public half already, and has to be started again.
 */
export async function takeSessionKey({ id, files, store }: SessionKeys): Promise<SigningKey | null> {
  const present = await readKept({ id, files, store })
  if (!present) {
    await prepareSessionKeys({ id, files, store })
    return null
  }
  const next = generateSigningKey()
  // In this order: after a crash anywhere in between, the stored key is one whose public half lies in one of the two files, and it was used for nothing.
  writePublic(files.session, present)
  writePublic(files.next, next)
  await store.set(sessionKeyName(id), privatePem(next))
  return present
}

/** Where the private half was lost, another key is made ready before any ssh reads the public one. */
export async function repairSessionKeys(keys: SessionKeys): Promise<void> {
  if (!(await readKept(keys))) await prepareSessionKeys(keys)
}

async function readKept({ id, files, store }: SessionKeys): Promise<SigningKey | null> {
  const pem = await store.get(sessionKeyName(id))
  if (pem === null) return null
  const key = signingKeyFrom(pem)
  const line = publicLine(key.publicJwk, comment)
  return [files.next, files.session].some((path) => readText(path) === line) ? key : null
}

const comment = 'gantry-session'

function writePublic(path: string, key: SigningKey): void {
  writeFileWhole(path, publicLine(key.publicJwk, comment))
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

export function sessionKeyName(id: string): SecretName {
  return `session-key:${id}`
}
