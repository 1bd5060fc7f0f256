import { registerHooks } from 'node:module'
import type { Stream } from './cases.ts'
import { cell, colourOf, rgb, type Screen } from './screen.ts'

/** xterm's own types are a browser's, which nothing here may lean on. */
type OwnCell = {
  [N in 'getWidth' | 'isBold' | 'isItalic' | 'isUnderline' | 'isInverse' | 'getFgColor' | 'getBgColor']: () => number
} & { [N in 'isFgRGB' | 'isBgRGB' | 'isFgDefault' | 'isBgDefault']: () => boolean } & { getChars(): string }
type Own = {
  write(octets: Uint8Array | string, done: () => void): void
  dispose(): void
  buffer: { active: { baseY: number; getLine(row: number): { getCell(column: number): OwnCell | undefined } | undefined } }
}

const xterm = new URL('../../../../node_modules/@xterm/', import.meta.url)

/** The window's terminal as it is set up there (`renderer/ui/screen-only.ts`), without a page to draw it on. */
export async function openOwn(): Promise<(stream: Stream) => Promise<Screen>> {
  // The packages have a module for bundlers beside the one that Node would take.
  const hooks = registerHooks({
    resolve(name, context, next) {
      const [, short] = /^@xterm\/([a-z0-9-]+)$/.exec(name) ?? []
      return short ? { url: new URL(`${short}/lib/${short}.mjs`, xterm).href, format: 'module', shortCircuit: true } : next(name, context)
    },
  })
  const { Terminal } = (await import(new URL('xterm/lib/xterm.mjs', xterm).href)) as { Terminal: new (options: object) => Own }
  const { allowScreenOnly, screenOptions } = (await import(new URL('../../../../renderer/ui/screen-only.ts', import.meta.url).href)) as {
    allowScreenOnly(terminal: Own): void
    screenOptions: object
  }
  hooks.deregister()
  return async ({ octets, columns, rows }) => {
    const terminal = new Terminal({ ...screenOptions, cols: columns, rows })
    allowScreenOnly(terminal)
    await new Promise<void>((resolve) => terminal.write(new TextDecoder().decode(Buffer.from(octets)), resolve))
    const screen = readScreen(terminal, columns, rows)
    terminal.dispose()
    return screen
  }
}

function readScreen({ buffer: { active } }: Own, columns: number, rows: number): Screen {
  return Array.from({ length: rows }, (_, row) => {
    const line = active.getLine(active.baseY + row)
    return Array.from({ length: columns }, (_, column) => {
      const one = line?.getCell(column)
      return one ? cell(one.getWidth() === 0 ? '' : one.getChars() || ' ', lookOf(one)) : { text: '?', look: '' }
    })
  })
}

function lookOf(one: OwnCell) {
  return {
    bold: one.isBold() !== 0,
    italic: one.isItalic() !== 0,
    underline: one.isUnderline() !== 0,
    inverse: one.isInverse() !== 0,
    foreground: colour(one.isFgDefault(), one.isFgRGB(), one.getFgColor()),
    background: colour(one.isBgDefault(), one.isBgRGB(), one.getBgColor()),
  }
}

function colour(isDefault: boolean, isRgb: boolean, value: number): string {
  if (isDefault) return 'd'
  return isRgb ? rgb(value >> 16, (value >> 8) & 255, value & 255) : colourOf(value)
}
