import { describe, expect, test } from 'vitest'
import { plain, size, table } from './plain.ts'

describe('names of a device on a person’s terminal', () => {
  test('what would move the cursor or turn the reading direction becomes visible', () => {
    expect(plain('a\u001b[2Jb\nc\u202ed\u200be\u2066')).toBe('a\\u{1b}[2Jb\\u{a}c\\u{202e}d\\u{200b}e\\u{2066}')
  })

  test('letters of every language stay', () => {
    expect(plain('Salle d’échographie 日本 عربى')).toBe('Salle d’échographie 日本 عربى')
  })

  test('columns stand under each other, wide and combining characters too', () => {
    expect(
      table(
        ['A', 'B'],
        [
          ['日本', 'x'],
          ['e\u0301', 'y'],
        ],
      ),
    ).toBe('A     B\n日本  x\ne\u0301     y\n')
  })

  test.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KiB'],
    [3_000_000, '2.9 MiB'],
    [268_435_456, '256 MiB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(size(bytes)).toBe(text)
  })
})
