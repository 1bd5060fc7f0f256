import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canonicalJson } from '../../shared/canonical-json.ts'
import { defaultPolicy } from '../../shared/device-policy.ts'
import { type DeviceId, newId } from '../../shared/ids.ts'
import { policyText, statementOf } from '../../shared/node/signed-policy.ts'
import { generateSigningKey, thumbprint } from '../../shared/node/signing.ts'
import { createPolicyOwner, type PolicyOwner } from '../../test/support/policy.ts'
import { followPolicy, forgetPolicy, type LoadedPolicy, loadPolicy, readPolicy } from './policy-file.ts'

let folder: string
let path: string
let owner: PolicyOwner
let lost: string[]
const deviceId = newId<DeviceId>('dev')
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'))
  path = join(folder, 'policy.json')
  owner = createPolicyOwner()
  lost = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (text: string) => writeFileSync(path, text)
/** As an enrolled device, which has started before. */
const load = () => loadPolicy({ path, stateDir: folder, deviceId: () => deviceId, onLost: (what) => lost.push(what) })
const begin = () => loadPolicy({ path, stateDir: folder, deviceId: () => null, onLost: () => {} })
const nobody = { diagnostics: 'deny', files: 'deny', application: 'deny', os: 'deny' }
/** One character of the text is another one. */
const flipped = (text: string, at: number) => `${text.slice(0, at)}${text[at] === '1' ? '2' : '1'}${text.slice(at + 1)}`

