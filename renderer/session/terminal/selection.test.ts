import { Terminal } from '@xterm/xterm'
import { describe, expect, test } from 'vitest'
import { createNoise } from '../../../test/prove/desktop/noise.ts'
import { createChance } from '../../../test/prove/proof.ts'
import { decoded } from '../../../test/support/hostile-terminal/corpus.ts'
import { allowScreenOnly, screenOptions } from '../../ui/screen-only.ts'
import { selectionOf } from './selection.ts'

type Cell = [column: number, row: number]
/** Rows and columns of the buffer, from 0; the end is behind the last column. */
async function selected(octets: string, start: Cell, end: Cell): Promise<Terminal> {
  const terminal = new Terminal({ ...screenOptions, cols: 20, rows: 5 })
  allowScreenOnly(terminal)
  await new Promise<void>((resolve) => terminal.write(octets, resolve))
  return select(terminal, start, end)
}
/** A terminal that is in no page selects nothing itself. */
function select(terminal: Terminal, [fromColumn, fromRow]: Cell, [toColumn, toRow]: Cell): Terminal {
  const lines: string[] = []
  for (let row = fromRow; row <= toRow; row++) {
    const line = terminal.buffer.active.getLine(row)
    const text = line?.translateToString(true, row === fromRow ? fromColumn : 0, row === toRow ? toColumn : terminal.cols) ?? ''
    if (line?.isWrapped && row > fromRow) lines.push((lines.pop() ?? '') + text)
    else lines.push(text)
  }
  return Object.create(terminal, {
    getSelection: { value: () => lines.join('\n').replaceAll('\u00a0', ' ') },
    getSelectionPosition: { value: () => ({ start: { x: fromColumn, y: fromRow }, end: { x: toColumn, y: toRow } }) },
  })
}

describe('what is selected, with its colours', () => {
  test('text without a look stays text', async () => {
    expect(selectionOf(await selected('one two', [0, 0], [7, 0]), 'ansi')).toBe('one two')
  })

  test('nothing is nothing', async () => {
    expect(selectionOf(await selected('one', [10, 0], [12, 0]), 'ansi')).toBe('')
  })

  test('looks and colours of each kind, and plain at the end of the line', async () => {
    const terminal = await selected('\u001b[1;31mA\u001b[0mB\u001b[94;45mC\u001b[0;38;5;200mD\u001b[48;2;1;2;3mE\r\n\u001b[0;3;4;7;9mF', [0, 0], [1, 1])
    expect(selectionOf(terminal, 'ansi')).toBe(
      '\u001b[0;1;31mA\u001b[0mB\u001b[0;94;45mC\u001b[0;38;5;200mD\u001b[0;38;5;200;48;2;1;2;3mE\u001b[0m\n\u001b[0;3;4;7;9mF\u001b[0m',
    )
    expect(selectionOf(terminal, 'text')).toBe('ABCDE\nF')
  })

  test('a wrapped line is one; a part of a line keeps the look that began before it', async () => {
    const terminal = await selected(`\u001b[32m${'g'.repeat(25)}\u001b[0m!`, [18, 0], [6, 1])
    expect(selectionOf(terminal, 'ansi')).toBe(`\u001b[0;32m${'g'.repeat(7)}\u001b[0m!`)
  })

  test('a wide character is once, marks stay with theirs', async () => {
    expect(selectionOf(await selected('a\u001b[33m中e\u0301\u001b[0mz', [0, 0], [5, 0]), 'ansi')).toBe('a\u001b[0;33m中e\u0301\u001b[0mz')
  })

  test('a block of columns is told from lines', async () => {
    const terminal = await selected('ab\u001b[31mcd\u001b[0mef\r\nABCDEF', [2, 0], [4, 1])
    const block = Object.create(terminal, { getSelection: { value: () => 'cd\nCD' } })
    expect(selectionOf(block, 'ansi')).toBe('\u001b[0;31mcd\u001b[0m\nCD')
  })

  test('D19: whatever a device printed, there is no control in it beside our own; without these it is the text', async () => {
    const noise = createNoise(createChance(19))
    for (let turn = 0; turn < 20; turn++) {
      const screen = await selected(decoded(noise(4_000)), [0, 0], [0, 0])
      const { length } = screen.buffer.active
      const terminal = select(screen, [0, Math.max(0, length - 5)], [20, length - 1])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      const left = selectionOf(terminal, 'ansi').replace(/\u001b\[[\d;]*m/g, '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(left).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
      expect(left).toBe(selectionOf(terminal, 'text'))
    }
  })

  test('printed again it is the same, look for look', async () => {
    const octets = '\u001b[1;4;92;44mA\u001b[0;2;7;38;5;17mB C\u001b[0;48;5;9m D\u001b[0m\u001b[38;2;9;8;7mE'
    const once = selectionOf(await selected(octets, [0, 0], [8, 0]), 'ansi')
    expect(selectionOf(await selected(once, [0, 0], [8, 0]), 'ansi')).toBe(once)
  })
})
