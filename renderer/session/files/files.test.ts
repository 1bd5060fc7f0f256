import type { FileEntry } from '@gantry/shared/files.ts'
import { describe, expect, test } from 'vitest'
import { crumbsOf, isGoodName, joined, modeText, parentOf, sortedFiles } from './file-paths.ts'
import { allMarked, moveTo, nothingMarked, rowTyped, toggled } from './file-selection.ts'

describe('paths of either side', () => {
  test.each([
    ['/', 'a', '/a', null],
    ['/var/nv', 'a b', '/var/nv/a b', '/var'],
    ['/var', 'x', '/var/x', '/'],
    ['C:\\', 'x', 'C:\\x', null],
    ['C:\\Users\\elena', 'x', 'C:\\Users\\elena\\x', 'C:\\Users'],
    ['C:\\Users', 'x', 'C:\\Users\\x', 'C:\\'],
  ])('%s', (path, name, whole, parent) => {
    expect(joined(path, name)).toBe(whole)
    expect(parentOf(path)).toBe(parent)
  })

  test('crumbs lead from the root to the folder', () => {
    expect(crumbsOf('/var/nv').map(({ name, path }) => `${name}=${path}`)).toEqual(['=/', 'var=/var', 'nv=/var/nv'])
    expect(crumbsOf('C:\\a').map(({ path }) => path)).toEqual(['C:\\', 'C:\\a'])
  })

  test.each(['', ' ', '.', '..', 'a/b', 'a\\b', 'a\nb', 'a\u202Eb', 'x'.repeat(256)])('%j is no name', (name) => {
    expect(isGoodName(name)).toBe(false)
  })

  test('a mode reads as a shell shows it', () => {
    expect(modeText({ kind: 'folder', mode: 0o40750 })).toBe('drwxr-x---')
    expect(modeText({ kind: 'file', mode: 0o640 })).toBe('-rw-r-----')
  })

  test('folders come first whichever column is sorted, and numbers sort as numbers', () => {
    const entry = (name: string, kind: FileEntry['kind'], size: number): FileEntry => ({ name, kind, size, modifiedMs: 0, mode: 0 })
    const entries = [entry('b10', 'file', 1), entry('b9', 'file', 5), entry('z', 'folder', 0)]
    expect(sortedFiles(entries, { key: 'name', isDescending: false }).map(({ name }) => name)).toEqual(['z', 'b9', 'b10'])
    expect(sortedFiles(entries, { key: 'size', isDescending: true }).map(({ name }) => name)).toEqual(['z', 'b9', 'b10'])
  })
})

describe('marking rows', () => {
  const names = ['a', 'b', 'c', 'd']
  test('the cursor marks one row, Shift a stretch from its anchor, back and forth', () => {
    const one = moveTo(names, nothingMarked, 1, false)
    const stretch = moveTo(names, one, 3, true)
    expect([...stretch.marked]).toEqual(['b', 'c', 'd'])
    expect([...moveTo(names, stretch, 0, true).marked]).toEqual(['a', 'b'])
  })

  test('the ends of the list are ends', () => {
    expect(moveTo(names, nothingMarked, -4, false).cursor).toBe(0)
    expect(moveTo(names, nothingMarked, 99, false).cursor).toBe(3)
    expect(moveTo([], nothingMarked, 1, false)).toEqual(nothingMarked)
  })

  test('Ctrl adds and takes away single rows', () => {
    const two = toggled(names, toggled(names, nothingMarked, 0), 2)
    expect([...two.marked]).toEqual(['a', 'c'])
    expect([...toggled(names, two, 0).marked]).toEqual(['c'])
    expect(allMarked(names, two).marked.size).toBe(4)
  })
})

describe('what is typed in a list of files', () => {
  const names = ['Audit', 'bin', 'Éclair.log', 'etc', 'export', 'log']
  const at = (cursor: number) => moveTo(names, nothingMarked, cursor, false)

  test('leads to the next name that begins with it, whatever its case and accents', () => {
    expect(rowTyped(names, nothingMarked, 'a')).toBe(0)
    expect(rowTyped(names, at(0), 'e')).toBe(2)
    expect(rowTyped(names, at(2), 'ex')).toBe(4)
    expect(rowTyped(names, at(5), 'B')).toBe(1)
  })

  test('the same letter again goes to the one after, and around', () => {
    expect(rowTyped(names, at(2), 'ee')).toBe(3)
    expect(rowTyped(names, at(4), 'eee')).toBe(2)
  })

  test('a longer word stays at a row that fits it, and one that fits none leads nowhere', () => {
    expect(rowTyped(names, at(3), 'et')).toBe(3)
    expect(rowTyped(names, at(3), 'zz')).toBeNull()
    expect(rowTyped([], nothingMarked, 'a')).toBeNull()
  })
})
