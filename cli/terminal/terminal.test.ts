import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endingDrawing } from '../../test/support/hostile-terminal/broken.ts'
import { allowedAnswers, corpus, decoded } from '../../test/support/hostile-terminal/corpus.ts'
import { createEscape } from './escape.ts'
import { createInert } from './inert.ts'

/** xterm's own types are a browser's, which nothing here may lean on. */
type Heard = (listener: (data: string) => void) => void
type Xterm = { onTitleChange: Heard; onData: Heard; onBinary: Heard; write(text: string, done: () => void): void; dispose(): void }
const { Terminal } = createRequire(import.meta.url)('@xterm/xterm') as { Terminal: new (options: object) => Xterm }

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

  test.each([
    ['an escape twice, and a string between', '\u001b\u001bXstart\u001b\\]52;c;c2VjcmV0\u0007', ']52;c;c2VjcmV0\u0007'],
    ['an escape, a line feed, and what would be a string behind both', '\u001b\n]0;title\u0007', '\n'],
    ['a question cut off by another sequence', '\u001b[>\u001b[1mb', '\u001b[1mb'],
    ['a sequence without an end', `\u001b[${'1;'.repeat(1_000)}mb`, 'b'],
    ['the three questions stay', '\u001b[c\u001b[0c\u001b[5n\u001b[6n', '\u001b[c\u001b[0c\u001b[5n\u001b[6n'],
    ['a question in C1', 'a\u009b>cb', 'ab'],
    ['a mouse and a paste mode stay', '\u001b[?1000h\u001b[?2004h', '\u001b[?1000h\u001b[?2004h'],
    ['an unfinished string ends at the next sequence', 'a\u001b]0;t\u001b[1mb', 'a\u001b[1mb'],
  ])('%s', (_, input, output) => {
    expect(createInert()(input)).toBe(output)
  })

  // A bare xterm ends by errors of its own; here what is said counts.
  const known = corpus.filter((group) => group !== endingDrawing)
  test.each(known)('tries $tries: a terminal without any guard of its own says nothing but the three answers (D19)', async ({ sequences }) => {
    for (const [what, octets] of sequences) {
      const windowOptions = {
        getWinSizePixels: true,
        getCellSizePixels: true,
        getWinSizeChars: true,
        getWinTitle: true,
        getWinPosition: true,
        getWinState: true,
      }
      const terminal = new Terminal({ allowProposedApi: true, cols: 80, rows: 24, logLevel: 'off', windowOptions })
      const went: string[] = []
      terminal.onTitleChange((title) => went.push(`title ${title}`))
      terminal.onData((data) => allowedAnswers.test(data) || went.push(`answer ${data}`))
      terminal.onBinary((data) => went.push(`binary ${data}`))
      const inert = createInert()
      // What hangs a terminal by a number is its own business; here what is said counts.
      const text = inert(decoded(octets))
        .replaceAll(/\d{5,}/g, '9999')
        .slice(0, 20_000)
      await new Promise<void>((resolve) => terminal.write(text, resolve))
      expect(went, what).toEqual([])
      terminal.dispose()
    }
  })
})
