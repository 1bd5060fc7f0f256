import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { WebglAddon } from '@xterm/addon-webgl'
import { type ITheme, Terminal } from '@xterm/xterm'
import { isAppKey, keyName } from '../../ui/keys.ts'
import { allowScreenOnly, screenOptions } from '../../ui/screen-only.ts'

const fontFamily = '"JetBrains Mono Variable", "JetBrains Mono", ui-monospace, monospace'

export type OwnTerminal = { terminal: Terminal; fit: FitAddon; search: SearchAddon; dispose(): void }

export type TerminalLook = { fontSize: number; forScreenReader: boolean; words: { input: string; tooMuch: string } }

/** An xterm that does what the device says on its own screen, and nothing beyond it. The element must be in the page and the font loaded. */
export function createTerminal(element: HTMLElement, { fontSize, forScreenReader, words }: TerminalLook): OwnTerminal {
  Terminal.strings.promptLabel = words.input
  Terminal.strings.tooMuchOutput = words.tooMuch
  const terminal = new Terminal({
    ...screenOptions,
    fontFamily,
    fontSize,
    screenReaderMode: forScreenReader,
    cursorStyle: 'block',
    cursorInactiveStyle: 'outline',
    fontWeightBold: 600,
    minimumContrastRatio: 4.5,
    drawBoldTextInBrightColors: false,
    rightClickSelectsWord: false,
    theme: readTheme(),
  })
  const fit = new FitAddon()
  const search = new SearchAddon({ highlightLimit: 1_000 })
  terminal.loadAddon(fit)
  terminal.loadAddon(search)
  allowScreenOnly(terminal)
  terminal.attachCustomKeyEventHandler((event) => event.type !== 'keydown' || !isAppKey(keyName(event)))
  terminal.open(element)
  drawWithGraphics(terminal)
  return { terminal, fit, search, dispose: () => terminal.dispose() }
}

/** WebGL where there is some; when its context is lost (sleep, driver) xterm goes on in the DOM. */
function drawWithGraphics(terminal: Terminal): void {
  try {
    const graphics = new WebglAddon()
    graphics.onContextLoss(() => graphics.dispose())
    terminal.loadAddon(graphics)
  } catch {
    // The DOM renderer is there already.
  }
}

/** The sixteen colours of tokens.css; bright ones are the same, since both meet 4.5:1 on the terminal's ground. */
export function readTheme(): ITheme {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(name).trim()
  const [green, yellow, red, blue, magenta, cyan] = ['green', 'yellow', 'red', 'blue', 'magenta', 'cyan'].map((name) => read(`--term-${name}`))
  const [foreground, background, dim] = [read('--term-fg'), read('--term-bg'), read('--term-dim')]
  return {
    foreground,
    background,
    cursor: read('--accent'),
    cursorAccent: background,
    selectionBackground: read('--term-select'),
    black: dim,
    brightBlack: dim,
    white: foreground,
    brightWhite: foreground,
    ...pair('green', green),
    ...pair('yellow', yellow),
    ...pair('red', red),
    ...pair('blue', blue),
    ...pair('magenta', magenta),
    ...pair('cyan', cyan),
    scrollbarSliderBackground: read('--line-strong'),
    scrollbarSliderHoverBackground: read('--control-line'),
    scrollbarSliderActiveBackground: read('--control-line'),
  }
}

function pair(name: string, colour: string | undefined): ITheme {
  return { [name]: colour, [`bright${name.charAt(0).toUpperCase()}${name.slice(1)}`]: colour }
}

/** xterm measures a cell once: with the wrong font every column would be off. */
export function loadTerminalFont(fontSize: number): Promise<unknown> {
  return Promise.all([document.fonts.load(`${fontSize}px ${fontFamily}`), document.fonts.load(`600 ${fontSize}px ${fontFamily}`)])
}
