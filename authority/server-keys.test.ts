import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkServerKeys, serverKeysFingerprint } from '../shared/node/server-keys.ts'
import { generateSigningKey, sha256 } from '../shared/node/signing.ts'
import { checkRoster } from '../shared/node/ticket.ts'
import type { ServerKeys } from '../shared/server-keys.ts'
import { createAuthority, openAuthority } from './authority.ts'
import type { Act } from './statement.ts'

const root = mkdtempSync(join(tmpdir(), 'authority-keys-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('two officers list the servers’ keys under the next roster’s number; with another fingerprint nothing is signed (T3)', async () => {
  const [folder, out] = [join(root, 'keys'), join(root, 'out')]
  const passphrases = { alice: 'alice has four words', bob: 'bob has some words too' }
  const founders = Object.entries(passphrases).map(([name, passphrase]) => ({ name, passphrase }))
  await createAuthority(folder, founders, { cost: 2 ** 14 })
  const authority = await openAuthority(folder)
  const agree = async (act: Act) => {
    const statement = await authority.propose(act, out)
    return authority.sign(statement, [await authority.unlock('alice', passphrases.alice), await authority.unlock('bob', passphrases.bob)], out)
  }
  await agree({ kind: 'roster' })
  const keys: ServerKeys = { ticketKeys: [{ key: generateSigningKey().publicJwk, until: null }], deviceCas: [sha256('ca')], revoked: [] }
  const other = { ...keys, revoked: [sha256('a certificate')] }
  await expect(agree({ kind: 'server-keys', keys: other, fingerprint: serverKeysFingerprint(keys) })).rejects.toMatchObject({
    code: 'authority.fingerprint-differs',
  })

  expect(await agree({ kind: 'server-keys', keys, fingerprint: serverKeysFingerprint(keys) })).toMatchObject({ rosterNumber: 2 })
  const read = (name: string) => readFileSync(join(out, name), 'utf8').trim()
  const list = await checkServerKeys(read('server-keys.jws'), authority.publicKey)
  expect(list).toMatchObject({ ...keys, number: 2 })
  expect((await checkRoster(read('roster.jws'), authority.publicKey)).number).toBe(2)

  // The next roster leaves the list as it is.
  await agree({ kind: 'roster' })
  expect((await checkServerKeys(read('server-keys.jws'), authority.publicKey)).number).toBe(2)
  expect(await authority.verify(out)).toMatchObject({ statements: 3 })
  authority.close()
})
