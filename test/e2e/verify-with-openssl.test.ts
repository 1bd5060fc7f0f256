import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newStateFolder, oneDevice, type RunningSandbox, root, run, startSandbox, until } from './support/sandbox.ts'

/** The page's own commands, on what a real session left, with no program of ours. */
const page = readFileSync(join(root, 'docs/verify-with-openssl.md'), 'utf8')
const blocks = (language: string) => [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text ?? '')
const [tools = '', audit = '', request = '', answers = '', end = ''] = blocks('bash')

let sandbox: RunningSandbox
/** Of a session that ended well, and of a request that the person at the device refused. */
const folders: Record<'allowed' | 'refused', string> = { allowed: '', refused: '' }

beforeAll(async () => {
  sandbox = await startSandbox(newStateFolder(), ...oneDevice)
  const device = sandbox.facts.devices[0]?.id ?? ''
  await sandbox.gantry('sign-in')
  const put = async (press: 'approve' | 'refuse', name: string) => {
    const running = sandbox.startGantry('put', join(root, 'README.md'), `${device}:/${name}`, '--reason', 'A "quoted" \\ reason, à lire', '--case', '48213')
    await sandbox.panel(device, press, '--next', '--timeout', '40')
    return (await running.done).code
  }
  expect(await put('approve', 'kept.md')).toBe(0)
  expect(await put('refuse', 'never.md')).toBe(3)
  const auditOf = () => readFileSync(join(sandbox.dir, 'devices/1/agent/audit.jsonl'), 'utf8').trim().split('\n')
  await until('the session to be over', () => auditOf().some((line) => line.includes('"kind":"session.ended"')))
  await sandbox.stop()
  const asked = auditOf().flatMap((line) => (line.includes('"kind":"access.requested"') ? [JSON.parse(line).event.requestId as string] : []))
  folders.allowed = collect(asked[0] ?? '')
  folders.refused = collect(asked[1] ?? '')
})
afterAll(() => rmSync(sandbox.dir, { recursive: true, force: true }))

/** Into an empty folder what the page says belongs there. */
function collect(requestId: string): string {
  const folder = mkdtempSync(join(sandbox.dir, 'check-'))
  for (const name of ['audit.jsonl', 'log-head.jws']) cpSync(join(sandbox.dir, 'devices/1/agent', name), join(folder, name))
  cpSync(join(sandbox.dir, 'main-server/device-ca.pem'), join(folder, 'device-ca.pem'))
  const { authorityKey } = JSON.parse(readFileSync(join(sandbox.dir, 'sandbox/configs/main-server.json'), 'utf8'))
  writeFileSync(join(folder, 'authority.jwk'), JSON.stringify(authorityKey))
  const db = new DatabaseSync(join(sandbox.dir, 'main-server/gantry.db'), { readOnly: true })
  for (const query of blocks('sql')) {
    const [, name = ''] = /^-- (\S+)\n/.exec(query) ?? []
    const rows = db.prepare(query).all({ request: requestId })
    writeFileSync(join(folder, name), rows.map((row) => `${Object.values(row)[0]}\n`).join(''))
  }
  db.close()
  writeFileSync(join(folder, 'request'), requestId)
  return folder
}

async function check(folder: string, ...commands: string[]) {
  const env = { REQUEST: readFileSync(join(folder, 'request'), 'utf8') }
  const { code, stdout, stderr } = await run(['bash', '-c', [tools, ...commands].join('\n')], { cwd: folder, env }).done
  return { code, said: stdout, why: stderr }
}

/** In a copy of the folder one character of the file is another one of its alphabet: the one that comes so far behind `after`. */
function turned(of: string, { file, after, distance = 12 }: Turn): string {
  const folder = mkdtempSync(join(sandbox.dir, 'turned-'))
  cpSync(of, folder, { recursive: true })
  const text = readFileSync(join(folder, file), 'utf8')
  const found = text.indexOf(after)
  if (found < 0) throw new Error(`${file} holds no ${after}`)
  const at = found + after.length + distance
  writeFileSync(join(folder, file), `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`)
  return folder
}
type Turn = { file: string; after: string; distance?: number }

