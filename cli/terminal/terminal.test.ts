import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEscape } from './escape.ts'
import { createInert } from './inert.ts'

function type(...chunks: string[]) {
  const watch = createEscape()
  let sent = ''
  for (const chunk of chunks) {
    const { send, leave } = watch(Buffer.from(chunk))
    sent += send.toString()
    if (leave) return { sent, leave }
  }
  return { sent, leave: false }
}

describe('~. leaves', () => {
  test.each([
    [['~.'], '', true],
    [['~', '.'], '', true],
    [['ls\r~.'], 'ls\r', true],
    [['ls\n', '~', '.'], 'ls\n', true],
    [['~~.'], '~.', false],
    [['ls ~.'], 'ls ~.', false],
    [['~a'], '~a', false],
    [['~', 'a\r~', '.'], '~a\r', true],
    [['\r~\r~.'], '\r~\r', true],
    [['cd ~\r'], 'cd ~\r', false],
  ] as [string[], string, boolean][])('%j', (chunks, sent, leave) => {
    expect(type(...chunks)).toEqual({ sent, leave })
  })

  test('without a tilde every byte goes through, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (chunks) => {
        const plain = chunks.map((chunk) => Buffer.from(chunk.filter((byte) => byte !== 0x7e)))
        const watch = createEscape()
        expect(Buffer.concat(plain.map((chunk) => watch(chunk).send))).toEqual(Buffer.concat(plain))
      }),
    )
  })
})

describe('what a device prints moves the cursor at most', () => {
  test.each([
    ['clipboard', 'a\u001b]52;c;c2VjcmV0\u0007b', 'ab'],
    ['title, ended by ST', 'a\u001b]0;new title\u001b\\b', 'ab'],
    ['link', '\u001b]8;;https://example.com\u001b\\text\u001b]8;;\u001b\\', 'text'],
    ['device control', 'a\u001bP$qm\u001b\\b', 'ab'],
    ['application and privacy strings', '\u001b_x\u001b\\\u001b^y\u001b\\\u001bXz\u001b\\b', 'b'],
    ['eight-bit forms', 'a\u009d52;c;x\u009cb\u0090q\u009c', 'ab'],
    ['a string that is cancelled', 'a\u001b]0;x\u0018b', 'ab'],
    ['colours and cursor stay', '\u001b[31mred\u001b[0m\u001b[2J\u001b(B', '\u001b[31mred\u001b[0m\u001b[2J\u001b(B'],
  ])('%s', (_, input, output) => {
    const inert = createInert()
    expect(inert(input)).toBe(output)
  })

  test('cut anywhere, the same comes out', () => {
    const input = 'a\u001b]52;c;x\u0007b\u001b[1mc\u001b]0;t\u001b\\d\u001bPq\u001b\\e'
    for (let cut = 0; cut <= input.length; cut++) {
      const inert = createInert()
      expect(inert(input.slice(0, cut)) + inert(input.slice(cut))).toBe('ab\u001b[1mcde')
    }
  })
})
