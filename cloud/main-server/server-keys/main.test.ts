import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateHash } from '../../../shared/node/certificates.ts'
import { serverKeysFingerprint } from '../../../shared/node/server-keys.ts'
import { generateSigningKey, signJws } from '../../../shared/node/signing.ts'
import { readTlsPair } from '../../../shared/node/tls-files.ts'
import { ServerKeys } from '../../../shared/server-keys.ts'

const root = mkdtempSync(join(tmpdir(), 'keys-command-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const at = (...names: string[]) => join(root, ...names)
const authority = generateSigningKey()
const tls = { cert: at('tls.pem'), key: at('tls.key') }

beforeAll(() => {
  mkdirSync(at('in'))
  const place = { stateDir: at('state'), authorityIn: at('in'), authorityKey: authority.publicJwk, seedFile: null, tls }
  const config = { ...place, name: 'Test', host: '127.0.0.1', peoplePort: 0, agentPort: 0, publicHost: 'main.example', otherNames: ['main-2.example'] }
  writeFileSync(at('main.json'), JSON.stringify(config))
})

function keys(command: string, more: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const argv = [join(import.meta.dirname, 'main.ts'), ...command.split(' '), '--config', at('main.json'), ...more]
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, { encoding: 'utf8', env })
  return { stdout, stderr, status, rows: () => JSON.parse(stdout).keys as { what: string; mark: string; state: string; until: number | null }[] }
}
const shown = () =>
  keys('show', ['--json'])
    .rows()
    .map(({ what, state }) => `${what} ${state}`)
const mode = (path: string) => statSync(path).mode & 0o777

describe('the command for keys (R061)', () => {
  test('says what is missing before anything was made; then creates all of it, each secret for its owner alone, and nothing twice', () => {
    expect(keys('show')).toMatchObject({ status: 1, stderr: expect.stringContaining('state.unreadable') })
    expect(keys('create', ['--servers-ca', at('ca'), '--json']).status).toBe(0)
    expect(shown()).toEqual(['authority in-use', 'ticket-key in-use', 'device-ca in-use', 'server-certificate in-use'])
    const files = [at('state', 'ticket.key'), at('state', 'device-ca.key'), at('ca', 'servers-ca.key'), tls.key]
    expect(files.map(mode)).toEqual(files.map(() => 0o600))
    const before = files.map((path) => readFileSync(path, 'utf8'))
    expect(keys('create', ['--servers-ca', at('ca')]).status).toBe(0)
    expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual(before)
  })

  test('puts the next server certificate in the place of the one before, under every name of the server', () => {
    const before = readTlsPair(tls)
    expect(keys('rotate server-certificate', ['--servers-ca', at('ca'), '--days', '30'])).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('main-2.example'),
    })
    expect(readTlsPair(tls).key).not.toBe(before.key)
    expect(mode(tls.key)).toBe(0o600)
  })

  test('makes the next ticket key and device CA beside those in use, and the list for the officers; asked again it makes no other', async () => {
    const inUse = readFileSync(at('state', 'ticket.key'), 'utf8')
    expect(keys('rotate device-ca', ['--request', at('list.json')]).status).toBe(0)
    const asked = keys('rotate ticket-key', ['--request', at('list.json')])
    const list = ServerKeys.parse(JSON.parse(readFileSync(at('list.json'), 'utf8')))
    expect(asked.stdout).toContain(serverKeysFingerprint(list))
    expect([readFileSync(at('state', 'ticket.key'), 'utf8'), mode(at('state', 'ticket.next.key')), mode(at('state', 'device-ca.next.key'))]).toEqual([
      inUse,
      0o600,
      0o600,
    ])
    const until = list.ticketKeys[1]?.until ?? 0
    expect([list.ticketKeys.length, list.deviceCas.length, Math.round((until - Date.now() / 1_000) / 86_400)]).toEqual([2, 2, 14])
    keys('rotate ticket-key', ['--request', at('again.json')])
    const again = ServerKeys.parse(JSON.parse(readFileSync(at('again.json'), 'utf8')))
    expect([again.ticketKeys[0], again.deviceCas]).toEqual([list.ticketKeys[0], list.deviceCas])
    expect(shown()).toEqual(['authority in-use', 'ticket-key in-use', 'ticket-key waits', 'device-ca in-use', 'device-ca waits', 'server-certificate in-use'])

    const revoke = keys('revoke server-certificate', ['--certificate', tls.cert, '--request', at('revoke.json')])
    expect(revoke.status).toBe(0)
    const revoked = ServerKeys.parse(JSON.parse(readFileSync(at('revoke.json'), 'utf8')))
    expect(revoked.revoked).toEqual([certificateHash(readFileSync(tls.cert, 'utf8'))])
    const payload = { ...revoked, version: 1, number: 7, issuedAt: Math.floor(Date.now() / 1_000) }
    writeFileSync(at('in', 'server-keys.jws'), await signJws('server-keys', payload, authority))
    expect(shown()).toContain('server-certificate revoked')
    writeFileSync(at('in', 'server-keys.jws'), await signJws('server-keys', payload, generateSigningKey()))
    expect(keys('show')).toMatchObject({ status: 5, stderr: expect.stringContaining('server.keys-bad') })
    rmSync(at('in', 'server-keys.jws'))
  })

  test('speaks the terminal’s language, tells its commands, and refuses what it does not know', () => {
    expect(keys('show', [], { LC_ALL: 'fr_CA.UTF-8' }).stdout).toMatch(/Clé de billets .*attend la liste/)
    expect(keys('rotate', ['--help']).stdout).toContain('keys rotate ticket-key')
    expect(keys('rotate ticket-key', ['--request', at('x'), '--overlap-days', '0.5'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^usage\.bad/),
    })
  })
})