describe('what a session left, with openssl and the page’s commands alone (R062, R090, R095)', () => {
  test('the audit, the request under both of the person’s keys, the device’s answers and the signed end are good', async () => {
    const { code, said, why } = await check(folders.allowed, audit, request, answers, end)
    expect([code, why]).toEqual([0, expect.stringContaining('Verified OK')])
    expect(said).toMatch(/^audit: good, \d+ lines$/m)
    expect(said).toMatch(/^request: good, by \S.*, files on dev_\w+$/m)
    expect(said.match(/^answer: good, .*$/gm)).toEqual(['picked-up', 'asking', 'approved'].map((kind) => `answer: good, ${kind}`))
    expect(said).toMatch(/^end: good, end$/m)
  })

  test('the file that went over is a line of that audit, with its path and size', () => {
    const lines = readFileSync(join(folders.allowed, 'audit.jsonl'), 'utf8').trim().split('\n')
    const sent = lines.map((line) => JSON.parse(line)).find(({ event }) => event.kind === 'file.sent')
    expect(sent).toMatchObject({
      event: { data: { bytes: readFileSync(join(root, 'README.md')).length } },
      private: { path: expect.stringContaining('kept.md') },
    })
  })

  test('a refusal is as good: the request, and the device’s no', async () => {
    const { code, said } = await check(folders.refused, request, answers)
    expect([code, said]).toEqual([0, expect.stringMatching(/^answer: good, refused$/m)])
  })

  const turns: [string, string, Turn][] = [
    ['a file event’s public part', audit, { file: 'audit.jsonl', after: '"kind":"file.sent","privateHash":"' }],
    ['the path of a file', audit, { file: 'audit.jsonl', after: '/kept', distance: 0 }],
    ['the head', audit, { file: 'log-head.jws', after: '.' }],
    ['the head’s signature', audit, { file: 'log-head.jws', after: '.', distance: 250 }],
    ['the request’s payload', request, { file: 'audit.jsonl', after: '\\"payload\\":\\"' }],
    ['the specialist key’s signature', request, { file: 'audit.jsonl', after: '\\"signature\\":\\"' }],
    ['the support key’s signature', request, { file: 'audit.jsonl', after: '},{\\"protected\\":\\"', distance: 120 }],
    ['the person’s certificate', request, { file: 'audit.jsonl', after: '"certificate":"', distance: 100 }],
    ['an answer', answers, { file: 'answers.jws', after: '.' }],
    ['the ticket that the answers name', answers, { file: 'audit.jsonl', after: '"ticket":"', distance: 100 }],
    ['the device’s certificate', answers, { file: 'device.pem', after: 'BEGIN CERTIFICATE-----\n', distance: 200 }],
    ['the signed end', [request, end].join('\n'), { file: 'audit.jsonl', after: '"withdrawal":"ey', distance: 100 }],
  ]
  test.each(turns)('%s with one character turned around is refused', async (_what, commands, turn) => {
    expect((await check(folders.allowed, commands)).code).toBe(0)
    expect((await check(turned(folders.allowed, turn), commands)).code).not.toBe(0)
  })

  test('another authority, another device’s key for the answers, and the support key for the specialist’s signature are refused', async () => {
    const [other = ''] = [readFileSync(join(folders.allowed, 'audit-key.jwk'), 'utf8')]
    const put = (name: string, text: string) => {
      const folder = mkdtempSync(join(sandbox.dir, 'other-'))
      cpSync(folders.allowed, folder, { recursive: true })
      writeFileSync(join(folder, name), text)
      return folder
    }
    expect((await check(put('authority.jwk', other), request)).code).not.toBe(0)
    expect((await check(folders.allowed, answers.replace('openssl x509 -in device.pem -noout -pubkey', 'pem < audit-key.jwk'))).code).not.toBe(0)
    expect((await check(folders.allowed, request.replace('within specialistKey', 'within supportKey'))).code).not.toBe(0)
  })
})
