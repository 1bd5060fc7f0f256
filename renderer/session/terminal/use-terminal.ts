import type { Failure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { call, failureOf, knownFailure } from '../../api.ts'
import { useWindowState } from '../../state.ts'
import { useSpeech } from '../../ui/language.tsx'
import { useStore } from '../../ui/store.ts'
import { createCommandWatch } from './command-watch.ts'
import { createTerminal, loadTerminalFont, type OwnTerminal, readTheme, type TerminalLook } from './create-terminal.ts'
import { createDrawnCounter } from './drawn-counter.ts'
import { joined } from './joined.ts'
import { pieces } from './paste-guard.ts'

export type TerminalPhase = { kind: 'opening' } | { kind: 'open' } | { kind: 'closed'; exitCode: number | null } | { kind: 'failed'; failure: Failure }
export type Size = { columns: number; rows: number }
export type TerminalControl = { phase: TerminalPhase; size: Size; own: RefObject<OwnTerminal | null>; reopen(): void }

const drawnAtOnce = 4_096
const leastSize: Size = { columns: 2, rows: 2 }

/** A terminal of the device in `element`, from its opening to its end. */
export function useTerminal(requestId: RequestId, element: RefObject<HTMLDivElement | null>): TerminalControl {
  const { terminals, settings } = useWindowState()
  const { terminalFontSize, terminalScreenReader } = useStore(settings.store)
  const { words } = useSpeech()
  const [phase, setPhase] = useState<TerminalPhase>({ kind: 'opening' })
  const [size, setSize] = useState<Size>({ columns: 80, rows: 24 })
  const [turn, setTurn] = useState(0)
  const own = useRef<OwnTerminal | null>(null)
  const look = useRef<TerminalLook>({ fontSize: terminalFontSize, forScreenReader: terminalScreenReader, words: words.session.terminal })
  look.current = { fontSize: terminalFontSize, forScreenReader: terminalScreenReader, words: words.session.terminal }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a further turn opens a further terminal
  useEffect(() => {
    const closing = new AbortController()
    const holder = element.current
    if (holder) void open(holder, closing.signal)
    setPhase({ kind: 'opening' })
    return () => closing.abort()

    async function open(place: HTMLDivElement, signal: AbortSignal): Promise<void> {
      await loadTerminalFont(look.current.fontSize)
      if (signal.aborted) return
      const made = createTerminal(place, look.current)
      own.current = made
      signal.addEventListener('abort', made.dispose)
      const refit = () => fitTo(place, made)
      refit()
      const observer = new ResizeObserver(() => requestAnimationFrame(refit))
      observer.observe(place)
      signal.addEventListener('abort', () => observer.disconnect())
      await connect(made, signal)
    }

    async function connect({ terminal }: OwnTerminal, signal: AbortSignal): Promise<void> {
      const told = { columns: terminal.cols, rows: terminal.rows }
      setSize(told)
      try {
        const { terminalId } = await call('terminal.open', { requestId, ...told })
        const tell = (characters: number) => void call('terminal.drawn', { terminalId, characters }).catch(() => undefined)
        const counter = createDrawnCounter(tell)
        const close = () => void call('terminal.close', { terminalId }).catch(() => undefined)
        if (signal.aborted) return close()
        setPhase({ kind: 'open' })
        const watch = createCommandWatch(() => terminals.ran(requestId))
        const detach = terminals.attach(terminalId, {
          data(text) {
            counter.received(text.length)
            watch.printed(text)
            // Between two pieces xterm lets keys through, however long a piece takes.
            for (const piece of pieces(text, drawnAtOnce)) terminal.write(piece, () => counter.drawn(piece.length))
          },
          closed({ exitCode, failure }) {
            setPhase(failure ? { kind: 'failed', failure: knownFailure(failure) } : { kind: 'closed', exitCode })
          },
        })
        signal.addEventListener('abort', () => {
          detach()
          close()
        })
        const send = (data: string) => pieces(data).forEach((piece) => void call('terminal.write', { terminalId, data: piece }).catch(() => undefined))
        terminal.onData(watch.typed)
        terminal.onData(joined(send))
        const resize = ({ cols: columns, rows }: { cols: number; rows: number }) => {
          setSize({ columns, rows })
          void call('terminal.resize', { terminalId, columns, rows }).catch(() => undefined)
        }
        terminal.onResize(resize)
        if (terminal.cols !== told.columns || terminal.rows !== told.rows) resize(terminal)
      } catch (error) {
        if (!signal.aborted) setPhase({ kind: 'failed', failure: failureOf(error) })
      }
    }
  }, [requestId, turn, terminals, element])

  useEffect(() => {
    if (!own.current || !element.current) return
    own.current.terminal.options.fontSize = terminalFontSize
    fitTo(element.current, own.current)
  }, [terminalFontSize, element])

  useEffect(() => {
    if (own.current) own.current.terminal.options.screenReaderMode = terminalScreenReader
  }, [terminalScreenReader])

  // Chosen by hand or switched by the system: the page's attribute says both.
  useEffect(() => {
    const observer = new MutationObserver(() => {
      if (own.current) own.current.terminal.options.theme = readTheme()
    })
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    return () => observer.disconnect()
  }, [])

  return { phase, size, own, reopen: () => setTurn(turn + 1) }
}

/** A pane that is hidden has no size: the terminal keeps the one it had. */
function fitTo(place: HTMLElement, { fit, terminal }: OwnTerminal): void {
  if (place.clientWidth === 0 || place.clientHeight === 0) return
  const wanted = fit.proposeDimensions()
  if (!wanted || !Number.isFinite(wanted.cols) || !Number.isFinite(wanted.rows)) return
  terminal.resize(Math.min(1_000, Math.max(leastSize.columns, wanted.cols)), Math.min(500, Math.max(leastSize.rows, wanted.rows)))
}
