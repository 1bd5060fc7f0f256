import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { AuditLine } from '../audit.ts'
import { canonicalJson } from '../canonical-json.ts'
import { encodeLine, lineHash } from './audit-line.ts'
import { type AuditLog, openAuditLog } from './audit-log.ts'
import { type AuditVerdict, collectHeads, verifyAuditFile } from './audit-verify.ts'
import { generateSigningKey } from './signing.ts'

const root = mkdtempSync(join(tmpdir(), 'verify-test-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const key = generateSigningKey()

function open(name: string, keepsPrivate = true): AuditLog {
  return openAuditLog({ folder: join(root, name), key, party: 'main-server', keepsPrivate })
}

function fill(log: AuditLog, count: number): void {
  for (let index = 0; index < count; index++) {
    log.append({ kind: 'file.sent', actor: { kind: 'specialist', name: `Tester ${index}` }, data: { bytes: index }, private: { path: `/folder/é ${index}` } })
  }
}

const count = 6
const original = open('original')
fill(original, count - 1)
original.close()
const whole = readFileSync(join(root, 'original', 'audit.jsonl'))
const lines = whole.toString().trimEnd().split('\n')
const line = (index: number) => lines[index] ?? ''

cpSync(join(root, 'original'), join(root, 'altered'), { recursive: true })

/** Verifies an altered copy of the log, with the head as it was. */
async function verify(altered: Buffer | string[]): Promise<AuditVerdict> {
  const path = join(root, 'altered', 'audit.jsonl')
  writeFileSync(path, Array.isArray(altered) ? altered.map((text) => `${text}\n`).join('') : altered)
  return verifyAuditFile(path)
}

const index = (max = count - 1) => fc.integer({ min: 0, max })

describe('every change to a log is found and named (R090)', () => {
  test('none where there is none', async () => {
    expect(await verify(lines)).toMatchObject({ ok: true, events: count, fault: null })
  })

  test('a byte flipped anywhere: that line', async () => {
    // Every other byte, and each of the last two lines, where another line no longer vouches for what stands before.
    const dense = whole.length - line(count - 1).length - line(count - 2).length - 2
    for (let position = 0; position < whole.length; position += position < dense ? 2 : 1) {
      const altered = Buffer.from(whole)
      const value = altered[position] ?? 0
      altered[position] = value ^ (1 << (position % 8))
      const seq = whole.subarray(0, position).toString('latin1').split('\n').length
      const { ok, fault } = await verify(altered)
      expect({ position, ok, line: fault?.line }).toEqual({ position, ok: false, line: seq })
      expect(['edited', 'private-edited', 'private-removed', 'cut-tail']).toContain(fault?.what)
    }
  })

  test('any byte put in place of another, put in or left out: that line', async () => {
    const position = fc.integer({ min: 0, max: whole.length - 1 })
    const change = fc.tuple(position, fc.integer({ min: 0, max: 255 }), fc.constantFrom('replace', 'insert', 'delete'))
    await fc.assert(
      fc.asyncProperty(change, async ([at, byte, how]) => {
        fc.pre(how !== 'replace' || whole[at] !== byte)
        const middle = how === 'delete' ? [] : [byte]
        const altered = Buffer.concat([whole.subarray(0, at), Buffer.from(middle), whole.subarray(how === 'insert' ? at : at + 1)])
        fc.pre(!altered.equals(whole))
        const { ok, fault } = await verify(altered)
        const seq = whole.subarray(0, at).toString('latin1').split('\n').length
        expect(ok).toBe(false)
        // A byte put in at the very end of a line may be read as the begin of the next one.
        expect([seq, seq - 1]).toContain(fault?.line)
      }),
      { numRuns: 400 },
    )
  })

  test('lines left out: the first one that is missing', async () => {
    await fc.assert(
      fc.asyncProperty(index(count - 2), fc.integer({ min: 1, max: 3 }), async (from, many) => {
        fc.pre(from + many < count)
        const { fault } = await verify([...lines.slice(0, from), ...lines.slice(from + many)])
        expect(fault).toEqual({ line: from + 1, what: 'removed' })
      }),
    )
  })

  test('a line put in, be it a copy, a text or one that chains: that line', async () => {
    const text = fc.oneof(
      index().map((from) => line(from)),
      fc.string().map((words) => words.replaceAll('\n', ' ')),
      fc.constant('forged'),
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: count }), text, async (at, what) => {
        const inserted = what === 'forged' ? forge(at) : what
        const { fault } = await verify([...lines.slice(0, at), inserted, ...lines.slice(at)])
        // Of a line and its copy beside it nobody can say which is which.
        const places = inserted === line(at) ? [at + 1, at + 2] : inserted === line(at - 1) ? [at, at + 1] : [at + 1]
        expect(fault?.what).toBe('inserted')
        expect(places).toContain(fault?.line)
      }),
    )
  })

  test('two lines that changed places, or one that was moved: the first place that is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(index(), index(), fc.boolean(), async (a, b, move) => {
        fc.pre(a !== b)
        const altered = [...lines]
        if (move) altered.splice(b, 0, ...altered.splice(a, 1))
        else [altered[a], altered[b]] = [line(b), line(a)]
        expect((await verify(altered)).fault).toEqual({ line: Math.min(a, b) + 1, what: 'swapped' })
      }),
    )
  })

  test('a tail cut off, in lines or in bytes: the first line that is missing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
        const left = whole.subarray(0, length)
        const kept = left.toString('latin1').split('\n').length - 1
        expect((await verify(left)).fault).toEqual({ line: kept + 1, what: 'cut-tail' })
      }),
    )
  })

  test('a line replaced by another that chains to the one before', async () => {
    for (let at = 0; at < count; at++) {
      const { fault } = await verify([...lines.slice(0, at), forge(at), ...lines.slice(at + 1)])
      expect(fault).toEqual({ line: at + 1, what: 'edited' })
    }
  })

  test('a private part left out or put in place of another', async () => {
    const parsed = JSON.parse(line(4)) as AuditLine
    const { private: _, ...without } = parsed
    expect((await verify(lines.with(4, canonicalJson(without)))).fault).toEqual({ line: 5, what: 'private-removed' })
    const other = { ...parsed, private: { ...parsed.private, path: '/elsewhere' } }
    expect((await verify(lines.with(4, canonicalJson(other)))).fault).toEqual({ line: 5, what: 'private-edited' })
  })

  test('a line that says the same in other bytes', async () => {
    const spaced = line(3).replace(',"prev"', ', "prev"')
    expect((await verify(lines.with(3, spaced))).fault).toEqual({ line: 4, what: 'edited' })
  })
})

