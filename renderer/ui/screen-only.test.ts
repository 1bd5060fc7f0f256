import { Terminal } from '@xterm/xterm'
import { describe, expect, test } from 'vitest'
import { allowedAnswers, corpus, decoded } from '../../test/support/hostile-terminal/corpus.ts'
import { allowScreenOnly, resetScreen, screenOptions } from './screen-only.ts'

const size = { cols: 80, rows: 24 }
const print = (terminal: Terminal, octets: string | Uint8Array) => new Promise<void>((resolve) => terminal.write(decoded(octets), resolve))

function open(): { terminal: Terminal; went: string[] } {
  const terminal = new Terminal({ ...screenOptions, ...size })
  allowScreenOnly(terminal)
  const went: string[] = []
  terminal.onTitleChange((title) => went.push(`title ${title}`))
  terminal.onData((data) => allowedAnswers.test(data) || went.push(`answer ${data}`))
  terminal.onBinary((data) => went.push(`binary ${data}`))
  return { terminal, went }
}

/** What a person would notice of a terminal's state, on both screens, and what it does with a few characters. */
async function stateOf(terminal: Terminal): Promise<unknown> {
  await print(terminal, '')
  const { cursorX, cursorY, type } = terminal.buffer.active
  const before = { cursorX, cursorY, type, modes: terminal.modes, blinks: terminal.options.cursorBlink, convertEol: terminal.options.convertEol }
  const looks: unknown[] = []
  for (const screen of ['', '\u001b[?47h\u001b8']) {
    await print(terminal, `${screen}\u001b[Hqx\u000eqx\u000f\tT\n|${'w'.repeat(size.cols)}\u001b[24;1HA\nB`)
    for (let row = 0; row < size.rows; row++) {
      const line = terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)
      looks.push(
        line?.translateToString(true),
        line?.isWrapped,
        line?.getCell(0)?.getFgColorMode(),
        line?.getCell(0)?.isInvisible(),
        line?.getCell(0)?.isBold(),
      )
    }
  }
  return { before, looks }
}

describe('goal D19: what a device prints stays on its screen', () => {
  const fresh = stateOf(open().terminal)

  test.each(corpus)('tries $tries: no title, no answer beyond three, and a reset brings everything back', async ({ sequences }) => {
    for (const [what, octets] of sequences) {
      const { terminal, went } = open()
      await print(terminal, octets)
      expect(went, what).toEqual([])
      resetScreen(terminal)
      expect(await stateOf(terminal), what).toEqual(await fresh)
      terminal.dispose()
    }
  })

  test('the corpus is as large as the goal asks', () => {
    expect(corpus.flatMap(({ sequences }) => sequences).length).toBeGreaterThanOrEqual(200)
  })

  test('what is asked for by programs is answered: who, whether, where', async () => {
    const { terminal } = open()
    const said: string[] = []
    terminal.onData((data) => said.push(data))
    await print(terminal, '\u001b[c\u001b[5n\u001b[3;7H\u001b[6n')
    expect(said).toEqual(['\u001b[?1;2c', '\u001b[0n', '\u001b[3;7R'])
  })

  test('a reset keeps what stood on the screen, in the scrollback', async () => {
    const { terminal } = open()
    await print(terminal, 'first\r\n\u001b(0\u001b[?1049hfull screen')
    resetScreen(terminal)
    await print(terminal, 'anew')
    const { active } = terminal.buffer
    const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true))
    expect(lines.indexOf('first')).toBe(0)
    expect(lines.indexOf('anew')).toBe(active.baseY)
  })

  test('no cell holds more marks than languages need, and none is lost', async () => {
    const { terminal } = open()
    await print(terminal, `e${'\u0301'.repeat(100)}!`)
    const line = terminal.buffer.active.getLine(0)
    const cells = Array.from({ length: 20 }, (_, column) => line?.getCell(column)?.getChars().length ?? 0)
    expect(Math.max(...cells)).toBe(7)
    expect(line?.translateToString(true)).toBe(`e${'\u0301'.repeat(100)}!`)
  })
})
