import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { verifyAuditFile } from '../shared/node/audit-verify.ts'
import { generateSigningKey, signJws, thumbprint } from '../shared/node/signing.ts'
import { checkCertificate, checkRoster, requireOnRoster } from '../shared/node/ticket.ts'
import { createAuthority, openAuthority, type Person } from './authority.ts'

const root = mkdtempSync(join(tmpdir(), 'authority-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const start = Date.UTC(2030, 0, 1)
const startSeconds = start / 1000
const day = 86_400
let folders = 0

function make(now: () => number = () => start) {
  const folder = join(root, String(++folders))
  createAuthority(folder)
  return { folder, authority: openAuthority(folder, now) }
}

function person(username = 'a.tester', change: Partial<Person> = {}): Person {
  const keys = { specialistKey: generateSigningKey().publicJwk, supportKey: generateSigningKey().publicJwk }
  return { specialistId: newId('spc'), username, name: 'A. Tester', employer: 'Example Service', country: 'CA', ...keys, ...change }
}

async function codeOf(act: () => unknown): Promise<unknown> {
  try {
    await act()
    return 'none'
  } catch (error) {
    return error instanceof AppError ? error.code : error
  }
}

describe('the specialist authority', () => {
  test('certifies the two keys of a person for 90 days', async () => {
    const { authority } = make()
    const one = person()
    const certificate = await authority.certify(one)
    expect(await checkCertificate(certificate, authority.publicJwk, startSeconds + 90 * day)).toMatchObject({ ...one, issuedAt: startSeconds })
    expect(await codeOf(() => checkCertificate(certificate, authority.publicJwk, startSeconds + 91 * day))).toBe('auth.certificate-expired')
    expect(await codeOf(() => checkCertificate(certificate, generateSigningKey().publicJwk, startSeconds))).toBe('access.certificate-bad')
    authority.close()
  })

  test('does not certify one key twice, since two levels with one key are one', async () => {
    const { authority } = make()
    const key = generateSigningKey().publicJwk
    expect(await codeOf(() => authority.certify(person('a.tester', { specialistKey: key, supportKey: key })))).toBe('contract.bad-input')
    authority.close()
  })

  test('signs a roster for 14 days of whoever is certified now: the newest keys of each, nobody expired, nobody foreign', async () => {
    let now = start
    const { authority } = make(() => now)
    const left = await authority.certify(person('was.here'))
    now += 80 * day * 1000
    const first = person('a.tester')
    const older = await authority.certify(first)
    now += 15 * day * 1000
    const renewed = { ...first, ...person(), specialistId: first.specialistId, username: first.username }
    const newer = await authority.certify(renewed)
    const foreign = await signJws(
      'certificate',
      { version: 1, ...person('from.elsewhere'), issuedAt: now / 1000, expiresAt: now / 1000 + day },
      generateSigningKey(),
    )
    const { roster, number, people } = await authority.signRoster([newer, left, older, foreign, 'junk'], null)
    const payload = await checkRoster(roster, authority.publicJwk)
    expect([number, people, payload.expiresAt - payload.issuedAt]).toEqual([1, 1, 14 * day])
    const newest = await checkCertificate(newer, authority.publicJwk, now / 1000)
    requireOnRoster(newest, payload)
    const replaced = await checkCertificate(older, authority.publicJwk, now / 1000)
    expect(await codeOf(() => requireOnRoster(replaced, payload))).toBe('access.certificate-bad')
    authority.close()
  })

  test('never signs a roster number twice, after a restart or with its own number lost', async () => {
    const { folder, authority } = make()
    const first = await authority.signRoster([], null)
    const second = await authority.signRoster([], first.roster)
    authority.close()
    const again = openAuthority(folder, () => start)
    const third = await again.signRoster([], null)
    rmSync(join(folder, 'roster-number.json'))
    const fourth = await again.signRoster([], third.roster)
    expect([first, second, third, fourth].map(({ number }) => number)).toEqual([1, 2, 3, 4])
    const other = make()
    expect(await codeOf(async () => other.authority.signRoster([], first.roster))).toBe('access.roster-missing')
    again.close()
    other.authority.close()
  })

  test('keeps its keys to itself, is made once, and audits what it signs', async () => {
    const { folder, authority } = make()
    expect([statSync(folder).mode & 0o777, statSync(join(folder, 'authority.key')).mode & 0o777]).toEqual([0o700, 0o600])
    expect(await codeOf(() => createAuthority(folder))).toBe('state.in-use')
    await authority.certify(person())
    await authority.signRoster([], null)
    authority.close()
    const path = join(folder, 'audit.jsonl')
    expect(await verifyAuditFile(path)).toMatchObject({ ok: true, events: 3, party: 'authority' })
    const kinds = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event.kind)
    expect(kinds).toEqual(['log.opened', 'specialist.certified', 'roster.signed'])
  })
})

describe('its commands', () => {
  const main = join(import.meta.dirname, 'main.ts')
  const run = (...args: string[]) => JSON.parse(execFileSync(process.execPath, [main, ...args], { encoding: 'utf8' }))

  test('certify puts the certificate and the next roster where the main server reads them', async () => {
    const [dir, out, request] = [join(root, 'keys'), join(root, 'out'), join(root, 'person.json')]
    writeFileSync(request, JSON.stringify(person()))
    const first = run('certify', '--dir', dir, '--request', request, '--out', out)
    const second = run('roster', '--dir', dir, '--out', out)
    expect([first.rosterNumber, second.rosterNumber, second.people]).toEqual([1, 2, 1])
    expect(first.fingerprint).toBe(thumbprint(first.authorityKey))
    expect(run('fingerprint', '--dir', dir)).toEqual({ authorityKey: first.authorityKey, fingerprint: first.fingerprint })
    const now = Math.floor(Date.now() / 1000)
    const certificate = await checkCertificate(readFileSync(join(out, 'certificates', 'a.tester.jws'), 'utf8').trim(), first.authorityKey, now)
    requireOnRoster(certificate, await checkRoster(readFileSync(join(out, 'roster.jws'), 'utf8').trim(), first.authorityKey))
  })

  test('a failure is one sentence with its code, in the language of the terminal', () => {
    const { stderr, status } = spawnSync(process.execPath, [main, 'fingerprint', '--dir', join(root, 'nowhere')], {
      encoding: 'utf8',
      env: { LC_ALL: 'fr_CA.UTF-8' },
    })
    expect([status, stderr.trim().split('\n').length]).toEqual([1, 1])
    expect(stderr).toMatch(/^state\.unreadable: .*sauvegarde/)
  })
})
