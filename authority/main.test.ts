import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../shared/ids.ts'
import { shortFingerprint, signCertification } from '../shared/node/certification.ts'
import { generateSigningKey, thumbprint } from '../shared/node/signing.ts'
import { checkCertificate, checkRoster, requireOnRoster } from '../shared/node/ticket.ts'

const root = mkdtempSync(join(tmpdir(), 'authority-command-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const [dir, out, request] = [join(root, 'keys'), join(root, 'out'), join(root, 'request.json')]
const passphrases = ['alice has four words', 'bob has some words too']
const both = ['--officer', 'alice', '--officer', 'bob']

function run(argv: string[], typed: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const input = typed.map((line) => `${line}\n`).join('')
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...argv, '--dir', dir], {
    encoding: 'utf8',
    input,
    env,
  })
  return { value: () => JSON.parse(stdout), stdout, stderr, status }
}

async function askAgain() {
  const keys = { specialist: generateSigningKey(), support: generateSigningKey() }
  const marks = { specialistKey: keys.specialist.publicJwk, supportKey: keys.support.publicJwk }
  const person = { specialistId: newId('spc'), username: 'a.tester', name: 'A. Tester', employer: 'Example Service', country: 'CA' } as const
  const payload = { version: 1 as const, ...person, specialistId: person.specialistId as never, ...marks, issuedAt: Math.floor(Date.now() / 1000) }
  writeFileSync(request, JSON.stringify(await signCertification(payload, keys)))
  return shortFingerprint({ specialistKey: thumbprint(marks.specialistKey), supportKey: thumbprint(marks.supportKey) })
}

describe('the authority’s commands', () => {
  beforeAll(() => {
    expect(run(['init', ...both], passphrases).status).toBe(0)
  })

  test('import shows the short fingerprint; certify makes what the main server reads, after both passphrases', async () => {
    const fingerprint = await askAgain()
    const imported = run(['import', '--request', request])
    expect([imported.value().fingerprint, imported.stderr.includes(fingerprint)]).toEqual([fingerprint, true])
    const certify = ['certify', '--out', out, '--username', 'a.tester', '--fingerprint', fingerprint.toLowerCase(), ...both]
    const refused = run(certify, [passphrases[0] as string, 'not it, not at all'])
    expect([refused.status, refused.stderr]).toEqual([3, expect.stringMatching(/Certificate for A\. Tester[\s\S]*authority\.passphrase-wrong/)])
    expect(run(certify, passphrases.slice(0, 1)).status).toBe(2)
    const done = run(certify, passphrases).value()
    expect(done).toMatchObject({ rosterNumber: 1, people: 1 })
    const [now, key] = [Math.floor(Date.now() / 1000), done.authorityKey]
    const certificate = await checkCertificate(readFileSync(join(out, 'certificates', 'a.tester.jws'), 'utf8').trim(), [key], now)
    requireOnRoster(certificate, await checkRoster(readFileSync(join(out, 'roster.jws'), 'utf8').trim(), key))
    expect(run(['list']).value()).toMatchObject({ officers: ['alice', 'bob'], specialists: [{ username: 'a.tester', fingerprint, state: 'good' }] })
    expect(run(['verify', '--out', out]).value()).toMatchObject({ ok: true, statements: 1 })
    expect(
      run(['log'])
        .stdout.trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind),
    ).toContain('officer.refused')
  })

  test('no command takes a passphrase as an argument, and one officer named twice is refused before anything is asked', () => {
    const help = ['init', 'certify', 'rotate', 'revoke', 'roster', 'restore'].map((name) => run([name, '--help']).stdout).join('')
    expect(help).not.toMatch(/passphrase|--pin/i)
    const refused = run(['roster', '--out', out, '--officer', 'alice', '--officer', 'alice'], passphrases)
    expect([refused.status, refused.stderr]).toEqual([3, expect.stringMatching(/^authority\.same-officer/)])
  })

  test('a failure is one sentence with its code, in the language of the terminal', () => {
    const { stderr, status } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'fingerprint', '--dir', join(root, 'nowhere')], {
      encoding: 'utf8',
      env: { LC_ALL: 'fr_CA.UTF-8' },
    })
    expect([status, stderr.trim().split('\n').length]).toEqual([1, 1])
    expect(stderr).toMatch(/^state\.unreadable: .*sauvegarde/)
  })
})
