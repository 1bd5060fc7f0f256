import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SecretStore } from '../../main/services/secret-store.ts'
import { prepareSessionKeys, type SessionKeys, takeSessionKey } from './session-keys.ts'
import { publicLine } from './ssh-wire.ts'

let folder: string
let secrets: Map<string, string>
let keys: SessionKeys

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-keys-'))
  secrets = new Map()
  const store: SecretStore = {
    kind: 'sandbox',
    get: async (name) => secrets.get(name) ?? null,
    set: async (name, value) => void secrets.set(name, value),
    delete: async (name) => void secrets.delete(name),
  }
  keys = { id: 'cfg_a', files: { session: join(folder, 'session.pub'), next: join(folder, 'next.pub') }, store }
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What an ssh that starts now reads. */
const offered = () => [keys.files.session, keys.files.next].map((path) => readFileSync(path, 'utf8'))
const line = (key: Awaited<ReturnType<typeof takeSessionKey>>) => key && publicLine(key.publicJwk, 'gantry-session')

describe('a session key is fresh, though OpenSSH reads it beforehand', () => {
  test('the ssh that was started before a session began has its key, and so has one started after', async () => {
    await prepareSessionKeys(keys)
    for (let session = 0; session < 3; session++) {
      const before = offered()
      const key = line(await takeSessionKey(keys))
      expect(before).toContain(key)
      expect(offered()[0]).toBe(key)
    }
  })

  test('no key serves twice', async () => {
    await prepareSessionKeys(keys)
    const taken = [await takeSessionKey(keys), await takeSessionKey(keys), await takeSessionKey(keys)].map(line)
    expect(new Set(taken).size).toBe(3)
  })

  test('the private half of the running session is in no store any more, and none is on disk', async () => {
    await prepareSessionKeys(keys)
    const key = await takeSessionKey(keys)
    const pem = key?.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    expect([...secrets.values()]).not.toContain(pem)
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name), 'utf8')).not.toContain('PRIVATE')
  })

  test('a crash between the files and the store costs nothing: the stored key is in a file, and unused', async () => {
    await prepareSessionKeys(keys)
    const kept = secrets.get('session-key:cfg_a') ?? ''
    await takeSessionKey(keys)
    secrets.set('session-key:cfg_a', kept)
    expect(offered()).toContain(line(await takeSessionKey(keys)))
  })

  test('a lost private half (the sandbox was restarted) gives no key, and a new one lies ready', async () => {
    await prepareSessionKeys(keys)
    secrets.clear()
    expect(await takeSessionKey(keys)).toBeNull()
    const before = offered()
    expect(before).toContain(line(await takeSessionKey(keys)))
  })
})
