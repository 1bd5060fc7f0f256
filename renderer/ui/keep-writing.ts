import type { Terminal } from '@xterm/xterm'

/** What is used of the inside of xterm 6.0.0, `common/InputHandler.ts`: a method for each thing that output can ask for. */
type InputHandler = Record<string, unknown> & {
  _activeBuffer: { x: number; y: number; lines: { length: number } }
  eraseInDisplay(params: { params: ArrayLike<number> }, onlyUnprotected?: boolean): boolean
}
/** What no piece of output calls by itself. */
const notAsked = /^(constructor|dispose|parse|register\w+|_\w+)$/
const erase = { toCursor: 1, all: 2 } as const

/**
 * An error in one of xterm's own methods ends its writing for good: what comes later waits for ever, and whoever prints what brings it about keeps everybody in front of the
 * terminal from seeing what happens next. Here such a piece of output is left out and the next one is drawn. One is known: erasing all up to the last cell of the screen (ED 1)
 * where nothing is below it; that is done as what it is, erasing all. Where xterm's inside is another one than this, nothing is changed.
 */
export function keepWriting(terminal: Terminal): void {
  const handler = (terminal as unknown as { _core?: { _inputHandler?: unknown } })._core?._inputHandler
  if (!isKnown(handler)) return
  const eraseInDisplay = handler.eraseInDisplay.bind(handler)
  handler.eraseInDisplay = (given, onlyUnprotected) => {
    const { x, y, lines } = handler._activeBuffer
    const isAll = given.params[0] === erase.toCursor && x + 1 >= terminal.cols && y + 1 >= lines.length
    return eraseInDisplay(isAll ? { params: [erase.all] } : given, onlyUnprotected)
  }
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(handler))) {
    const method = notAsked.test(name) ? null : handler[name]
    if (typeof method === 'function') handler[name] = withoutError(method.bind(handler))
  }
}

function withoutError(method: (...given: unknown[]) => unknown): (...given: unknown[]) => unknown {
  return (...given) => {
    try {
      return method(...given)
    } catch {
      return true
    }
  }
}

function isKnown(handler: unknown): handler is InputHandler {
  if (typeof handler !== 'object' || handler === null) return false
  const { _activeBuffer: buffer, eraseInDisplay, print } = handler as Partial<InputHandler>
  return typeof eraseInDisplay === 'function' && typeof print === 'function' && typeof buffer?.x === 'number' && typeof buffer.lines?.length === 'number'
}
