import { focusEvents, questions } from '@gantry/shared/terminal-questions.ts'
import { Unicode11Addon } from '@xterm/addon-unicode11'
import type { IFunctionIdentifier, ITerminalOptions, IUnicodeVersionProvider, Terminal } from '@xterm/xterm'
import { keepWriting } from './keep-writing.ts'
import { insertInOnePiece } from './quick-insert.ts'

/** What of xterm's options shapes what a device's output can do. */
export const screenOptions = {
  allowProposedApi: true,
  scrollback: 10_000,
  cursorBlink: false,
  convertEol: false,
  windowOptions: {},
  // It would write of each octet that it does not understand.
  logLevel: 'off',
} satisfies ITerminalOptions

/**
 * Strings (OSC) that reach beyond the screen: window and icon title (0, 1, 2), properties of its window (3), colours that would be told back and are the person's choice
 * (4, 5, 10 to 19 and 104 to 119), folder (7), hyperlinks (8), a program's notices and files (9, 99, 777, 1337), font (50), clipboard (52). A device must not name our
 * window, make text lead elsewhere, or write what the specialist pastes next.
 */
const strings = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 51, 52, 60, 61, 99, 777, 1337, ...range(10, 19), ...range(104, 106), ...range(110, 119)]

/** Strings of a device (DCS): settings (DECRQSS), termcap entries, saved states; images. */
const deviceStrings: readonly IFunctionIdentifier[] = [
  { intermediates: '$', final: 'q' },
  { intermediates: '+', final: 'q' },
  { intermediates: '+', final: 'p' },
  { intermediates: '$', final: 't' },
  { final: 'q' },
]

/** Done by xterm as often as the number says, which can be two thousand million times: lines inserted, deleted, scrolled; tabs, and the last character again. */
const repeated = { byRows: ['L', 'M', 'S', 'T'], byColumns: ['I', 'Z', 'b'] } as const

/** What the device says stays on its own screen, the answers are those that `questions` leaves, no number keeps the window busy, and nothing stops it. */
export function allowScreenOnly(terminal: Terminal): void {
  const { parser } = terminal
  for (const code of strings) parser.registerOscHandler(code, () => true)
  for (const id of questions) parser.registerCsiHandler(id, () => true)
  for (const id of deviceStrings) parser.registerDcsHandler(id, () => true)
  parser.registerCsiHandler({ prefix: '?', final: 'h' }, (params) => params.flat().includes(focusEvents))
  for (const final of repeated.byRows) parser.registerCsiHandler({ final }, ([count]) => Number(count) > terminal.rows)
  for (const final of repeated.byColumns) parser.registerCsiHandler({ final }, ([count]) => Number(count) > terminal.cols)
  boundMarks(terminal)
  insertInOnePiece(terminal)
  keepWriting(terminal)
}

/** Marks that one character may carry, more than languages write. A cell with a hundred thousand takes minutes to draw, a screen of cells with thirty takes ten seconds. */
const maxMarks = 6
/** How xterm packs what it is told of a character: whether it joins the one before it, the width, and above them whatever a provider wants to be told back. */
const packed = { joins: 1, widthOne: 1 << 1, keptAt: 3 } as const

/** The widths of Unicode 11, with a mark beyond `maxMarks` in a cell of its own. */
function boundMarks(terminal: Terminal): void {
  let widths: IUnicodeVersionProvider | undefined
  const register = (provider: IUnicodeVersionProvider) => {
    widths = provider
  }
  // The addon gives its table to whoever it is loaded into; it is taken from there.
  new Unicode11Addon().activate(Object.create(terminal, { unicode: { value: { register } } }))
  const table = widths
  if (!table) throw new Error('the addon has no widths')
  terminal.unicode.register({
    version: '11-bounded',
    wcwidth: (code) => table.wcwidth(code),
    charProperties(code, before) {
      const properties = table.charProperties(code, before)
      if ((properties & packed.joins) === 0) return properties
      const marks = (before >> packed.keptAt) + 1
      return marks > maxMarks ? packed.widthOne : properties | (marks << packed.keptAt)
    },
  })
  terminal.unicode.activeVersion = '11-bounded'
}

/** CAN, which ends whatever is unfinished (ECMA-48 has none; DEC STD 070 and xterm's parser do). */
const cancel = '\u0018'
/** Mouse reports and their form, bracketed paste, output held back, cursor blinking: what a soft reset leaves alone. */
const modesOff = '\u001b[?9;1000;1002;1003;1005;1006;1015;1016l\u001b[?2004l\u001b[?2026l\u001b[?12l\u001b[20l\u001b[0 q'
const softReset = '\u001b[!p'

/**
 * Brings back a terminal that a program has left unusable, whatever state it is in. What stood on the screen goes into the scrollback, where nothing is lost; a full
 * reset (RIS) would forget that. Both screens are reset, the normal one is shown, and nothing is sent to the device.
 */
export function resetScreen(terminal: Pick<Terminal, 'write' | 'cols' | 'rows' | 'scrollToBottom'>): void {
  const { cols, rows } = terminal
  const tabStops = range(0, Math.floor((cols - 1) / 8)).map((stop) => `\u001b[${stop * 8 + 1}G\u001bH`)
  const emptied = `\u001b[${rows};1H${'\n'.repeat(rows)}\u001b[H`
  terminal.write(`${cancel}\u001b[?47h${softReset}\u001b[?47l${softReset}${modesOff}\u001b[3g${tabStops.join('')}${emptied}`, () => terminal.scrollToBottom())
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}
