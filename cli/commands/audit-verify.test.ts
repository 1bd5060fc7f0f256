import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { openAuditLog } from '@gantry/shared/node/audit-log.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { run } from '../program.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-audit-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function verify(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = await run(['audit', 'verify', '--sandbox', folder, ...argv], { stdin: new PassThrough(), stdout, stderr, env: { LANG: 'en_CA' } })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

/** A device and a main server, whose heads each other witnessed. */
function createStores() {
  const [device, server] = ['devices/1/agent', 'main-server'].map((name) =>
    openAuditLog({ folder: join(folder, name), key: generateSigningKey(), party: name, keepsPrivate: true }),
  )
  if (!device || !server) throw new Error('two logs')
  for (let n = 0; n < 5; n++) device.append({ kind: 'file.sent', actor: { kind: 'specialist' }, data: { bytes: n }, private: { path: `/private/${n}` } })
  server.witness(device.head(), 'devices/1/agent')
  device.witness(server.head(), 'main-server')
  device.close()
  server.close()
  return { device: join(folder, 'devices/1/agent/audit.jsonl'), server: join(folder, 'main-server/audit.jsonl') }
}

function change(path: string, how: (lines: string[]) => string[]): void {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  writeFileSync(
    path,
    how(lines)
      .map((line) => `${line}\n`)
      .join(''),
  )
}

describe('gantry audit verify (R090, R092)', () => {
  test('without a path every store below the folder is read; all good is exit code 0', async () => {
    const { device, server } = createStores()
    const { exit, stdout } = await verify()
    expect(exit).toBe(0)
    expect(
      stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split(/ {2,}/).slice(0, 2)),
    ).toEqual([device, server].map((path) => ['good', path]))
  })

  test.each([
    ['edited', (lines: string[]) => lines.map((line, at) => (at === 3 ? line.replace('"bytes":2', '"bytes":9') : line)), 'line 4: the line was edited'],
    ['removed', (lines: string[]) => lines.toSpliced(3, 1), 'line 4: a line was removed here'],
    ['inserted', (lines: string[]) => lines.toSpliced(3, 0, lines[2] ?? ''), 'the line was inserted'],
    ['swapped', (lines: string[]) => [...lines.slice(0, 2), lines[3] ?? '', lines[2] ?? '', ...lines.slice(4)], 'the line was swapped with another'],
    ['a cut tail', (lines: string[]) => lines.slice(0, -2), 'from this line on, the end was cut off'],
    ['a private part', (lines: string[]) => lines.map((line) => line.replace('/private/2', '/private/x')), 'line 4: the private part of the line was edited'],
  ])('%s: exit code 1, with the file, the line and what it is', async (_, how, sentence) => {
    const { device, server } = createStores()
    change(device, how)
    const { exit, stdout, stderr } = await verify()
    expect(exit).toBe(1)
    expect(stdout).toContain(`FAULT  ${device}  `)
    expect(stdout).toContain(sentence)
    expect(stdout).toContain(`good   ${server}`)
    expect(stderr).toContain('(audit.broken)')
  })

  test('a tail that is cut together with its own signed head shows, since another party witnessed the newer head', async () => {
    const { device } = createStores()
    const own = join(folder, 'old')
    mkdirSync(own)
    const log = openAuditLog({ folder: join(folder, 'access-server-1'), key: generateSigningKey(), party: 'east', keepsPrivate: false })
    log.append({ kind: 'leg.admitted', actor: { kind: 'agent' } })
    cpSync(join(folder, 'access-server-1'), own, { recursive: true })
    log.append({ kind: 'leg.closed', actor: { kind: 'agent' } })
    const later = log.head()
    log.close()
    rmSync(join(folder, 'access-server-1'), { recursive: true })
    const witness = openAuditLog({ folder: join(folder, 'devices/2/agent'), key: generateSigningKey(), party: 'b', keepsPrivate: true })
    witness.witness(later, 'east')
    witness.close()
    const { exit, stdout } = await verify(join(own, 'audit.jsonl'))
    expect(exit).toBe(1)
    expect(stdout).toContain('the end was cut off')
    expect((await verify(device)).exit).toBe(0)
  })

  test('with a path that file alone is judged', async () => {
    const { device, server } = createStores()
    change(device, (lines) => lines.slice(0, -1))
    expect((await verify(server)).exit).toBe(0)
    expect((await verify(device)).exit).toBe(1)
  })

  test('a copy elsewhere is judged by the heads within reach', async () => {
    const { device } = createStores()
    const copy = join(folder, '..', `copy-${process.pid}.jsonl`)
    cpSync(device, copy)
    try {
      expect((await verify(copy)).exit).toBe(0)
      change(copy, (lines) => lines.slice(0, -1))
      expect((await verify(copy)).exit).toBe(1)
    } finally {
      rmSync(copy)
    }
  })

  test('--json names the fault for a program', async () => {
    const { device } = createStores()
    change(device, (lines) => lines.toSpliced(3, 1))
    const { exit, stdout } = await verify('--json')
    expect(exit).toBe(1)
    expect(JSON.parse(stdout)).toEqual({ ok: false, failure: { code: 'audit.broken', details: { path: device, line: 4, what: 'removed' } } })
  })

  test('a file of that name among a device’s own files is no store', async () => {
    createStores()
    mkdirSync(join(folder, 'devices/1/files/x'), { recursive: true })
    writeFileSync(join(folder, 'devices/1/files/x/audit.jsonl'), 'anything')
    expect((await verify()).exit).toBe(0)
  })
})