/** A line that would do in place of the one at this index: it chains to the line before, but nobody signed it. */
function forge(at: number): string {
  const before = at === 0 ? undefined : (JSON.parse(line(at - 1)) as AuditLine)
  const model = JSON.parse(line(Math.min(at, count - 1))) as AuditLine
  const forged = { ...model, event: { ...model.event, at: '2020-01-01T00:00:00.000Z' }, seq: at + 1, prev: before ? lineHash(before) : model.prev }
  return encodeLine(forged).toString().trimEnd()
}

describe('the signed head beside the log', () => {
  async function withHead(head: string | null): Promise<AuditVerdict['fault']> {
    const folder = join(root, 'other-head')
    cpSync(join(root, 'original'), folder, { recursive: true, force: true })
    if (head === null) rmSync(join(folder, 'log-head.jws'), { force: true })
    else writeFileSync(join(folder, 'log-head.jws'), head)
    return (await verifyAuditFile(join(folder, 'audit.jsonl'))).fault
  }

  test('missing, altered, of another log or of another key', async () => {
    expect(await withHead(null)).toEqual({ line: null, what: 'head-missing' })
    const head = readFileSync(join(root, 'original', 'log-head.jws'), 'utf8')
    const [header, payload, signature] = head.split('.')
    const said = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString())
    const shorter = Buffer.from(JSON.stringify({ ...said, seq: 3 })).toString('base64url')
    expect(await withHead(`${header}.${shorter}.${signature}`)).toEqual({ line: null, what: 'head-edited' })
    const other = open('another')
    expect(await withHead(other.head())).toEqual({ line: null, what: 'head-edited' })
    other.close()
  })

  test('any character of it altered', async () => {
    const head = readFileSync(join(root, 'original', 'log-head.jws'), 'utf8')
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: head.length - 1 }), fc.constantFrom('A', 'z', '.', '-'), async (at, character) => {
        fc.pre(head[at] !== character)
        expect((await withHead(head.slice(0, at) + character + head.slice(at + 1)))?.what).toBe('head-edited')
      }),
    )
  })
})

describe('what other parties witnessed (R090)', () => {
  test('a log put back to an older copy, head and all, is shown by their heads', async () => {
    const device = open('device')
    fill(device, 3)
    cpSync(join(root, 'device'), join(root, 'device-older'), { recursive: true })
    fill(device, 2)
    const server = open('server', false)
    server.witness(device.head(), 'device')
    device.close()
    server.close()
    const older = join(root, 'device-older', 'audit.jsonl')
    expect((await verifyAuditFile(older)).fault).toBe(null)
    const knownHeads = await collectHeads([join(root, 'server', 'audit.jsonl'), join(root, 'nowhere', 'audit.jsonl')])
    expect((await verifyAuditFile(older, { knownHeads })).fault).toEqual({ line: 5, what: 'cut-tail' })
    expect((await verifyAuditFile(join(root, 'device', 'audit.jsonl'), { knownHeads })).ok).toBe(true)
    expect((await verifyAuditFile(join(root, 'server', 'audit.jsonl'), { knownHeads })).ok).toBe(true)
  })

  test('another history, signed by the right key or a new one, is shown too', async () => {
    const log = open('first-history')
    cpSync(join(root, 'first-history'), join(root, 'second-history'), { recursive: true })
    fill(log, 3)
    const witnessed = log.head()
    log.close()
    const rewritten = open('second-history')
    fill(rewritten, 5)
    rewritten.close()
    expect((await verifyAuditFile(join(root, 'second-history', 'audit.jsonl'), { knownHeads: [witnessed] })).fault).toEqual({ line: 4, what: 'rewritten' })
  })
})

describe('what is no audit log', () => {
  test.each([
    ['no file', undefined],
    ['an empty file', ''],
    ['another file', 'Dear reader,\n'],
    ['a line that is too long', 'a'.repeat(4_000_000)],
  ])('%s', async (name, content) => {
    const path = join(root, `${name}.jsonl`)
    if (content !== undefined) writeFileSync(path, content)
    expect((await verifyAuditFile(path)).ok).toBe(false)
  })
})
