import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stream } from './cases.ts'
import { cell, colourOf, type Look, rgb, type Screen } from './screen.ts'

const env = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' }
const plain: Look = { bold: false, italic: false, underline: false, inverse: false, foreground: 'd', background: 'd' }
const lineDrawing = '◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·'

export type Tmux = { screenOf(stream: Stream): Promise<Screen>; record(program: Recording, columns: number, rows: number): Promise<Stream[]>; close(): void }
/** `keys`: after each of them, and before the first, its screen is one to compare. Names of keys as tmux has them. */
export type Recording = { name: string; command: string; keys: readonly string[] }

type Run = (...argv: string[]) => string

/**
 * A tmux of its own in `folder`, without a status line and without anybody's settings. What it tells of a screen leaves out the ground of cells that were erased in a colour, so it is asked what it draws:
 * a second one shows it, as a terminal that erases without colour, and tells.
 */
export function openTmux(folder: string): Tmux {
  const run = startTmux(join(folder, 'tmux'))
  const shown = startTmux(join(folder, 'shown'))
  run('set', '-ga', 'terminal-overrides', ',*:Tc')
  let count = 0
  async function open(command: string, columns: number, rows: number): Promise<string> {
    const name = `pane${++count}`
    run('new-session', '-d', '-s', name, '-x', String(columns), '-y', String(rows), command)
    return name
  }
  async function drawn(name: string, columns: number, rows: number): Promise<string> {
    const attach = `exec env -u TMUX TERM=tmux-256color tmux -u -S '${join(folder, 'tmux')}' attach -t ${name}`
    shown('new-session', '-d', '-s', name, '-x', String(columns), '-y', String(rows), attach)
    const textOf = (server: Run) => server('capture-pane', '-p', '-t', name).replace(/ +$/gm, '')
    const text = textOf(run)
    for (let turn = 0; textOf(shown) !== text && turn < 100; turn++) await sleep(30)
    const capture = () => shown('capture-pane', '-p', '-e', '-N', '-t', name)
    let before = ''
    for (let now = capture(), same = 0; same < 5; same = now === before ? same + 1 : 0, before = now, now = capture()) await sleep(100)
    return before
  }
  return {
    async screenOf({ octets, columns, rows }) {
      const [file, done] = [join(folder, `stream-${count}`), join(folder, `done-${count}`)]
      writeFileSync(file, octets)
      const name = await open(`exec bash '${join(import.meta.dirname, 'play.sh')}' '${file}' '${done}'`, columns, rows)
      for (let turn = 0; !existsSync(done) && turn < 1_500; turn++) await sleep(20)
      const screen = parseCapture(await drawn(name, columns, rows), columns, rows)
      for (const server of [shown, run]) server('kill-session', '-t', name)
      return screen
    },
    async record({ name, command, keys }, columns, rows) {
      const file = join(folder, `record-${count}`)
      writeFileSync(file, '')
      const pane = await open(`read _; exec env TERM=xterm-256color LC_ALL=C.UTF-8 ${command}`, columns, rows)
      run('pipe-pane', '-O', '-t', pane, `exec cat >> '${file}'`)
      run('send-keys', '-t', pane, 'Enter')
      const cuts = [await settled(file)]
      for (const key of keys) {
        run('send-keys', '-t', pane, '--', key)
        cuts.push(await settled(file))
      }
      spawnSync('tmux', ['-S', join(folder, 'tmux'), 'kill-session', '-t', pane], { env })
      return cuts.map((octets, at) => ({ group: name, name: `${columns} × ${rows}, ${at === 0 ? 'begun' : `after ${keys[at - 1]}`}`, octets, columns, rows }))
    },
    close() {
      for (const name of ['shown', 'tmux']) spawnSync('tmux', ['-S', join(folder, name), 'kill-server'], { env })
    },
  }
}

function startTmux(socket: string): Run {
  const run: Run = (...argv) => execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', socket, ...argv], { env, encoding: 'utf8' })
  run('new-session', '-d', '-s', 'first', 'cat')
  run('set', '-g', 'status', 'off')
  run('set', '-g', 'escape-time', '0')
  return run
}

/** What a program has written once it writes no more for a while. */
async function settled(file: string): Promise<string> {
  let size = -1
  for (let quiet = 0, turn = 0; quiet < 4 && turn < 40; turn++) {
    await sleep(150)
    const now = statSync(file).size
    quiet = now === size && now > 0 ? quiet + 1 : 0
    size = now
  }
  return execFileSync('cat', [file], { encoding: 'utf8', maxBuffer: 64_000_000 })
}

/** tmux tells rows as text with looks, not columns: where the widths that it has given do not add up to the row, this shows as cells that differ. */
export function parseCapture(captured: string, columns: number, rows: number): Screen {
  let look = plain
  let isDrawing = false
  const lines = captured.split('\n').slice(0, rows)
  return Array.from({ length: rows }, (_, row) => {
    const cells: Screen[number] = []
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is how looks are written
    for (const [part] of (lines[row] ?? '').matchAll(/\u001b\[([\d;:]*)m|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[\s\S]/gu)) {
      if (part.startsWith('\u001b[')) look = lookAfter(look, part.slice(2, -1))
      else if (part === '\u000e' || part === '\u000f') isDrawing = part === '\u000e'
      else if (part.startsWith('\u001b')) continue
      else add(cells, isDrawing ? (lineDrawing[part.charCodeAt(0) - 0x60] ?? part) : part, look)
    }
    while (cells.length < columns) cells.push(cell(' ', plain))
    return cells.slice(0, columns)
  })
}

function add(cells: Screen[number], character: string, look: Look): void {
  const last = cells.findLastIndex(({ text }) => text !== '')
  const before = cells[last]
  if (isJoined(character) && before) cells[last] = { ...before, text: before.text + character }
  else {
    cells.push(cell(character, look))
    if (isWide(character)) cells.push(cell('', look))
  }
}

function isJoined(character: string): boolean {
  return /^(?:\p{M}|\u200d|[\u1160-\u11ff])$/u.test(character) && !/^\p{Mc}$/u.test(character)
}

function isWide(character: string): boolean {
  return (
    /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}$/u.test(
      character,
    ) && !/^\p{RI}$/u.test(character)
  )
}

function lookAfter(before: Look, numbers: string): Look {
  const codes = (numbers || '0').split(';')
  let look = before
  for (let at = 0; at < codes.length; at++) {
    const code = Number.parseInt(codes[at] ?? '', 10)
    if (code === 38 || code === 48) {
      const isRgb = codes[at + 1] === '2'
      const [red = 0, green = 0, blue = 0] = codes.slice(at + 2, at + 5).map(Number)
      look = { ...look, [code === 38 ? 'foreground' : 'background']: isRgb ? rgb(red, green, blue) : colourOf(red) }
      at += isRgb ? 4 : 2
    } else look = { ...look, ...simple(code) }
  }
  return look
}

function simple(code: number): Partial<Look> {
  if (code === 0) return plain
  if (code === 1 || code === 3 || code === 4 || code === 7) return { [{ 1: 'bold', 3: 'italic', 4: 'underline', 7: 'inverse' }[code]]: true }
  if (code === 39) return { foreground: 'd' }
  if (code === 49) return { background: 'd' }
  if (code >= 30 && code < 38) return { foreground: String(code - 30) }
  if (code >= 40 && code < 48) return { background: String(code - 40) }
  if (code >= 90 && code < 98) return { foreground: String(code - 82) }
  return code >= 100 && code < 108 ? { background: String(code - 92) } : {}
}
