import type { Terminal } from '@xterm/xterm'

/** What is used of the inside of xterm 6.0.0, `common/buffer/BufferLine.ts` and `Constants.ts`: three words a cell, of which marks beside a character and looks beyond the common ones lie elsewhere. */
type Line = {
  length: number
  _data: Uint32Array
  insertCells(at: number, count: number, filling: unknown): void
  setCell(at: number, cell: unknown): void
  getWidth(at: number): number
  setCellFromCodepoint(at: number, codePoint: number, width: number, look: unknown): void
}
const wordsPerCell = 3
const lookWord = 2
const hasMarks = 1 << 21
const hasMoreLook = 0x1000_0000

/**
 * In insert mode xterm moves the rest of the line for each character that is printed, cell by cell: a device that floods so takes ten times as long to draw as any other. Here
 * the line is moved in one piece, with the same outcome. Where xterm's inside is another one than this, nothing is changed.
 */
export function insertInOnePiece(terminal: Terminal): void {
  const line = (terminal as unknown as { _core?: { buffer?: { lines?: { get(row: number): unknown } } } })._core?.buffer?.lines?.get(0)
  if (!isKnown(line)) return
  const kind = Object.getPrototypeOf(line) as Line
  if (changed.has(kind)) return
  changed.add(kind)
  const cellByCell = kind.insertCells
  kind.insertCells = function (at, count, filling) {
    if (at + count >= this.length || !isPlain(this, at)) return cellByCell.call(this, at, count, filling)
    // Half of a wide character is none, at the place of insertion and at the end of the line.
    if (at > 0 && this.getWidth(at - 1) === 2) this.setCellFromCodepoint(at - 1, 0, 1, filling)
    this._data.copyWithin((at + count) * wordsPerCell, at * wordsPerCell, (this.length - count) * wordsPerCell)
    for (let cell = at; cell < at + count; cell++) this.setCell(cell, filling)
    if (this.getWidth(this.length - 1) === 2) this.setCellFromCodepoint(this.length - 1, 0, 1, filling)
  }
}

const changed = new WeakSet<object>()

function isKnown(line: unknown): line is Line {
  if (typeof line !== 'object' || line === null || !('_data' in line) || !(line._data instanceof Uint32Array)) return false
  const { length, insertCells, setCell, getWidth, setCellFromCodepoint } = line as Line
  const isWhole = [insertCells, setCell, getWidth, setCellFromCodepoint].every((part) => typeof part === 'function')
  return isWhole && line._data.length >= length * wordsPerCell
}

/** From there on nothing that lies outside of the line's own words. */
function isPlain({ _data: words, length }: Line, from: number): boolean {
  for (let word = from * wordsPerCell; word < length * wordsPerCell; word += wordsPerCell) {
    if (((words[word] ?? 0) & hasMarks) !== 0 || ((words[word + lookWord] ?? 0) & hasMoreLook) !== 0) return false
  }
  return true
}