describe('the policy of a device (R047, R081, threat T3)', () => {
  test('is the strict defaults while it never had one, and those of whoever signs the first', () => {
    expect(begin()).toMatchObject({ policy: defaultPolicy, from: 'defaults', fault: null, owner: null })
    write(owner.sign({ requestsPerHour: 2 }))
    expect(load()).toMatchObject({ policy: { requestsPerHour: 2 }, from: 'file', fault: null, serial: 1, owner: thumbprint(owner.key.publicJwk) })
  })

  test('that is gone, and then there again, closes the device only meanwhile', () => {
    begin()
    const text = owner.sign({ requestsPerHour: 2 })
    write(text)
    load()
    rmSync(path)
    expect(load()).toMatchObject({ from: 'closed', fault: 'missing', policy: { rules: nobody } })
    write(text)
    expect(load()).toMatchObject({ from: 'file', policy: { requestsPerHour: 2 } })
  })

  test.each<[string, string, (text: string) => string]>([
    ['empty', 'damaged', () => ''],
    ['cut short', 'damaged', (text) => text.slice(0, 90)],
    ['set out anew by an editor', 'damaged', (text) => JSON.stringify(JSON.parse(text), null, 2)],
    ['with a member that stands twice', 'damaged', (text) => text.replace('"requestsPerHour":2', '"requestsPerHour":2,"requestsPerHour":900')],
    // JSON that can be read, and of which there is no one text (RFC 8785 section 3.2.2): found by the proof of the decoders (D23).
    ['with half a character', 'damaged', (text) => text.replace('"statement":{', '"statement":{"a":"\\ud800",')],
    ['with a number beyond all bounds', 'damaged', (text) => text.replace('"statement":{', '"statement":{"a":1e999,')],
    ['deeper than anybody reads', 'damaged', (text) => text.replace('"statement":{', `"statement":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)},`)],
    ['far too long', 'damaged', (text) => `${text}${' '.repeat(70_000)}`],
    ['a plain list of settings', 'unsigned', () => JSON.stringify({ version: 1, rules: { os: 'allow' } })],
    ['without its signature', 'unsigned', (text) => `${canonicalJson({ statement: JSON.parse(text).statement })}\n`],
    ['changed by one character', 'signature', (text) => flipped(text, text.indexOf('"requestsPerHour":') + 18)],
    ['with another signature', 'signature', (text) => flipped(text, text.indexOf('..') + 20)],
  ])('that is %s is %s, and lets nobody in', (_, fault, change) => {
    begin()
    write(owner.sign({ requestsPerHour: 2 }))
    load()
    write(change(owner.sign({ requestsPerHour: 2 })))
    expect(load()).toMatchObject({ from: 'closed', fault, policy: { rules: nobody } })
  })

  test('that says something unknown, well signed, is not gone by: it may be what a door was closed with', () => {
    begin()
    const known = JSON.parse(owner.sign({})).statement
    for (const change of [
      { ...known, quota: 1 },
      { ...known, policy: { ...known.policy, doors: 'shut' } },
      { ...known, version: 2 },
      { ...known, serial: -1 },
    ]) {
      write(policyText(change, owner.key))
      expect(load()).toMatchObject({ fault: 'unknown', policy: { rules: nobody } })
    }
  })

  test('that is older than the one before is refused, and so is another one of the same number', () => {
    begin()
    const [loose, tight] = [owner.sign({ rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } }), owner.sign({})]
    write(loose)
    load()
    write(tight)
    load()
    write(loose)
    expect(load()).toMatchObject({ fault: 'older', policy: { rules: nobody } })
    write(owner.sign({ requestsPerHour: 900 }, { serial: 2 }))
    expect(load()).toMatchObject({ fault: 'older' })
    write(tight)
    expect(load()).toMatchObject({ from: 'file', fault: null })
  })

  test('another key gets in by a statement of the one before alone, and then the one before is out', () => {
    begin()
    write(owner.sign({}))
    load()
    const next = createPolicyOwner()
    write(next.sign({ requestsPerHour: 900 }, { serial: 50 }))
    expect(load()).toMatchObject({ fault: 'signature', policy: { rules: nobody } })
    const handedOver = owner.sign({}, { serial: 60, owner: next.key.publicJwk })
    write(handedOver)
    expect(load()).toMatchObject({ from: 'file', owner: thumbprint(next.key.publicJwk) })
    // The same text at the next start, though whom it names did not sign it.
    expect(load()).toMatchObject({ from: 'file', fault: null })
    write(owner.sign({ requestsPerHour: 900 }, { serial: 70 }))
    expect(load()).toMatchObject({ fault: 'signature' })
    write(next.sign({ requestsPerHour: 4 }, { serial: 70 }))
    expect(load()).toMatchObject({ from: 'file', policy: { requestsPerHour: 4 } })
  })

  test('the first one too must be signed by the key that it names', () => {
    begin()
    const stranger = generateSigningKey()
    write(policyText(statementOf(defaultPolicy, { serial: 1, device: null, owner: owner.key.publicJwk, nowMs: Date.now() }), stranger))
    expect(load()).toMatchObject({ fault: 'signature' })
  })

  test('that is for another device is not this one’s', () => {
    begin()
    write(owner.sign({}, { device: newId<DeviceId>('dev') }))
    expect(load()).toMatchObject({ fault: 'other-device', policy: { rules: nobody } })
    write(owner.sign({}, { device: deviceId }))
    expect(load()).toMatchObject({ from: 'file' })
  })

  test('a device that lost its memory takes no policy, however good, until a person says so; one good copy is enough', () => {
    begin()
    const [old, text] = [owner.sign({ requestsPerHour: 900 }), owner.sign({})]
    write(text)
    load()
    writeFileSync(join(folder, 'policy-kept.json'), 'garbage')
    expect(load()).toMatchObject({ from: 'file' })
    expect(lost).toEqual(['policy-kept.json'])
    for (const name of ['policy-kept.json', 'policy-kept.json.copy']) rmSync(join(folder, name))
    write(old)
    expect(load()).toMatchObject({ fault: 'forgotten', policy: { rules: nobody, connectivity: 'off' } })
    forgetPolicy(folder)
    write(text)
    expect(load()).toMatchObject({ from: 'file' })
  })

  test('that is a pipe, at which a reader would wait for ever, is damaged (goal D27)', () => {
    execFileSync('mkfifo', [path])
    expect(begin().fault).toBe('damaged')
  })

  test('that becomes unusable keeps the off switch where it was, and off is the answer where nobody ever read a good one (R008)', () => {
    write('{')
    expect(begin().policy.connectivity).toBe('off')
    for (const connectivity of ['on', 'off'] as const) {
      write(owner.sign({ connectivity }))
      load()
      write('{')
      expect(load().policy.connectivity).toBe(connectivity)
    }
  })

  test('a look beside the living agent leaves no trace', () => {
    write(owner.sign({ requestsPerHour: 2 }))
    const look = () => readPolicy({ path, stateDir: join(folder, 'none'), deviceId: () => null })
    expect(look()).toMatchObject({ from: 'file', policy: { requestsPerHour: 2 } })
    begin()
    const before = readFileSync(join(folder, 'policy-kept.json'), 'utf8')
    write(owner.sign({ requestsPerHour: 5 }))
    expect(readPolicy({ path, stateDir: folder, deviceId: () => null }).policy.requestsPerHour).toBe(5)
    expect(readFileSync(join(folder, 'policy-kept.json'), 'utf8')).toBe(before)
  })

  test('is read again when it changes, also when another file is put in its place', async () => {
    const stop = new AbortController()
    write(owner.sign({ requestsPerHour: 1 }))
    const { promise, resolve } = Promise.withResolvers<LoadedPolicy>()
    const first = followPolicy({ path, stateDir: folder, deviceId: () => null, onLost: () => {}, signal: stop.signal, onChange: resolve, lookEveryMs: 5 })
    expect(first.policy.requestsPerHour).toBe(1)
    writeFileSync(`${path}.new`, owner.sign({ requestsPerHour: 2 }))
    renameSync(`${path}.new`, path)
    expect((await promise).policy.requestsPerHour).toBe(2)
    stop.abort()
  })
})
