import { Plus, X } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import { useWindowState } from '../../state.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { useStore } from '../../ui/store.ts'
import { filled, piecesOf, slotsOf } from './snippet.ts'

type Step = { kind: 'list' } | { kind: 'fill'; snippet: string } | { kind: 'write' }
const maxCharacters = 1_000

/** Command lines kept for later. What is chosen is put into the terminal and not run: Enter there stays with the person. */
export function SnippetsDialog({ onInsert, onClose }: { onInsert: (text: string) => void; onClose: () => void }) {
  const { words } = useSpeech()
  const text = words.session.snippets
  const { settings } = useWindowState()
  const { snippets } = useStore(settings.store)
  const [step, setStep] = useState<Step>({ kind: 'list' })
  const keep = (list: readonly string[]) => settings.change({ snippets: [...list] })
  const choose = (snippet: string) => (slotsOf(snippet).length > 0 ? setStep({ kind: 'fill', snippet }) : onInsert(snippet))
  return (
    <Dialog title={text.title} onClose={onClose} width={560} closesOutside>
      <div className="confirm">
        <h1>{text.title}</h1>
        {step.kind === 'list' && <List snippets={snippets} onChoose={choose} onRemove={(snippet) => keep(snippets.filter((one) => one !== snippet))} />}
        {step.kind === 'fill' && <Fill snippet={step.snippet} onInsert={onInsert} />}
        {step.kind === 'write' && (
          <Write
            onKeep={(snippet) => {
              keep([snippet, ...snippets.filter((one) => one !== snippet)])
              setStep({ kind: 'list' })
            }}
          />
        )}
      </div>
      <div className="dlg-foot">
        {step.kind === 'list' && (
          <Button size="lg" icon={Plus} onClick={() => setStep({ kind: 'write' })}>
            {text.write}
          </Button>
        )}
        <span className="grow" />
        <Button size="lg" keys={words.ui.esc} onClick={onClose}>
          {words.ui.cancel}
        </Button>
        {step.kind !== 'list' && (
          <Button size="lg" look="primary" type="submit" form="snippet">
            {step.kind === 'fill' ? text.insert : text.keep}
          </Button>
        )}
      </div>
    </Dialog>
  )
}

type ListProps = { snippets: readonly string[]; onChoose: (snippet: string) => void; onRemove: (snippet: string) => void }

function List({ snippets, onChoose, onRemove }: ListProps) {
  const { words } = useSpeech()
  const text = words.session.snippets
  return (
    <>
      <p className="t2">{snippets.length === 0 ? text.none : text.text}</p>
      <ul className="snippets">
        {snippets.map((snippet, at) => (
          <li key={snippet} className="row-x">
            <button type="button" className="snippet mono grow" data-autofocus={at === 0 || undefined} onClick={() => onChoose(snippet)}>
              <Line snippet={snippet} />
            </button>
            <IconButton icon={X} small label={text.remove(snippet)} onClick={() => onRemove(snippet)} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Line({ snippet }: { snippet: string }) {
  return piecesOf(snippet).map((piece, at) => {
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text stand where they stand
    return piece.kind === 'text' ? <span key={at}>{piece.text}</span> : <mark key={at}>{piece.name}</mark>
  })
}

function Fill({ snippet, onInsert }: { snippet: string; onInsert: (text: string) => void }) {
  const { words } = useSpeech()
  const [values, setValues] = useState<Record<string, string>>({})
  const slots = slotsOf(snippet)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (slots.every((name) => values[name])) onInsert(filled(snippet, values))
  }
  return (
    <form id="snippet" className="slots" onSubmit={submit}>
      {slots.map((name, at) => (
        <label key={name}>
          <span className="lb">{name}</span>
          <span className="field">
            <input
              required
              className="mono"
              spellCheck={false}
              maxLength={maxCharacters}
              data-autofocus={at === 0 || undefined}
              // biome-ignore lint/a11y/noAutofocus: this step was just asked for
              autoFocus={at === 0}
              value={values[name] ?? ''}
              onChange={(event) => setValues({ ...values, [name]: event.target.value })}
            />
          </span>
        </label>
      ))}
      <pre className="paste mono" role="status" aria-label={words.session.snippets.preview}>
        {filled(snippet, values)}
      </pre>
    </form>
  )
}

function Write({ onKeep }: { onKeep: (snippet: string) => void }) {
  const { words } = useSpeech()
  const text = words.session.snippets
  const [snippet, setSnippet] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (snippet.trim()) onKeep(snippet.trim())
  }
  return (
    <form id="snippet" className="slots" onSubmit={submit}>
      <label>
        <span className="lb">{text.line}</span>
        <span className="field">
          <input
            required
            className="mono"
            spellCheck={false}
            maxLength={maxCharacters}
            // biome-ignore lint/a11y/noAutofocus: this step was just asked for
            autoFocus
            value={snippet}
            onChange={(event) => setSnippet(event.target.value)}
          />
        </span>
      </label>
      <p className="small t3">{text.hint}</p>
    </form>
  )
}
