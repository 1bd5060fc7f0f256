import { describe, expect, test } from 'vitest'
import { nameParts, safeName } from './safe-name.ts'

describe('names that a device made cannot mislead', () => {
  test.each([
    ['plain.txt', 'plain.txt'],
    ['été 漢字.log', 'été 漢字.log'],
    ['a\nb', 'a\\nb'],
    ['nul\0', 'nul\\0'],
    ['report\u202Egpj.exe', 'report‹U+202E›gpj.exe'],
    ['\u2066x\u2069', '‹U+2066›x‹U+2069›'],
    ['zero\u200Bwidth', 'zero‹U+200B›width'],
    ['esc\u001b[31m', 'esc‹U+001B›[31m'],
    ['line\u2028sep', 'line‹U+2028›sep'],
    ['tag\u{E0041}', 'tag‹U+E0041›'],
    ['half\ud800', 'half‹U+D800›'],
  ])('%j is shown as %s', (name, shown) => {
    expect(safeName(name)).toBe(shown)
  })

  test('what was written out is marked, so that a name cannot forge it', () => {
    expect(nameParts('a\nb')).toEqual([
      { text: 'a', isEscape: false },
      { text: '\\n', isEscape: true },
      { text: 'b', isEscape: false },
    ])
    expect(nameParts('a\\nb')).toEqual([{ text: 'a\\nb', isEscape: false }])
  })
})
