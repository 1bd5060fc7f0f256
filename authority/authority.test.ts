import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { shortFingerprint, signCertification } from '../shared/node/certification.ts'
import { openByBoth } from '../shared/node/sealed-to.ts'
import { generateSigningKey, type SigningKey, thumbprint } from '../shared/node/signing.ts'
import { checkCertificate, checkRoster, requireOnRoster } from '../shared/node/ticket.ts'
import type { CertificationPayload } from '../shared/ticket.ts'
import { type Authority, createAuthority, openAuthority } from './authority.ts'
import { makeOfficer, openKey } from './officers.ts'
import { describeStanding } from './overview.ts'
import type { Act } from './statement.ts'

const root = mkdtempSync(join(tmpdir(), 'authority-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const start = Date.UTC(2030, 0, 1)
const day = 86_400
const passphrases = { alice: 'alice has four words', bob: 'bob has some words too', carol: 'carol has words as well' } as const
type Name = keyof typeof passphrases
let folders = 0

async function make(names: Name[] = ['alice', 'bob']) {
  const folder = join(root, String(++folders), 'keys')
  const out = join(root, String(folders), 'out')
  const clock = { ms: start }
  await createAuthority(
    folder,
    names.map((name) => ({ name, passphrase: passphrases[name] })),
    { now: () => clock.ms, cost: 2 ** 14 },
  )
  const open = () => openAuthority(folder, () => clock.ms)
  const authority = await open()
  return { folder, out, clock, open, authority, agree: (act: Act, by?: [Name, Name]) => agree(authority, out, act, by) }
}

async function agree(authority: Authority, out: string, act: Act, [first, second]: [Name, Name] = ['alice', 'bob']) {
  const statement = await authority.propose(act, out)
  return authority.sign(statement, [await authority.unlock(first, passphrases[first]), await authority.unlock(second, passphrases[second])], out)
}

type Keys = { specialist: SigningKey; support: SigningKey }
const newKeys = (): Keys => ({ specialist: generateSigningKey(), support: generateSigningKey() })

/** A workstation's request, imported, and the act that certifies it. */
async function asked(authority: Authority, change: Partial<CertificationPayload> = {}, keys = newKeys(), replaces: string | null = null) {
  const payload: CertificationPayload = {
    ...{ version: 1, specialistId: newId('spc'), username: 'a.tester', name: 'A. Tester', employer: 'Example Service', country: 'CA', issuedAt: start / 1000 },
    ...{ specialistKey: keys.specialist.publicJwk, supportKey: keys.support.publicJwk },
    ...change,
  }
  const { person, fingerprint } = await authority.importRequest(await signCertification(payload, keys))
  return { payload, person, fingerprint, act: { kind: 'certify', person, fingerprint, replaces } satisfies Act }
}

async function codeOf(act: () => unknown): Promise<unknown> {
  try {
    await act()
    return 'none'
  } catch (error) {
    return error instanceof AppError ? error.code : error
  }
}

const rosterIn = (out: string, { publicKey }: Authority) => checkRoster(readFileSync(join(out, 'roster.jws'), 'utf8').trim(), publicKey)
const certificateIn = (out: string, username: string) => readFileSync(join(out, 'certificates', `${username}.jws`), 'utf8').trim()

describe('what the authority signs', () => {
  test('a certificate of 90 days for a person’s two keys, and a roster of 14 days with that person on it (R062)', async () => {
    const { authority, out, agree } = await make()
    const { act, person, fingerprint } = await asked(authority)
    expect(fingerprint).toMatch(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/)
    expect(await agree(act)).toMatchObject({ rosterNumber: 1, people: 1 })
    const certificate = await checkCertificate(certificateIn(out, 'a.tester'), [authority.publicKey], start / 1000 + 90 * day)
    expect(certificate).toMatchObject({ ...person, issuedAt: start / 1000, expiresAt: start / 1000 + 90 * day })
    expect(await codeOf(() => checkCertificate(certificateIn(out, 'a.tester'), [authority.publicKey], start / 1000 + 91 * day))).toBe(
      'auth.certificate-expired',
    )
    const roster = await rosterIn(out, authority)
    expect(roster.expiresAt - roster.issuedAt).toBe(14 * day)
    requireOnRoster(certificate, roster)
  })

  test('a revoked or expired person is on the next roster no more, and their file is gone', async () => {
    const { authority, out, agree, clock } = await make()
    const first = await asked(authority, { username: 'b.first' })
    await agree(first.act)
    clock.ms += 13 * day * 1000
    const second = await asked(authority, { username: 'b.second' })
    await agree(second.act)
    await agree({ kind: 'revoke', specialistId: first.person.specialistId, username: 'b.first', reason: 'left the company' })
    expect((await rosterIn(out, authority)).specialists.map(({ username }) => username)).toEqual(['b.second'])
    expect(readdirSync(join(out, 'certificates'))).toEqual(['b.second.jws'])
    clock.ms += 90 * day * 1000
    expect(describeStanding(authority.standing(), clock.ms)).toMatchObject({
      specialists: [{ username: 'b.second', state: 'expired' }],
      roster: { state: 'expired' },
    })
    expect(await agree({ kind: 'roster' })).toMatchObject({ rosterNumber: 4, people: 0 })
  })

  test('a person taken out does not come back by a file that somebody puts into the folder again', async () => {
    const { authority, out, agree } = await make()
    const { act, person } = await asked(authority)
    await agree(act)
    const kept = certificateIn(out, 'a.tester')
    await agree({ kind: 'revoke', specialistId: person.specialistId, username: 'a.tester', reason: 'lost the workstation' })
    writeFileSync(join(out, 'certificates', 'a.tester.jws'), kept)
    expect(await agree({ kind: 'roster' })).toMatchObject({ people: 0 })
    expect(existsSync(join(out, 'certificates', 'a.tester.jws'))).toBe(false)
  })

  test('rotation puts new keys in place of the old ones, which the roster forgets; without the word for it they stay', async () => {
    const { authority, out, agree } = await make()
    const before = await asked(authority)
    await agree(before.act)
    const old = await checkCertificate(certificateIn(out, 'a.tester'), [authority.publicKey], start / 1000)
    const after = await asked(authority, { specialistId: before.person.specialistId })
    expect(await codeOf(() => agree(after.act))).toBe('authority.person-known')
    expect(await codeOf(() => agree({ ...after.act, replaces: after.fingerprint }))).toBe('authority.person-unknown')
    await agree({ ...after.act, replaces: before.fingerprint })
    const roster = await rosterIn(out, authority)
    requireOnRoster(await checkCertificate(certificateIn(out, 'a.tester'), [authority.publicKey], start / 1000), roster)
    expect(await codeOf(() => requireOnRoster(old, roster))).toBe('access.certificate-bad')
  })

  test('nobody gets another’s user name', async () => {
    const { authority, agree } = await make()
    await agree((await asked(authority)).act)
    const namesake = await asked(authority)
    expect(await codeOf(() => agree(namesake.act))).toBe('authority.person-known')
  })
})

describe('a workstation’s request', () => {
  test('is refused when a key did not sign, when both keys are one, when it is old, and when it was altered', async () => {
    const { authority, clock } = await make()
    const keys = newKeys()
    const alone = { specialist: keys.specialist, support: generateSigningKey() }
    expect(await codeOf(() => asked(authority, { supportKey: keys.support.publicJwk }, alone))).toBe('authority.request-bad')
    expect(await codeOf(() => asked(authority, {}, { specialist: keys.specialist, support: keys.specialist }))).toBe('authority.request-bad')
    expect(await codeOf(() => asked(authority, { issuedAt: start / 1000 - 15 * day }))).toBe('authority.request-bad')
    expect(await codeOf(() => asked(authority, { issuedAt: start / 1000 + day }))).toBe('authority.request-bad')
    const { payload } = await asked(authority)
    const signed = await signCertification(payload, keys)
    expect(await codeOf(() => authority.importRequest(signed))).toBe('authority.request-bad')
    expect(clock.ms).toBe(start)
  })

  test('is certified only under the fingerprint that the person reads out', async () => {
    const { authority, agree } = await make()
    const mine = await asked(authority)
    const theirs = await asked(authority, { specialistId: mine.person.specialistId })
    expect(await codeOf(() => agree({ ...theirs.act, fingerprint: mine.fingerprint }))).toBe('authority.fingerprint-differs')
    const { specialistKey, supportKey } = mine.person
    expect(shortFingerprint({ specialistKey: thumbprint(specialistKey), supportKey: thumbprint(supportKey) })).toBe(mine.fingerprint)
  })
})

describe('two officers', () => {
  test('one alone signs nothing: neither as both, nor under another’s name, nor with a wrong passphrase; the attempt is audited', async () => {
    const { authority, out } = await make()
    const statement = await authority.propose({ kind: 'roster' }, out)
    const alice = await authority.unlock('alice', passphrases.alice)
    expect(await codeOf(() => authority.sign(statement, [alice, alice], out))).toBe('authority.same-officer')
    expect(await codeOf(() => authority.sign(statement, [alice, { ...alice, name: 'bob' }], out))).toBe('authority.same-officer')
    expect(await codeOf(() => authority.unlock('bob', passphrases.alice))).toBe('authority.passphrase-wrong')
    expect(await codeOf(() => authority.unlock('mallory', passphrases.alice))).toBe('authority.officer-unknown')
    expect(await codeOf(() => authority.unlock('../alice', passphrases.alice))).toBe('authority.officer-unknown')
    expect([...authority.log.read()].at(-1)?.event).toMatchObject({ kind: 'officer.refused', data: { officer: 'bob' } })
    expect(existsSync(join(out, 'roster.jws'))).toBe(false)
  })

  test('the key opens for no one of them, whatever the program says', async () => {
    const { folder, authority } = await make()
    const alice = await authority.unlock('alice', passphrases.alice)
    const { pairs } = JSON.parse(readFileSync(join(folder, 'authority-key.json'), 'utf8'))
    await expect(openByBoth(pairs[0].sealed, [alice.sealing, alice.sealing])).rejects.toThrow()
    expect(await codeOf(() => openKey(folder, [alice, { ...alice, name: 'bob' }]))).toBe('state.unreadable')
    const bob = await authority.unlock('bob', passphrases.bob)
    expect(thumbprint((await openKey(folder, [bob, alice])).publicJwk)).toBe(thumbprint(authority.publicKey))
  })

  test('no key lies in clear in the folder, and nobody else may read it', async () => {
    const { folder } = await make()
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    for (const { parentPath, name } of files) {
      expect(statSync(join(parentPath, name)).mode & 0o077, name).toBe(0)
      if (name !== 'head.key') expect(readFileSync(join(parentPath, name), 'utf8'), name).not.toContain('PRIVATE KEY')
    }
  })

  test('are two at least, and have passphrases that are worth the name', async () => {
    const folder = join(root, 'refused')
    const found = (...founders: [string, string][]) =>
      createAuthority(
        folder,
        founders.map(([name, passphrase]) => ({ name, passphrase })),
        { cost: 2 ** 14 },
      )
    expect(await codeOf(() => found(['alice', passphrases.alice]))).toBe('authority.same-officer')
    expect(await codeOf(() => found(['alice', passphrases.alice], ['alice', passphrases.bob]))).toBe('authority.same-officer')
    expect(await codeOf(() => found(['alice', passphrases.alice], ['bob', 'short']))).toBe('authority.passphrase-short')
    expect(existsSync(join(folder, 'authority-key.json'))).toBe(false)
    const made = await make()
    expect(await codeOf(() => createAuthority(made.folder, [], {}))).toBe('state.in-use')
  })

  test('a third can be added by two, sign with either, and be removed; who was removed signs no more', async () => {
    const { folder, authority, out, agree } = await make()
    const joining = await makeOfficer('carol', passphrases.carol, 2 ** 14)
    const { name, signingKey, sealingKey } = joining
    const act: Act = { kind: 'add-officer', name, signingKey, sealingKey }
    const statement = await authority.propose(act, out)
    const [alice, bob] = [await authority.unlock('alice', passphrases.alice), await authority.unlock('bob', passphrases.bob)]
    const other = await makeOfficer('carol', passphrases.carol, 2 ** 14)
    expect(await codeOf(() => authority.sign(statement, [alice, bob], out, other))).toBe('authority.officer-unknown')
    await authority.sign(statement, [alice, bob], out, joining)
    await agree({ kind: 'roster' }, ['carol', 'alice'])
    expect(await codeOf(() => agree(act))).toBe('authority.officer-known')
    await agree({ kind: 'remove-officer', name: 'bob' }, ['alice', 'carol'])
    expect(await codeOf(() => authority.unlock('bob', passphrases.bob))).toBe('authority.officer-unknown')
    expect(await codeOf(() => openKey(folder, [alice, bob]))).toBe('authority.officer-unknown')
    expect(await codeOf(() => agree({ kind: 'remove-officer', name: 'carol' }, ['alice', 'carol']))).toBe('authority.too-few-officers')
    expect(await authority.verify(out)).toMatchObject({ statements: 3 })
  })

  test('what they agreed to counts once, and at that place of the log only', async () => {
    const { authority, out } = await make()
    const statement = await authority.propose({ kind: 'roster' }, out)
    const officers = [await authority.unlock('alice', passphrases.alice), await authority.unlock('bob', passphrases.bob)] as const
    await authority.sign(statement, officers, out)
    expect(await codeOf(() => authority.sign(statement, officers, out))).toBe('state.in-use')
    expect((await rosterIn(out, authority)).number).toBe(1)
  })
})

describe('a state that is not the newest', () => {
  test('a folder that was copied back is refused, and so is a carried folder that is missing', async () => {
    const { folder, out, open, authority, agree } = await make()
    await agree((await asked(authority)).act)
    const copy = `${folder}-copy`
    cpSync(folder, copy, { recursive: true })
    await agree({ kind: 'roster' })
    expect(await codeOf(() => authority.propose({ kind: 'roster' }, `${out}-empty`))).toBe('authority.published-missing')
    authority.close()
    rmSync(folder, { recursive: true })
    cpSync(copy, folder, { recursive: true })
    const older = await open()
    expect(await codeOf(() => older.propose({ kind: 'roster' }, out))).toBe('authority.state-older')
    expect(await codeOf(() => older.verify(out))).toBe('authority.state-older')
    // Nor does the older log alone help, with no roster beside it to compare.
    rmSync(join(out, 'roster.jws'))
    expect(await codeOf(() => older.propose({ kind: 'roster' }, out))).toBe('authority.published-missing')
    older.close()
  })

  test('a history beside the real one is told by the head that was carried out, also where the numbers agree', async () => {
    const { folder, out, open, authority, agree: agreeHere } = await make()
    await agreeHere({ kind: 'roster' })
    const copies = [`${folder}-copy`, `${out}-copy`] as const
    cpSync(folder, copies[0], { recursive: true })
    cpSync(out, copies[1], { recursive: true })
    await agreeHere((await asked(authority)).act)
    authority.close()
    rmSync(folder, { recursive: true })
    cpSync(copies[0], folder, { recursive: true })
    const beside = await open()
    await agree(beside, copies[1], { kind: 'roster' })
    await agree(beside, copies[1], { kind: 'roster' })
    expect(await codeOf(() => beside.propose({ kind: 'roster' }, out))).toBe('authority.state-older')
    beside.close()
  })

  test('after a loss two officers go on above what was published, and who was revoked meanwhile stays out', async () => {
    const { folder, out, open, authority, agree: agreeHere } = await make()
    const stays = await asked(authority, { username: 'c.stays' })
    const goes = await asked(authority, { username: 'c.goes' })
    await agreeHere(stays.act)
    await agreeHere(goes.act)
    const copy = `${folder}-copy`
    cpSync(folder, copy, { recursive: true })
    await agreeHere({ kind: 'revoke', specialistId: goes.person.specialistId, username: 'c.goes', reason: 'left' })
    authority.close()
    rmSync(folder, { recursive: true })
    cpSync(copy, folder, { recursive: true })
    const restored = await open()
    const act = await restored.restoreAct(out)
    expect(act).toEqual({ kind: 'restore', published: 3, gone: [goes.person.specialistId] })
    expect(await codeOf(() => restored.propose({ kind: 'roster' }, out))).toBe('authority.state-older')
    expect(await agree(restored, out, act)).toMatchObject({ rosterNumber: 4, people: 1 })
    expect(await agree(restored, out, { kind: 'roster' })).toMatchObject({ rosterNumber: 5, people: 1 })
    expect(await restored.verify(out)).toMatchObject({ statements: 4 })
    restored.close()
  })
  test('numbers only grow, across restarts', async () => {
    const { out, open, authority } = await make()
    const numbers = [(await agree(authority, out, { kind: 'roster' })).rosterNumber]
    authority.close()
    const again = await open()
    for (const _ of [1, 2]) numbers.push((await agree(again, out, { kind: 'roster' })).rosterNumber)
    expect(numbers).toEqual([1, 2, 3])
    again.close()
  })

  test('a folder of another authority is none to go on from', async () => {
    const [mine, theirs] = [await make(), await make()]
    await theirs.agree({ kind: 'roster' })
    expect(await codeOf(() => mine.authority.propose({ kind: 'roster' }, theirs.out))).toBe('authority.state-older')
  })
})

describe('its own audit (R090)', () => {
  test('tells each step and who agreed, and verify holds it against both signatures', async () => {
    const { authority, out, agree } = await make()
    const { act, person } = await asked(authority)
    await agree(act)
    await agree({ kind: 'revoke', specialistId: person.specialistId, username: 'a.tester', reason: 'left' })
    const kinds = [...authority.log.read()].map(({ event }) => event.kind)
    const made = ['log.opened', 'authority.made', 'officer.added', 'officer.added']
    expect(kinds).toEqual([...made, 'certification.imported', 'specialist.certified', 'roster.signed', 'specialist.revoked', 'roster.signed'])
    expect([...authority.log.read({ kinds: ['specialist.certified'] })][0]?.event.data).toMatchObject({ officers: 'alice bob', username: 'a.tester' })
    expect(await authority.verify(out)).toEqual({ events: 9, statements: 2 })
  })

  test('an event without its statement, with another’s, or with a statement that was altered does not hold', async () => {
    const { folder, authority, agree } = await make()
    await agree((await asked(authority)).act)
    await agree({ kind: 'roster' })
    const files = readdirSync(join(folder, 'statements')).map((name) => join(folder, 'statements', name))
    const [first, second] = files.map((path) => readFileSync(path, 'utf8'))
    for (const content of ['', second, first?.replace('"alice"', '"bob"'), first?.replace(/"signature": "../, '"signature": "AA')]) {
      writeFileSync(files[0] as string, content ?? '')
      expect(await codeOf(() => authority.verify())).toBe('audit.broken')
    }
    writeFileSync(files[0] as string, first ?? '')
    expect(await authority.verify()).toMatchObject({ statements: 2 })
  })

  test('an altered log opens no authority', async () => {
    const { folder, open, authority, agree } = await make()
    await agree((await asked(authority)).act)
    authority.close()
    const path = join(folder, 'audit.jsonl')
    writeFileSync(path, readFileSync(path, 'utf8').replace('a.tester', 'b.tester'))
    expect(await codeOf(open)).toBe('audit.broken')
  })
})
