import type { SessionView } from '@gantry/shared/ipc.ts'
import { Maximize2, Minimize2, Search, SquareTerminal } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useKeys } from '../../ui/keys.ts'
import { useSpeech } from '../../ui/language.tsx'
import { useLasting } from '../../ui/now.ts'
import { judgePaste, type Paste } from './paste-guard.ts'
import { TerminalSearch } from './terminal-search.tsx'
import { useTerminal } from './use-terminal.ts'

type PaneProps = { session: SessionView; isShown: boolean; isMaximised: boolean; onMaximise: () => void }

/** The shell (`os`) or the service menu (`application`). Pasting is guarded; copying is by hand; nothing that the device sends leaves this pane. */
export function TerminalPane({ session, isShown, isMaximised, onMaximise }: PaneProps) {
  const { words } = useSpeech()
  const text = words.session.terminal
  const holder = useRef<HTMLDivElement>(null)
  const { phase, size, own, reopen } = useTerminal(session.requestId, holder)
  const [isSearching, setSearching] = useState(false)
  const [paste, setPaste] = useState<Paste | null>(null)
  const isOpening = useLasting(phase.kind === 'opening')

  useEffect(() => {
    if (isShown && phase.kind === 'open') own.current?.terminal.focus()
  }, [isShown, phase.kind, own])

  const offer = (raw: string) => {
    const judged = judgePaste(raw)
    if (judged.needsConsent) setPaste(judged)
    else own.current?.terminal.paste(judged.text)
  }
  const copy = () => {
    const selected = own.current?.terminal.getSelection()
    if (selected) void navigator.clipboard.writeText(selected)
  }
  useKeys(
    {
      'Ctrl+Shift+F': () => setSearching(true),
      'Ctrl+Shift+C': copy,
      'Ctrl+Shift+V': () => void navigator.clipboard.readText().then(offer, () => undefined),
    },
    isShown && paste === null,
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
      className="pane termp"
      aria-label={text.label(session.device.name)}
      data-region
      tabIndex={-1}
      onFocus={(event) => event.target === event.currentTarget && own.current?.terminal.focus()}
    >
      <div className="ph">
        <SquareTerminal className="i s" aria-hidden />
        <b>{session.access === 'application' ? text.menu : text.title}</b>
        <span className="small t3 cut grow num">{text.size(session.user, size.columns, size.rows)}</span>
        <IconButton icon={Search} small label={text.search} keys="Ctrl Shift F" onClick={() => setSearching(true)} />
        <IconButton icon={isMaximised ? Minimize2 : Maximize2} small label={isMaximised ? text.restore : text.maximise} onClick={onMaximise} />
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
      {(phase.kind === 'closed' || phase.kind === 'failed') && session.state === 'open' && (
        <div className="term-over">
          {phase.kind === 'failed' ? (
            <FailureNote failure={phase.failure}>
              <Button onClick={reopen}>{text.again}</Button>
            </FailureNote>
          ) : (
            <>
              <span className="grow">{phase.exitCode === null ? text.exitedPlain : text.exited(phase.exitCode)}</span>
              <Button onClick={reopen}>{text.again}</Button>
            </>
          )}
        </div>
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
