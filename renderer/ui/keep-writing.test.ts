import { Terminal } from '@xterm/xterm'
import { describe, expect, test } from 'vitest'
import { keepWriting } from './keep-writing.ts'
import { screenOptions } from './screen-only.ts'

type Inside = { _core: { _inputHandler: Record<string, unknown> } }
const insideOf = (terminal: Terminal) => (terminal as unknown as Inside)._core._inputHandler

const print = (terminal: Terminal, text: string) => new Promise<void>((resolve) => terminal.write(text, resolve))
const rowsOf = ({ buffer: { active }, rows }: Terminal) => Array.from({ length: rows }, (_, row) => active.getLine(active.baseY + row)?.translateToString(true))

describe('goal D19: nothing that a device prints ends the drawing', () => {
  test.each([
    ['without lines above the screen', ''],
    ['on the alternate screen', '\u001b[?1049h'],
    ['with lines above it', '\r\n'.repeat(40)],
  ])('all is erased up to the last cell, %s, and what comes next is drawn', async (_, before) => {
    const terminal = new Terminal({ ...screenOptions, cols: 20, rows: 4 })
    keepWriting(terminal)
    await print(terminal, `${before}\u001b[Hfirst\u001b[4;1Hlast\u001b[4;20H\u001b[1J\u001b[2;1Hnext`)
    expect(rowsOf(terminal)).toEqual(['', 'next', '', ''])
    terminal.dispose()
  })

  test('what is protected stays where only the rest is to be erased', async () => {
    const terminal = new Terminal({ ...screenOptions, cols: 20, rows: 4 })
    keepWriting(terminal)
    await print(terminal, '\u001b[1"qkept\u001b[0"q gone\u001b[4;20H\u001b[?1J')
    expect(rowsOf(terminal)).toEqual(['kept', '', '', ''])
    terminal.dispose()
  })

  test('where a method of xterm fails, that piece of output is left out and no other', async () => {
    const terminal = new Terminal({ ...screenOptions, cols: 20, rows: 2 })
    const kind = Object.getPrototypeOf(insideOf(terminal)) as { insertLines: () => boolean }
    const { insertLines } = kind
    kind.insertLines = () => {
      throw new TypeError('as a defect of xterm')
    }
    try {
      keepWriting(terminal)
      await print(terminal, 'one\u001b[Ltwo\u001b[L three')
      expect(rowsOf(terminal)).toEqual(['onetwo three', ''])
    } finally {
      kind.insertLines = insertLines
      terminal.dispose()
    }
  })

  test('a terminal of another make is left as it is', () => {
    for (const inside of [{}, { _core: {} }, { _core: { _inputHandler: {} } }, { _core: { _inputHandler: { print: () => true } } }]) {
      expect(() => keepWriting(inside as never)).not.toThrow()
    }
  })
})
