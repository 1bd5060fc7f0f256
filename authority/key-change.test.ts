import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { authorityKeysAt, pinnedAuthority } from '../shared/authority-keys.ts'
import { newId } from '../shared/ids.ts'
import { followAuthority, splitAuthorityStatements } from '../shared/node/authority-keys.ts'
import { signCertification } from '../shared/node/certification.ts'
import { checkServerKeys, serverKeysFingerprint } from '../shared/node/server-keys.ts'
import { generateSigningKey, sha256, thumbprint } from '../shared/node/signing.ts'
import { checkCertificate, checkRoster, requireOnRoster } from '../shared/node/ticket.ts'
import type { ServerKeys } from '../shared/server-keys.ts'
import type { PublicJwk } from '../shared/ticket.ts'
import { type Authority, createAuthority, openAuthority } from './authority.ts'
import { makeOfficer } from './officers.ts'
import { describeStanding } from './overview.ts'
import type { Act } from './statement.ts'

// R061, T3: the authority's own key is changed by two officers, and followed from the key before it.

const passphrases = { alice: 'alice has four words', bob: 'bob has some words too', carol: 'carol has words as well' }
const cost = 2 ** 14
let root: string
let [folder, out] = ['', '']
let authority: Authority
let pinned: PublicJwk
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'authority-key-'))
  ;[folder, out] = [join(root, 'keys'), join(root, 'out')]
  const founders = (['alice', 'bob'] as const).map((name) => ({ name, passphrase: passphrases[name] }))
  await createAuthority(folder, founders, { cost })
  authority = await openAuthority(folder)
  pinned = authority.publicKey
  await certify()
})
afterEach(() => {
  authority.close()
  rmSync(root, { recursive: true, force: true })
})

const now = () => Math.floor(Date.now() / 1_000)
async function agree(act: Act, [first, second]: (keyof typeof passphrases)[] = ['alice', 'bob'], joining?: Awaited<ReturnType<typeof makeOfficer>>) {
  const statement = await authority.propose(act, out)
  const both = [await authority.unlock(first as string, passphrases[first ?? 'alice']), await authority.unlock(second as string, passphrases[second ?? 'bob'])]
  return authority.sign(statement, both as never, out, joining)
}
async function certify() {
  const keys = { specialist: generateSigningKey(), support: generateSigningKey() }
  const marks = { specialistKey: keys.specialist.publicJwk, supportKey: keys.support.publicJwk }
  const person = { specialistId: newId('spc') as never, username: 'a.tester', name: 'A. Tester', employer: 'Example Service', country: 'CA', ...marks }
  const imported = await authority.importRequest(await signCertification({ version: 1, issuedAt: now(), ...person }, keys))
  await agree({ kind: 'certify', ...imported, replaces: null })
}
const rotate = async (until = now() + 86_400) => agree({ kind: 'rotate-key', key: await authority.makeNextKey(), until })
const carried = (name: string) => readFileSync(join(out, name), 'utf8').trim()
const followed = async (from = pinned) => (await followAuthority(pinnedAuthority(from), splitAuthorityStatements(carried('authority-keys.jws')))).known

