import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { readJsonFile, readJsonFileIfThere, writeFileWhole, writeJsonFile } from './json-file.ts'

const root = mkdtempSync(join(tmpdir(), 'json-file-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const Shape = z.strictObject({ name: z.string() })

function codeOf(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error instanceof AppError ? [error.code, error.details] : error
  }
}

describe('state files', () => {
  test('come back as they were written, for the owner only, and leave nothing beside them', () => {
    const path = join(root, 'a', 'state.json')
    mkdirSync(join(root, 'a'))
    writeJsonFile(path, { name: 'first' })
    writeJsonFile(path, { name: 'second' })
    expect(readJsonFile(path, Shape)).toEqual({ name: 'second' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(root, 'a'))).toEqual(['state.json'])
  })

  test('that are missing, damaged or of another shape say which', () => {
    const path = join(root, 'bad.json')
    expect(codeOf(() => readJsonFile(path, Shape))).toEqual(['state.unreadable', { path: 'bad.json' }])
    expect(readJsonFileIfThere(path, Shape)).toBe(null)
    for (const text of ['', '{"name":', '{"name":1}', '{"name":"a","more":1}']) {
      writeFileSync(path, text)
      expect(codeOf(() => readJsonFile(path, Shape))).toEqual(['state.unreadable', { path: 'bad.json' }])
      expect(codeOf(() => readJsonFileIfThere(path, Shape))).toEqual(['state.unreadable', { path: 'bad.json' }])
    }
  })

  test('keep their old content when the new cannot be put in place', () => {
    const folder = join(root, 'b')
    mkdirSync(join(folder, 'taken'), { recursive: true })
    expect(() => writeFileWhole(join(folder, 'taken'), 'new')).toThrow()
    expect(readdirSync(folder)).toEqual(['taken'])
    const path = join(folder, 'text')
    writeFileWhole(path, Buffer.from('bytes'), 0o640)
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['bytes', 0o640])
  })
})
