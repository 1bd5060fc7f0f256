import type { PanelScreen } from '@gantry/shared/panel.ts'
import { type IBufferCell, type IBufferLine, Terminal } from '@xterm/xterm'
import { allowScreenOnly, screenOptions } from '../../../renderer/ui/screen-only.ts'
import { element } from './elements.ts'

/**
 * What the specialist sees, mirrored. xterm only interprets the bytes, without ever being opened on the page; the rows are drawn here as plain text. So a hostile
 * output finds nothing to act on: no link, no title, no clipboard, no image, no answer to a query, no style of its own beyond sixteen colours. Nor does it keep the page busy, or End would be out of reach.
 */
export type Mirror = {
  element: HTMLElement
  write(output: Output): void
  /** Forgets the sessions that are not among these. */
  keep(requestIds: string[]): void
  /** Draws what this session's last active terminal shows. */
  show(requestId: string): void
}
type Output = Extract<PanelScreen, { type: 'output' }>
type Shown = { requestId: string; terminal: Terminal; usedAt: number }

const defaultSize = { cols: 80, rows: 24 }
/** A terminal's memory is bounded by its rows: the mirror scrolls back no further. */
const maxTerminals = 8
/** Font size in px, and a mono character's width and height as parts of it. */
const font = { least: 11, most: 22, width: 0.602, height: 1.45 }

export function createMirror(): Mirror {
  const rows = element('pre', { class: 'mirror' })
  const terminals = new Map<string, Shown>()
  let shown = ''
  let willDraw = false
  let uses = 0

  const draw = () => {
    willDraw = false
    const active = [...terminals.values()].filter((one) => one.requestId === shown).sort((a, b) => b.usedAt - a.usedAt)[0]
    rows.replaceChildren(...(active ? drawRows(active.terminal, fit(rows, active.terminal)) : []))
  }
  const drawSoon = () => {
    if (!willDraw) requestAnimationFrame(draw)
    willDraw = true
  }
  const forget = (key: string) => {
    terminals.get(key)?.terminal.dispose()
    terminals.delete(key)
  }
  const open = (key: string, { requestId, size }: Output): Shown => {
    const known = terminals.get(key)
    const terminal = known?.terminal ?? openTerminal()
    if (size && (terminal.cols !== size.columns || terminal.rows !== size.rows)) terminal.resize(size.columns, size.rows)
    const one: Shown = known ?? { requestId, terminal, usedAt: 0 }
    terminals.set(key, one)
    const oldest = [...terminals].sort(([, a], [, b]) => a.usedAt - b.usedAt)[0]?.[0]
    if (terminals.size > maxTerminals && oldest && oldest !== key) forget(oldest)
    return one
  }
  new ResizeObserver(drawSoon).observe(rows)
  return {
    element: rows,
    write(output) {
      const one = open(`${output.requestId}/${output.terminal}`, output)
      one.usedAt = ++uses
      one.terminal.write(
        Uint8Array.from(atob(output.data), (character) => character.charCodeAt(0)),
        drawSoon,
      )
    },
    keep(requestIds) {
      for (const [key, { requestId }] of terminals) if (!requestIds.includes(requestId)) forget(key)
    },
    show(requestId) {
      shown = requestId
      drawSoon()
    },
  }
}

function openTerminal(): Terminal {
  const terminal = new Terminal({ ...screenOptions, ...defaultSize, scrollback: 0, disableStdin: true })
  allowScreenOnly(terminal)
  return terminal
}

/** As large as the width allows; a full-screen program must fit whole, else the last rows count. Returns how many rows there is room for. */
function fit(box: HTMLElement, { cols, rows, buffer }: Terminal): number {
  const style = getComputedStyle(box)
  const width = box.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight)
  const height = box.clientHeight - Number.parseFloat(style.paddingTop) - Number.parseFloat(style.paddingBottom)
  const byWidth = width / (cols * font.width)
  const size = buffer.active.type === 'alternate' ? Math.min(byWidth, height / (rows * font.height)) : byWidth
  const px = Math.max(font.least, Math.min(font.most, Math.floor(size * 4) / 4))
  box.style.setProperty('--mirror-size', `${px}px`)
  return Math.max(1, Math.floor(height / (px * font.height)))
}

function drawRows({ rows, buffer }: Terminal, room: number): HTMLElement[] {
  const { active } = buffer
  const cell = active.getNullCell()
  const lines: HTMLElement[] = []
  let used = active.cursorY
  for (let row = 0; row < rows; row++) {
    const line = active.getLine(active.baseY + row)
    const text = line ? drawLine(line, { cell, cursor: row === active.cursorY ? active.cursorX : -1 }) : element('div')
    if (text.textContent?.trim()) used = Math.max(used, row)
    lines.push(text)
  }
  return lines.slice(0, used + 1).slice(-room)
}

function drawLine(line: IBufferLine, { cell, cursor }: { cell: IBufferCell; cursor: number }): HTMLElement {
  const row = element('div')
  let run = ''
  let look = ''
  const flush = () => {
    if (run) row.append(look ? element('span', { class: look }, run) : run)
    run = ''
  }
  for (let column = 0; column < line.length; column++) {
    line.getCell(column, cell)
    // The second half of a wide character holds nothing.
    if (cell.getWidth() === 0) continue
    const next = column === cursor ? `${lookOf(cell)} cursor` : lookOf(cell)
    if (next !== look) flush()
    look = next
    run += cell.isInvisible() ? ' ' : cell.getChars() || ' '
  }
  if (look.includes('inverse') || look.includes('cursor')) flush()
  run = run.trimEnd()
  flush()
  return row
}

const palette = ['dim', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', '']

/** The panel has one colour per role, so bright and plain are the same, and true colours are plain text. */
function lookOf(cell: IBufferCell): string {
  const colour = cell.isFgPalette() ? (palette[cell.getFgColor() % 8] ?? '') : ''
  const named = cell.isFgPalette() && cell.getFgColor() < 16 ? colour : ''
  return [named, cell.isBold() ? 'bold' : '', cell.isDim() ? 'dim' : '', cell.isInverse() ? 'inverse' : ''].filter(Boolean).join(' ')
}
