/** What a cell shows: its characters ('' is the second half of a wide one), and how it looks. */
export type Cell = { text: string; look: string }
export type Screen = Cell[][]
export type Look = { bold: boolean; italic: boolean; underline: boolean; inverse: boolean; foreground: string; background: string }

/** Of the palette's first sixteen pyte keeps the colour in place of the number where they were chosen out of 256; here all three say the number. */
const first = 'x000000 xcd0000 x00cd00 xcdcd00 x0000ee xcd00cd x00cdcd xe5e5e5 x7f7f7f xff0000 x00ff00 xffff00 x5c5cff xff00ff x00ffff xffffff'
  .replaceAll('x', '#')
  .split(' ')
const steps = [0, 95, 135, 175, 215, 255]

/** `d` for the default, a number below 16, or `#rrggbb`. */
export function colourOf(value: number | string): string {
  if (typeof value === 'number') return value < 16 ? String(value) : colourOf(hexOf(value))
  const at = first.indexOf(value)
  return at < 0 ? value : String(at)
}

export function rgb(red: number, green: number, blue: number): string {
  return colourOf(`#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`)
}

/** The palette of 256: a cube of six steps, then 24 greys. */
function hexOf(index: number): string {
  const grey = 8 + (index - 232) * 10
  const parts = index >= 232 ? [grey, grey, grey] : [36, 6, 1].map((size) => steps[Math.floor((index - 16) / size) % 6] ?? 0)
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}

/** Of an empty cell only what can be seen counts: its ground, and the rest where it is underlined or inverse; of the second half of a wide character nothing. */
export function cell(characters: string, { bold, italic, underline, inverse, foreground, background }: Look): Cell {
  const text = characters === '\u0000' || characters === '\u00a0' ? ' ' : characters
  if (text === '') return { text, look: '' }
  if (text === ' ' && !underline && !inverse) return { text, look: background }
  const drawn = text === ' ' ? [] : [bold, italic].map(Number)
  return { text, look: [...drawn, Number(underline), Number(inverse), foreground, background].join(' ') }
}

export function isEqual(a: Cell | undefined, b: Cell | undefined): boolean {
  return a?.text === b?.text && a?.look === b?.look
}
