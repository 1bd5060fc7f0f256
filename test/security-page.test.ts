import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

/** SECURITY.md names what guards each control; a name that leads nowhere would be a promise without a guard. */
const root = join(import.meta.dirname, '..')
const page = readFileSync(join(root, 'SECURITY.md'), 'utf8')
const rows = page.split('\n').filter((line) => /^\| T\d/.test(line))

describe('the table of threats', () => {
  test('has every abuse case of the threat model, T1 to T20, each with what is not covered', () => {
    const named = rows.flatMap((row) => (row.split('|')[1]?.match(/T\d+/g) ?? []).map((name) => Number(name.slice(1))))
    expect(named).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    for (const row of rows) expect(row.split(' | ')).toHaveLength(4)
  })

  test('names files that are there, here as in the rest of the page', () => {
    const files = [...page.matchAll(/`([\w./-]+\.tsx?)`/g)].map(([, file]) => file ?? '')
    expect(files.length).toBeGreaterThan(50)
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  test('names proofs that there are', () => {
    const proofs = globSync('test/prove/{*,desktop/*}.ts', { cwd: root }).map((path) => readFileSync(join(root, path), 'utf8'))
    const told = [...page.matchAll(/proofs? ((?:`[a-z -]+`(?:, )?)+)/g)].flatMap(([, list]) =>
      [...(list ?? '').matchAll(/([a-z-]+)`/g)].map(([, name]) => name ?? ''),
    )
    expect(told.length).toBeGreaterThan(20)
    expect(told.filter((name) => !proofs.some((source) => source.includes(`name: '${name}'`)))).toEqual([])
  })
})
