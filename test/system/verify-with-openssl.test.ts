import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openAuditLog } from '../../shared/node/audit-log.ts'
import { createCa, createCertificateRequest, issueDeviceCertificate } from '../../shared/node/certificates.ts'
import { generateSigningKey, sha256, signJws } from '../../shared/node/signing.ts'
import { type Case, deviceSigner, makeCase, now, people, World } from '../support/access-world.ts'

/** The page's own commands, on what the device's handling of a request and its audit leave, with no program of ours. */
const page = readFileSync(join(import.meta.dirname, '../../docs/verify-with-openssl.md'), 'utf8')
const [tools = '', audit = '', request = '', answers = '', withdrawal = ''] = [...page.matchAll(/```bash\n(.*?)```/gs)].map(([, text]) => text ?? '')

const folder = mkdtempSync(join(tmpdir(), 'openssl-'))
afterAll(() => rmSync(folder, { recursive: true }))
const good = join(folder, 'good')
let one: Case

beforeAll(async () => {
  one = await makeCase(true, { request: { reason: 'A "quoted" \\ reason, à lire' } })
  const { id: requestId, deviceId, specialistId } = one.request
  const on = new World()
  on.policy = { ...on.policy, rules: { ...on.policy.rules, os: 'allow' } }
  await on.requests.receive(one.delivery)
  await on.clock.advance(0)
  await on.requests.end(
    requestId,
    'specialist',
    await signJws('withdrawal', { version: 1, requestId, deviceId, specialistId, kind: 'end', at: now }, people.specialist),
  )

  mkdirSync(good)
  const key = generateSigningKey()
  const log = openAuditLog({ folder: good, key, party: 'CT Suite 3', keepsPrivate: true })
  for (const event of on.events) log.append(event)
  log.append({ kind: 'file.sent', actor: { kind: 'specialist' }, requestId, data: { bytes: 4_711 }, private: { path: '/updates/Müller "4".bin' } })
  log.close()
  const put = (name: string, text: string) => writeFileSync(join(good, name), `${text}\n`)
  put('audit-key.jwk', JSON.stringify(key.publicJwk))
  put('authority.jwk', JSON.stringify(people.authority.publicJwk))
  const ca = await createCa('Devices')
  put('device-ca.pem', ca.certificatePem)
  put('device.pem', await issueDeviceCertificate(ca, await createCertificateRequest(deviceSigner, 'device'), deviceId))
  const head = { version: 1, requestId, ticketId: one.ticket.id, ticketHash: sha256(one.delivery.ticket), deviceId, at: now }
  const said = on.answers.map(({ requestId: _, ...answer }) => signJws('answer', { ...head, answer }, deviceSigner))
  put('answers.jws', (await Promise.all(said)).join('\n'))
})

function check(inFolder: string, ...commands: string[]) {
  const env = { ...process.env, REQUEST: one.request.id }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', [tools, ...commands].join('\n')], { cwd: inFolder, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

function changed(name: string, change: (text: string) => string): string {
  const copy = mkdtempSync(join(folder, 'changed-'))
  cpSync(good, copy, { recursive: true })
  const text = readFileSync(join(copy, name), 'utf8')
  const other = change(text)
  expect(other).not.toBe(text)
  writeFileSync(join(copy, name), other)
  return copy
}

/** One character is another one of its alphabet: the one that comes so far behind `after`, or before the end. */
const turn = (after: string, distance: number) => (text: string) => {
  expect(text).toContain(after)
  const at = distance < 0 ? text.trimEnd().length + distance : text.indexOf(after) + after.length + distance
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
}

describe('with openssl and the page’s commands alone (R062, R090, R095)', () => {
  test('the audit, the request under both of the person’s keys, the device’s answers and the signed end are good', () => {
    const { status, stdout, stderr } = check(good, audit, request, answers, withdrawal)
    expect([status, stderr]).toEqual([0, expect.stringContaining('Verified OK')])
    expect(stdout.split('\n').filter((line) => line.includes('good'))).toEqual([
      expect.stringMatching(/^audit: good, [5-9] lines$/),
      `request: good, by Elena Marchetti, os on ${one.request.deviceId}`,
      'answer: good, picked-up',
      'answer: good, approved',
      'withdrawal: good, end',
    ])
  })

  test.each<[string, string, string, (text: string) => string]>([
    ['a file’s size', audit, 'audit.jsonl', (text) => text.replace('"bytes":4711', '"bytes":4712')],
    ['a file’s path', audit, 'audit.jsonl', (text) => text.replace('Müller', 'Muller')],
    ['a file event’s hash of its private part', audit, 'audit.jsonl', turn('"kind":"file.sent","privateHash":"', 12)],
    ['a line that is left out', audit, 'audit.jsonl', (text) => text.split('\n').toSpliced(2, 1).join('\n')],
    ['the last line left out', audit, 'audit.jsonl', (text) => text.split('\n').toSpliced(-2, 1).join('\n')],
    ['the head', audit, 'log-head.jws', turn('.', 12)],
    ['the head’s signature', audit, 'log-head.jws', turn('.', -20)],
    ['the request’s payload', request, 'audit.jsonl', turn('\\"payload\\":\\"', 12)],
    ['the specialist key’s signature', request, 'audit.jsonl', turn('\\"signature\\":\\"', 12)],
    [
      'the support key’s signature',
      request,
      'audit.jsonl',
      (text) => turn('\\"signature\\":\\"', 12)(text.replace(/\\"signature\\"/, '\\"Signature\\"')).replace('Signature', 'signature'),
    ],
    ['the person’s certificate', request, 'audit.jsonl', turn('"certificate":"ey', 100)],
    ['another authority', request, 'authority.jwk', () => JSON.stringify(generateSigningKey().publicJwk)],
    ['an answer', answers, 'answers.jws', turn('.', 12)],
    ['the ticket that the answers name', answers, 'audit.jsonl', turn('"ticket":"ey', 100)],
    ['the device’s certificate', answers, 'device.pem', turn('BEGIN CERTIFICATE-----\n', 200)],
    ['the signed end', `${request}\n${withdrawal}`, 'audit.jsonl', turn('"withdrawal":"ey', 100)],
  ])('%s: one change, and it is refused', (_what, commands, name, change) => {
    expect(check(changed(name, change), commands).status).not.toBe(0)
  })

  test('the other key of the person, and another key of the device, are refused', () => {
    expect(check(good, request.replace('within specialistKey', 'within supportKey')).status).not.toBe(0)
    expect(check(good, answers.replace('openssl x509 -in device.pem -noout -pubkey', 'pem < audit-key.jwk')).status).not.toBe(0)
  })
})