describe('the authority’s own key', () => {
  test('changes with two officers: all that counts is signed again, and who pinned the first key follows', async () => {
    const keys: ServerKeys = { ticketKeys: [{ key: generateSigningKey().publicJwk, until: null }], deviceCas: [sha256('ca')], revoked: [] }
    await agree({ kind: 'server-keys', keys, fingerprint: serverKeysFingerprint(keys) })
    const before = await checkCertificate(carried('certificates/a.tester.jws'), [pinned], now())
    // Somebody exchanges the carried list; what two officers said is signed again, not that.
    writeFileSync(join(out, 'server-keys.jws'), 'a.b.c\n')
    expect(await rotate()).toMatchObject({ rosterNumber: 3, people: 1 })

    expect(thumbprint(authority.publicKey)).not.toBe(thumbprint(pinned))
    const known = await followed()
    expect(authorityKeysAt(known, now())).toEqual([authority.publicKey, pinned])
    expect(authorityKeysAt(known, now() + 86_500)).toEqual([authority.publicKey])
    const roster = await checkRoster(carried('roster.jws'), authority.publicKey)
    const certificate = await checkCertificate(carried('certificates/a.tester.jws'), [authority.publicKey], now())
    requireOnRoster(certificate, roster)
    expect({ ...certificate, issuedAt: 0 }).toEqual({ ...before, issuedAt: 0 })
    expect(await checkServerKeys(carried('server-keys.jws'), authority.publicKey)).toMatchObject({ ...keys, number: 3 })
    expect(await authority.verify(out)).toMatchObject({ statements: 3 })
    expect(describeStanding(authority.standing(), Date.now()).keys).toMatchObject([
      { fingerprint: thumbprint(authority.publicKey), state: 'in use' },
      { fingerprint: thumbprint(pinned), state: 'beside' },
    ])

    // The key before it can be taken back early, and a further one follows.
    await agree({ kind: 'retire-key', until: now() - 1 })
    expect(authorityKeysAt(await followed(), now())).toEqual([authority.publicKey])
    await rotate()
    expect((await followed()).keys[0].key).toEqual(authority.publicKey)
    expect(await authority.verify(out)).toMatchObject({ statements: 5 })
  })

  test('that was pinned is the one that follows, whoever the officers are by then; no other can', async () => {
    await agree({ kind: 'pin-key', key: await authority.makeNextKey() })
    const next = await authority.makeNextKey()
    expect((await followed()).next).toBe(thumbprint(next))
    await expect(authority.propose({ kind: 'rotate-key', key: generateSigningKey().publicJwk, until: now() }, out)).rejects.toMatchObject({
      code: 'authority.fingerprint-differs',
    })
    const carol = await makeOfficer('carol', passphrases.carol, cost)
    await agree({ kind: 'add-officer', name: 'carol', signingKey: carol.signingKey, sealingKey: carol.sealingKey }, ['alice', 'bob'], carol)
    await agree({ kind: 'remove-officer', name: 'bob' }, ['alice', 'carol'])
    await agree({ kind: 'rotate-key', key: await authority.makeNextKey(), until: now() }, ['alice', 'carol'])
    expect([authority.publicKey, (await followed()).keys[0].key]).toEqual([next, next])
  })

  test('is not what somebody put beside it while the officers typed, and one officer changes nothing', async () => {
    const statement = await authority.propose({ kind: 'rotate-key', key: await authority.makeNextKey(), until: now() }, out)
    const [alice, bob] = [await authority.unlock('alice', passphrases.alice), await authority.unlock('bob', passphrases.bob)]
    await expect(authority.sign(statement, [alice, alice], out)).rejects.toMatchObject({ code: 'authority.same-officer' })
    // Another key, sealed to the same officers: their public halves are enough for that.
    await authority.makeNextKey()
    await expect(authority.sign(statement, [alice, bob], out)).rejects.toMatchObject({ code: 'state.unreadable' })
    expect([authority.publicKey, existsSync(join(out, 'authority-keys.jws'))]).toEqual([pinned, false])
  })

  test('a break-off after the log’s word is finished at the next start, and one before it never happened', async () => {
    await authority.makeNextKey()
    authority.close()
    authority = await openAuthority(folder)
    expect(authority.publicKey).toEqual(pinned)

    const kept = join(root, 'kept')
    cpSync(out, kept, { recursive: true })
    const inUse = readFileSync(join(folder, 'authority-key.json'))
    await rotate()
    const next = authority.publicKey
    authority.close()
    // As it lies after the event and before the rename; what was to be carried is the old one yet.
    renameSync(join(folder, 'authority-key.json'), join(folder, 'next-key.json'))
    writeFileSync(join(folder, 'authority-key.json'), inUse, { mode: 0o600 })
    rmSync(out, { recursive: true })
    cpSync(kept, out, { recursive: true })
    authority = await openAuthority(folder)
    expect(authority.publicKey).toEqual(next)
    await agree({ kind: 'roster' })
    expect((await followed()).keys[0].key).toEqual(next)
  })
})
