import type { IBuffer, IBufferCell, IBufferRange, Terminal } from '@xterm/xterm'

/** `ansi`: with colours and looks, as select-graphic-rendition sequences (ECMA-48 section 8.3.117) and no other control. */
export type CopyForm = 'text' | 'ansi'

type Selecting = Pick<Terminal, 'getSelection' | 'getSelectionPosition' | 'cols'> & { buffer: Pick<Terminal['buffer'], 'active'> }
type Span = { row: number; from: number; to: number; joins: boolean }

const plainLook = '0'
const looks: readonly [code: number, is: (cell: IBufferCell) => number][] = [
  [1, (cell) => cell.isBold()],
  [2, (cell) => cell.isDim()],
  [3, (cell) => cell.isItalic()],
  [4, (cell) => cell.isUnderline()],
  [5, (cell) => cell.isBlink()],
  [7, (cell) => cell.isInverse()],
  [8, (cell) => cell.isInvisible()],
  [9, (cell) => cell.isStrikethrough()],
  [53, (cell) => cell.isOverline()],
]

/** What is selected; empty where nothing is. */
export function selectionOf(terminal: Selecting, form: CopyForm): string {
  const text = terminal.getSelection()
  const range = terminal.getSelectionPosition()
  if (form === 'text' || text === '' || !range) return text
  const { active } = terminal.buffer
  const inLines = lineSpans(active, range, terminal.cols)
  // xterm does not tell whether lines or a block of columns are selected; their texts do.
  const spans = linesOf(active, inLines, textOf).join('\n') === text.replaceAll('\r\n', '\n') ? inLines : blockSpans(range)
  return linesOf(active, spans, ansiOf).join(text.includes('\r\n') ? '\r\n' : '\n')
}

function lineSpans(buffer: IBuffer, { start, end }: IBufferRange, columns: number): Span[] {
  return rowsOf(start.y, end.y).map((row) => ({
    row,
    from: row === start.y ? start.x : 0,
    to: row === end.y ? end.x : columns,
    joins: row > start.y && buffer.getLine(row)?.isWrapped === true,
  }))
}

function blockSpans({ start, end }: IBufferRange): Span[] {
  return rowsOf(start.y, end.y).map((row) => ({ row, from: Math.min(start.x, end.x), to: Math.max(start.x, end.x), joins: false }))
}

function rowsOf(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

/** A line that the terminal wrapped is one line. */
function linesOf(buffer: IBuffer, spans: readonly Span[], write: (cells: readonly IBufferCell[]) => string): string[] {
  const lines: IBufferCell[][] = []
  for (const span of spans) {
    const cells = cellsOf(buffer, span)
    if (span.joins) lines.at(-1)?.push(...cells)
    else lines.push(cells)
  }
  return lines.map(write)
}

/** Without the empty ones at the end, and without the second half of a wide character. */
function cellsOf(buffer: IBuffer, { row, from, to }: Span): IBufferCell[] {
  const line = buffer.getLine(row)
  const cells = Array.from({ length: Math.max(0, to - from) }, (_, at) => line?.getCell(from + at)).filter((cell) => cell !== undefined)
  const last = cells.findLastIndex((cell) => cell.getChars() !== '')
  return cells.slice(0, last + 1).filter((cell) => cell.getWidth() > 0)
}

function charactersOf(cell: IBufferCell): string {
  return (cell.getChars() || ' ').replaceAll('\u00a0', ' ')
}

function textOf(cells: readonly IBufferCell[]): string {
  return cells.map(charactersOf).join('')
}

/** Each line begins and ends plain, so that one can be taken out of the text. */
function ansiOf(cells: readonly IBufferCell[]): string {
  let written = ''
  let now = plainLook
  for (const cell of cells) {
    const look = lookOf(cell)
    if (look !== now) written += `\u001b[${look}m`
    now = look
    written += charactersOf(cell)
  }
  return now === plainLook ? written : `${written}\u001b[0m`
}

function lookOf(cell: IBufferCell): string {
  const own = looks.filter(([, is]) => is(cell) !== 0).map(([code]) => code)
  return [
    plainLook,
    ...own,
    ...colour(38, cell.isFgRGB(), cell.isFgDefault(), cell.getFgColor()),
    ...colour(48, cell.isBgRGB(), cell.isBgDefault(), cell.getBgColor()),
  ].join(';')
}

/** `selects`: 38 for the foreground, 48 for the background. The first sixteen have codes of their own, which more programs know. */
function colour(selects: 38 | 48, isRgb: boolean, isDefault: boolean, value: number): number[] {
  if (isDefault) return []
  if (isRgb) return [selects, 2, value >> 16, (value >> 8) & 255, value & 255]
  if (value < 8) return [selects - 8 + value]
  return value < 16 ? [selects + 52 + value - 8] : [selects, 5, value]
}
