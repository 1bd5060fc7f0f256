import type { SessionView } from '@gantry/shared/ipc.ts'
import { SquareTerminal } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useCommands } from '../../palette/use-commands.ts'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useKeys } from '../../ui/keys.ts'
import { useSpeech } from '../../ui/language.tsx'
import { useLasting } from '../../ui/now.ts'
import { resetScreen } from '../../ui/screen-only.ts'
import { judgePaste, type Paste } from './paste-guard.ts'
import { type CopyForm, selectionOf } from './selection.ts'
import { SnippetsDialog } from './snippets-dialog.tsx'
import { TerminalSearch } from './terminal-search.tsx'
import { TerminalTools, type ToolsProps } from './terminal-tools.tsx'
import { useTerminal } from './use-terminal.ts'

type PaneProps = {
  session: SessionView
  /** Which of several; null when it is the only one. */
  number: number | null
  isShown: boolean
  /** Shown, and no dialog over it. */
  hasKeys: boolean
  /** The one that had the focus last: keys for a terminal are for it. */
  isActive: boolean
  onActive: () => void
  tools: Omit<ToolsProps, 'onSearch' | 'onSnippets' | 'onReset' | 'onCopy' | 'hasSelection' | 'isRunning' | 'isOneOfMany'>
}

/** The shell (`os`) or the service menu (`application`). Pasting is guarded; copying is by hand; nothing that the device sends leaves this pane. */
export function TerminalPane({ session, number, isShown, hasKeys, isActive, onActive, tools }: PaneProps) {
  const { words } = useSpeech()
  const text = words.session.terminal
  const holder = useRef<HTMLDivElement>(null)
  const { phase, size, own, reopen } = useTerminal(session.requestId, holder)
  const [isSearching, setSearching] = useState(false)
  const [paste, setPaste] = useState<Paste | null>(null)
  const [isChoosing, setChoosing] = useState(false)
  const isOpening = useLasting(phase.kind === 'opening')
  const isOpen = session.state === 'open'

  // Not when a dialog is closed, which gives the focus back to what opened it; nor from a tool of this pane, by whose focus it became the active one.
  const pane = useRef<HTMLElement>(null)
  const mayTakeFocus = useRef(hasKeys)
  mayTakeFocus.current = hasKeys
  useEffect(() => {
    const active = document.activeElement
    // A terminal that opens while a question is asked leaves the answer to the question.
    const isTaken = pane.current?.contains(active) === true || active?.closest('.dlg') instanceof Element
    if (isShown && isActive && phase.kind === 'open' && mayTakeFocus.current && !isTaken) own.current?.terminal.focus()
  }, [isShown, isActive, phase.kind, own])

  const offer = (raw: string) => {
    const judged = judgePaste(raw)
    if (judged.needsConsent) setPaste(judged)
    else own.current?.terminal.paste(judged.text)
  }
  const reset = () => {
    if (!own.current) return
    resetScreen(own.current.terminal)
    own.current.terminal.focus()
  }
  const hasSelection = () => own.current?.terminal.hasSelection() === true
  const copy = (form: CopyForm) => {
    const selected = own.current && selectionOf(own.current.terminal, form)
    if (selected) void navigator.clipboard.writeText(selected)
  }
  useKeys(
    {
      'Ctrl+Shift+F': () => setSearching(true),
      'Ctrl+Shift+S': () => setChoosing(true),
      'Ctrl+;': () => setChoosing(true),
      'Ctrl+Shift+X': reset,
      'Ctrl+Shift+C': () => copy('text'),
      'Ctrl+Shift+A': () => copy('ansi'),
      'Ctrl+Shift+V': () => void navigator.clipboard.readText().then(offer, () => undefined),
    },
    hasKeys && isActive && paste === null && !isChoosing,
  )

  useCommands(
    () => [
      { name: words.help.does.find, keys: 'Ctrl ⇧ F', run: () => setSearching(true) },
      { name: words.help.does.snippets, keys: 'Ctrl ⇧ S', run: () => setChoosing(true) },
      { name: words.help.does.reset, keys: 'Ctrl ⇧ X', run: reset },
      hasSelection() && { name: text.copyAs.text, keys: 'Ctrl ⇧ C', run: () => copy('text') },
      hasSelection() && { name: text.copyAs.ansi, keys: 'Ctrl ⇧ A', run: () => copy('ansi') },
    ],
    isShown && isActive,
  )

  // Every other way to paste (menu, middle button, Shift Insert) comes as this event, before xterm sees it.
  useEffect(() => {
    const place = holder.current
    const guard = (event: ClipboardEvent) => {
      event.preventDefault()
      event.stopPropagation()
      offer(event.clipboardData?.getData('text/plain') ?? '')
    }
    place?.addEventListener('paste', guard, true)
    return () => place?.removeEventListener('paste', guard, true)
  })

  const closePaste = () => {
    setPaste(null)
    own.current?.terminal.focus()
  }
  return (
    <section
      ref={pane}
      className="pane termp"
      aria-label={number === null ? text.label(session.device.name) : `${text.label(session.device.name)} ${number}`}
      data-active={isActive || undefined}
      data-region
      tabIndex={-1}
      onFocus={(event) => {
        onActive()
        if (event.target === event.currentTarget) own.current?.terminal.focus()
      }}
    >
      <div className="ph">
        <SquareTerminal className="i s" aria-hidden />
        <b>
          {session.access === 'application' ? text.menu : text.title} {number}
        </b>
        <span className="small t3 cut grow num">{text.size(session.user, size.columns, size.rows)}</span>
        <TerminalTools
          {...tools}
          isRunning={phase.kind === 'open'}
          isOneOfMany={number !== null}
          onSearch={() => setSearching(true)}
          onSnippets={() => setChoosing(true)}
          onReset={reset}
          onCopy={copy}
          hasSelection={hasSelection}
        />
      </div>
      {isSearching && own.current && (
        <TerminalSearch
          own={own.current}
          onClose={() => {
            setSearching(false)
            own.current?.terminal.focus()
          }}
        />
      )}
      <div className="term">
        <div className="term-screen" ref={holder} />
        {isOpening && <p className="term-note t3">{text.opening}</p>}
      </div>
      {phase.kind === 'failed' && isOpen && (
        <div className="term-over">
          <FailureNote failure={phase.failure}>
            <Button onClick={reopen}>{text.again}</Button>
          </FailureNote>
        </div>
      )}
      <div role="status">
        {phase.kind === 'closed' && isOpen && (
          <div className="term-over">
            <span className="grow">{phase.exitCode === null ? text.exitedPlain : text.exited(phase.exitCode)}</span>
            <Button onClick={reopen}>{text.again}</Button>
          </div>
        )}
      </div>
      {isChoosing && (
        <SnippetsDialog
          onClose={() => setChoosing(false)}
          onInsert={(line) => {
            setChoosing(false)
            offer(line)
            own.current?.terminal.focus()
          }}
        />
      )}
      {paste && <PasteQuestion paste={paste} onPaste={() => own.current?.terminal.paste(paste.text)} onClose={closePaste} />}
    </section>
  )
}

const shownCharacters = 2_000

function PasteQuestion({ paste, onPaste, onClose }: { paste: Paste; onPaste: () => void; onClose: () => void }) {
  const { words, format } = useSpeech()
  const text = words.session.terminal
  return (
    <ConfirmDialog
      title={text.paste}
      confirm={text.pasteConfirm}
      onClose={onClose}
      onConfirm={() => {
        onPaste()
        onClose()
      }}
      text={
        <>
          {paste.lines > 1 && <p>{text.pasteLines(format.number(paste.lines))}</p>}
          {paste.hasControls && <p className="c-danger">{text.pasteControls}</p>}
        </>
      }
    >
      <pre className="paste mono selectable">{visible(paste.text.slice(0, shownCharacters))}</pre>
    </ConfirmDialog>
  )
}

/** Control characters as their pictures, so that they can be seen before they act; lines stay lines. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are made visible here
  return text.replace(/[\u0000-\u0008\u000b-\u001f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0))).replace(/\u007f/g, '␡')
}
