import { Terminal } from '@xterm/xterm'
import { describe, expect, test } from 'vitest'
import { createChance } from '../../test/prove/proof.ts'
import { insertInOnePiece } from './quick-insert.ts'
import { screenOptions } from './screen-only.ts'

const insertMode = '\u001b[4h'
/** Plain letters, looks, wide characters, marks and curled underlines, put in at every place of a line. */
const printed = ['abc', '\u001b[1;31mR', '中文', 'e\u0301', '\u001b[4:3;58;5;9mU', '\u001b[0m', '😀', '\u001b[48;2;9;9;9m ', '\t', '\u001b[3@', '\u001b[P']

async function screenOf(octets: string): Promise<string[]> {
  const terminal = new Terminal({ ...screenOptions, cols: 31, rows: 6 })
  await new Promise<void>((resolve) => terminal.write(octets, resolve))
  const { active } = terminal.buffer
  return Array.from({ length: 6 * 31 }, (_, at) => {
    const cell = active.getLine(active.baseY + Math.floor(at / 31))?.getCell(at % 31)
    return [cell?.getChars(), cell?.getWidth(), cell?.getFgColor(), cell?.getBgColor(), cell?.isBold(), cell?.isUnderline(), cell?.isInverse()].join(' ')
  })
}

const seeds = Array.from({ length: 60 }, (_, seed) => seed)
const places = seeds.map((seed) => {
  const chance = createChance(seed)
  const parts = Array.from(
    { length: 80 },
    () => `\u001b[${1 + Math.floor(chance() * 3)};${1 + Math.floor(chance() * 31)}H${printed[Math.floor(chance() * printed.length)]}`,
  )
  return `${insertMode}${parts.join('')}`
})
const before = await Promise.all(places.map(screenOf))

describe('insert mode', () => {
  test('a line moved in one piece is the line that xterm moves cell by cell', async () => {
    const terminal = new Terminal({ ...screenOptions })
    const line = (terminal as unknown as { _core: { buffer: { lines: { get(row: number): { insertCells: unknown } } } } })._core.buffer.lines.get(0)
    const own = line.insertCells
    insertInOnePiece(terminal)
    // A later xterm with another inside is left as it is: this is where that is noticed.
    expect(line.insertCells).not.toBe(own)
    const changed = line.insertCells
    insertInOnePiece(terminal)
    expect(line.insertCells).toBe(changed)
    expect(await Promise.all(places.map(screenOf))).toEqual(before)
  })

  test('what is no line that is known is left alone', () => {
    for (const inside of [{}, { _core: {} }, { _core: { buffer: { lines: { get: () => ({ length: 1, _data: [] }) } } } }]) {
      expect(() => insertInOnePiece(inside as never)).not.toThrow()
    }
  })
})
