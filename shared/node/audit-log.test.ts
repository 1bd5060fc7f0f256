import { spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { AuditEvent, AuditLine, NewAuditEvent } from '../audit.ts'
import { AppError } from '../errors.ts'
import { type AuditLog, type AuditLogOptions, openAuditLog } from './audit-log.ts'
import { verifyAuditFile } from './audit-verify.ts'
import { generateSigningKey } from './signing.ts'

const root = mkdtempSync(join(tmpdir(), 'log-test-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const key = generateSigningKey()
let folders = 0

function newFolder(): string {
  folders += 1
  return join(root, String(folders))
}

function open(folder: string, change: Partial<AuditLogOptions> = {}): AuditLog {
  return openAuditLog({ folder, key, party: 'dev_aaaaaaaaaaaaaaaaaaaa', keepsPrivate: true, ...change })
}

function fileEvent(name: string): NewAuditEvent {
  return { kind: 'file.sent', actor: { kind: 'specialist', name: 'A. Tester' }, data: { bytes: name.length }, private: { path: `/folder/${name}` } }
}

/** A closed log with `count` file events behind its first line, and its path. */
function logWith(count: number, change: Partial<AuditLogOptions> = {}): { folder: string; path: string } {
  const folder = newFolder()
  const log = open(folder, change)
  for (let index = 0; index < count; index++) log.append(fileEvent(`file-${index}`))
  log.close()
  return { folder, path: join(folder, 'audit.jsonl') }
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n')
}

function codeOf(act: () => unknown): unknown {
  try {
    act()
    return null
  } catch (error) {
    return error instanceof AppError ? { code: error.code, what: error.details?.what } : error
  }
}

describe('an audit log (R089)', () => {
  test('is one line per event, which another start goes on with', async () => {
    const { folder, path } = logWith(2)
    const log = open(folder)
    log.append(fileEvent('later'))
    log.close()
    const lines = linesOf(path).map((line) => JSON.parse(line) as AuditLine)
    expect(lines.map(({ seq, event }) => [seq, event.kind])).toEqual([
      [1, 'log.opened'],
      [2, 'file.sent'],
      [3, 'file.sent'],
      [4, 'file.sent'],
    ])
    expect(await verifyAuditFile(path)).toMatchObject({ ok: true, events: 4, party: 'dev_aaaaaaaaaaaaaaaaaaaa', fault: null, halfLine: false })
  })

  test('keeps the private part on the device only; others keep its salted hash', () => {
    const device = open(newFolder())
    const folder = newFolder()
    const server = open(folder, { keepsPrivate: false, party: 'main-server' })
    const event = device.append(fileEvent('patient-17'))
    const again = device.append(fileEvent('patient-17'))
    expect(again.privateHash).not.toBe(event.privateHash)
    expect(server.appendForeign(event)).toBe(true)
    server.append(fileEvent('patient-17'))
    expect(readFileSync(join(folder, 'audit.jsonl'), 'utf8')).not.toContain('patient-17')
    expect([...server.read({ kinds: ['file.sent'] })][0]?.event).toEqual(event)
    device.close()
    server.close()
  })

  test('stores an event of another party once, also after a restart', () => {
    const device = open(newFolder())
    const events = [1, 2, 3].map((index) => device.append(fileEvent(String(index))))
    device.close()
    const folder = newFolder()
    const options = { keepsPrivate: false, party: 'main-server' }
    const first = open(folder, options)
    expect(first.appendAllForeign(events)).toHaveLength(3)
    expect(first.appendForeign(events[1] as AuditEvent)).toBe(false)
    first.close()
    const second = open(folder, options)
    expect(second.appendAllForeign([...events, ...events])).toEqual([])
    expect(second.lastSeq).toBe(4)
    second.close()
  })

  test('tells its listeners each line, and gives lines back by request and number', () => {
    const log = open(newFolder())
    const heard: number[] = []
    const stop = log.onLine(({ seq }) => heard.push(seq))
    const requestId = 'req_aaaaaaaaaaaaaaaaaaaa' as NonNullable<NewAuditEvent['requestId']>
    log.append({ ...fileEvent('a'), requestId })
    for (let index = 0; index < 600; index++) log.append(fileEvent('b'))
    log.append({ ...fileEvent('c'), requestId })
    stop()
    log.append(fileEvent('d'))
    expect(heard).toEqual(Array.from({ length: 602 }, (_, index) => index + 2))
    expect([...log.read({ requestId })].map(({ seq }) => seq)).toEqual([2, 603])
    expect([...log.read({ fromSeq: 520 })].map(({ seq }) => seq)).toEqual(Array.from({ length: 85 }, (_, index) => index + 520))
    log.close()
  })

  test('that was closed takes and gives nothing any more, and may be closed again', () => {
    const log = open(newFolder())
    log.append(fileEvent('a'))
    const reading = log.read()
    reading.next()
    log.close()
    log.close()
    for (const act of [() => log.append(fileEvent('b')), () => reading.next(), () => log.read().next()])
      expect(codeOf(act)).toMatchObject({ code: 'audit.unavailable' })
  })

  test('is not opened for another key', () => {
    const { folder } = logWith(1)
    expect(codeOf(() => open(folder, { key: generateSigningKey() }))).toEqual({ code: 'audit.broken', what: 'key' })
  })

  test('can be read by its owner only', () => {
    const { folder, path } = logWith(1)
    expect([statSync(folder).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600])
  })

  test('takes text with lone surrogates, which canonical JSON cannot carry', async () => {
    const folder = newFolder()
    const log = open(folder)
    log.append(fileEvent('\ud800 half a pair'))
    log.close()
    expect((await verifyAuditFile(join(folder, 'audit.jsonl'))).ok).toBe(true)
  })
})

describe('after a crash', () => {
  test.each([1, 40, 200])('half a last line (%i bytes of it) is no fault; the next start removes it and says so', async (bytes) => {
    const { folder, path } = logWith(3)
    appendFileSync(path, Buffer.from(linesOf(path)[2] ?? '').subarray(0, bytes))
    expect(await verifyAuditFile(path)).toMatchObject({ ok: true, events: 4, halfLine: true })
    const log = open(folder)
    log.append(fileEvent('after'))
    log.close()
    expect(await verifyAuditFile(path)).toMatchObject({ ok: true, events: 6, halfLine: false })
    const repaired = JSON.parse(linesOf(path)[4] ?? '') as AuditLine
    expect(repaired.event).toMatchObject({ kind: 'log.repaired', data: { what: 'half-line', bytes } })
  })

  test('kill -9 in the middle of writing, again and again: what was acknowledged is there, and nothing looks altered', async () => {
    const folder = newFolder()
    const path = join(folder, 'audit.jsonl')
    for (let round = 0; round < 4; round++) {
      const acknowledged = await runUntilKilled(
        `
        const log = openAuditLog({ folder: ${JSON.stringify(folder)}, key: signingKeyFrom(${JSON.stringify(keyPem())}), party: 'x', keepsPrivate: true })
        for (;;) { log.append({ kind: 'file.sent', actor: { kind: 'agent' }, private: { path: 'x'.repeat(5000) } }); process.stdout.write(log.lastSeq + '\\n') }
      `,
        20 + round * 7,
      )
      const { ok, events } = await verifyAuditFile(path)
      expect([ok, events >= acknowledged]).toEqual([true, true])
    }
    open(folder).close()
    expect((await verifyAuditFile(path)).ok).toBe(true)
  })

  test('between a line and its head: the prepared head covers the line', async () => {
    const { folder, path } = logWith(2)
    const older = readFileSync(join(folder, 'log-head.jws'))
    const log = open(folder)
    log.append(fileEvent('last'))
    log.close()
    cpSync(join(folder, 'log-head.jws'), join(folder, 'log-head.next'))
    writeFileSync(join(folder, 'log-head.jws'), older)
    expect((await verifyAuditFile(path)).ok).toBe(true)
    open(folder).close()
    expect(linesOf(path)).toHaveLength(4)
    expect((await verifyAuditFile(path)).ok).toBe(true)
  })

  test('a head that is lost altogether is signed anew, and that is told', () => {
    const { folder, path } = logWith(2)
    rmSync(join(folder, 'log-head.jws'))
    open(folder).close()
    expect(JSON.parse(linesOf(path)[3] ?? '').event).toMatchObject({ kind: 'log.repaired', data: { what: 'head', lines: 3 } })
  })

  test('a cut or altered end is not repaired: the log is broken', () => {
    const { folder, path } = logWith(3)
    const whole = readFileSync(path)
    truncateSync(path, whole.length - 5)
    expect(codeOf(() => open(folder))).toEqual({ code: 'audit.broken', what: 'cut-tail' })
    truncateSync(path, whole.indexOf('\n') + 1)
    expect(codeOf(() => open(folder))).toEqual({ code: 'audit.broken', what: 'cut-tail' })
    writeFileSync(path, '')
    expect(codeOf(() => open(folder))).toEqual({ code: 'audit.broken', what: 'cut-tail' })
    const lastStart = whole.lastIndexOf('\n', whole.length - 2)
    writeFileSync(path, `${whole.subarray(0, lastStart)}${whole.subarray(lastStart).toString().replace('"bytes":6', '"bytes":7')}`)
    expect(codeOf(() => open(folder))).toEqual({ code: 'audit.broken', what: 'edited' })
  })
})

describe('a disk that fails', () => {
  // The kernel refuses writes beyond RLIMIT_FSIZE with EFBIG, as a full disk does with ENOSPC: some bytes go in, then no more.
  test('means audit.unavailable, leaves no half line, and the log goes on when there is room again', async () => {
    const folder = newFolder()
    open(folder).close()
    const text = await run(
      `
      process.on('SIGXFSZ', () => {})
      const log = openAuditLog({ folder: ${JSON.stringify(folder)}, key: signingKeyFrom(${JSON.stringify(keyPem())}), party: 'x', keepsPrivate: true })
      let stored = 0, refused
      try { for (;;) { log.append({ kind: 'file.sent', actor: { kind: 'agent' }, private: { path: 'x'.repeat(700) } }); stored++ } } catch (error) { refused = error.code }
      console.log(JSON.stringify({ stored, refused, lastSeq: log.lastSeq }))
    `,
      { limitKib: 16 },
    )
    const { stored, refused, lastSeq } = JSON.parse(text)
    expect(refused).toBe('audit.unavailable')
    expect(stored).toBeGreaterThan(5)
    const path = join(folder, 'audit.jsonl')
    expect(await verifyAuditFile(path)).toMatchObject({ ok: true, events: lastSeq, halfLine: false })
    expect(lastSeq).toBe(stored + 1)
    const log = open(folder)
    log.append(fileEvent('room again'))
    log.close()
    expect(await verifyAuditFile(path)).toMatchObject({ ok: true, events: lastSeq + 1 })
  })

  test('a folder that cannot be written means audit.unavailable', () => {
    const path = newFolder()
    writeFileSync(path, 'a file where the folder should be')
    expect(codeOf(() => open(path))).toMatchObject({ code: 'audit.unavailable' })
  })
})

describe('several writers', () => {
  test('two processes and this one, at once: no line is lost, doubled or torn', async () => {
    const folder = newFolder()
    const log = open(folder)
    const heard: number[] = []
    log.onLine(({ seq }) => heard.push(seq))
    const script = (name: string) => `
      const log = openAuditLog({ folder: ${JSON.stringify(folder)}, key: signingKeyFrom(${JSON.stringify(keyPem())}), party: 'x', keepsPrivate: true })
      for (let index = 0; index < 100; index++) log.append({ kind: 'file.sent', actor: { kind: 'agent', name: '${name} ' + index } })
      console.log('done')
    `
    const others = Promise.all([run(script('one')), run(script('two'))])
    for (let index = 0; index < 50; index++) {
      log.append({ kind: 'file.sent', actor: { kind: 'agent', name: `here ${index}` } })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await others
    const lines = [...log.read()]
    expect(heard).toEqual(lines.slice(1).map(({ seq }) => seq))
    const names = lines.map(({ event }) => event.actor.name ?? '')
    for (const [name, count] of [
      ['one', 100],
      ['two', 100],
      ['here', 50],
    ] as const) {
      expect(names.filter((text) => text.startsWith(`${name} `))).toEqual(Array.from({ length: count }, (_, index) => `${name} ${index}`))
    }
    log.close()
    expect(await verifyAuditFile(join(folder, 'audit.jsonl'))).toMatchObject({ ok: true, events: 251 })
  })

  test('a lock whose holder is dead, or was only begun, is taken away', () => {
    const { folder } = logWith(1)
    const lock = join(folder, 'log.lock')
    writeFileSync(lock, '4194304000 1')
    open(folder).close()
    // This pid lives, but is not the process that took the lock.
    writeFileSync(lock, `${process.pid} 1`)
    open(folder).close()
    writeFileSync(lock, '')
    open(folder).close()
    expect(existsSync(lock)).toBe(false)
  })

  test('verifying while others write raises no alarm', async () => {
    const folder = newFolder()
    open(folder).close()
    const path = join(folder, 'audit.jsonl')
    const writing = run(`
      const log = openAuditLog({ folder: ${JSON.stringify(folder)}, key: signingKeyFrom(${JSON.stringify(keyPem())}), party: 'x', keepsPrivate: true })
      for (let index = 0; index < 300; index++) log.append({ kind: 'file.sent', actor: { kind: 'agent' } })
      console.log('done')
    `)
    let done = false
    void writing.then(() => {
      done = true
    })
    const faults: unknown[] = []
    while (!done) faults.push((await verifyAuditFile(path)).fault)
    expect(faults.filter((fault) => fault !== null)).toEqual([])
    expect(faults.length).toBeGreaterThan(3)
  })

  test('a log that was put in place of the open one is noticed', () => {
    const { folder, path } = logWith(3)
    const log = open(folder)
    const copy = `${path}.copy`
    cpSync(path, copy)
    rmSync(path)
    cpSync(copy, path)
    expect(codeOf(() => log.append(fileEvent('x')))).toEqual({ code: 'audit.broken', what: 'replaced' })
    log.close()
  })
})

function keyPem(): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Kills the script's process once it has acknowledged so many lines; the highest number that it acknowledged. */
async function runUntilKilled(script: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [writeScript(script)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    if (text.split('\n').length > lines) child.kill('SIGKILL')
  }
  return Number(text.trimEnd().split('\n').at(-1))
}

function writeScript(script: string): string {
  const file = join(root, `script-${++folders}.ts`)
  const here = (name: string) => JSON.stringify(join(import.meta.dirname, name))
  writeFileSync(file, `import { openAuditLog } from ${here('audit-log.ts')}\nimport { signingKeyFrom } from ${here('signing.ts')}\n${script}`)
  return file
}

/** Runs a script in a process of its own, with the audit log's functions at hand; `limitKib` is the largest file that it may write. */
async function run(script: string, { limitKib }: { limitKib?: number } = {}): Promise<string> {
  const command = `${limitKib ? `ulimit -f ${limitKib};` : ''} exec "$0" "$1"`
  const child = spawn('bash', ['-c', command, process.execPath, writeScript(script)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return text
}
