import { type CaseView, caseTextLimits } from '@gantry/shared/case-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { Modal } from '@mantine/core'
import { type ReactNode, useId, useState } from 'react'
import { failureOf } from '../api.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'

type CaseFormProps = {
  title: string
  label: string
  hint: string
  confirm: string
  look: 'primary' | 'end'
  /** Why it cannot be sent, whatever is written. */
  closedBecause?: string | undefined
  children: ReactNode
  send: (text: string) => Promise<CaseView>
  onDone: (next: CaseView) => void
  onBack: () => void
}

/** One thing to do with a case, and the line that is written about it. */
export function CaseForm({ title, label, hint, confirm, look, closedBecause, children, send, onDone, onBack }: CaseFormProps) {
  const { words } = useSpeech()
  const id = useId()
  const [text, setText] = useState('')
  const [isTried, setTried] = useState(false)
  const [isSending, setSending] = useState(false)
  const [failure, setFailure] = useState<Failure | null>(null)
  // One line: a line end would be refused, and the colleague reads it in one.
  const line = text.replace(/\s+/g, ' ').trim()
  const isShort = line.length < caseTextLimits.min
  const submit = () => {
    setTried(true)
    if (isShort || isSending || closedBecause !== undefined) return
    setSending(true)
    setFailure(null)
    send(line)
      .then(onDone, (error) => setFailure(failureOf(error)))
      .finally(() => setSending(false))
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <div className="confirm">
        <Modal.Title component="h1">{title}</Modal.Title>
        {children}
        <label className="lb" htmlFor={id}>
          {label}
        </label>
        <span className="field ta" data-invalid={(isTried && isShort) || undefined}>
          <textarea
            id={id}
            value={text}
            maxLength={caseTextLimits.max}
            data-autofocus
            aria-invalid={(isTried && isShort) || undefined}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        <p className={`small ${isTried && isShort ? 'c-danger' : 't3'}`} role={isTried && isShort ? 'alert' : undefined}>
          {isTried && isShort ? words.case.short(caseTextLimits.min) : hint}
        </p>
        {failure && <FailureNote failure={failure} />}
      </div>
      <div className="dlg-foot">
        <span className="grow" />
        <Button size="lg" onClick={onBack} keys={words.ui.esc}>
          {words.ui.cancel}
        </Button>
        <Button size="lg" look={look} type="submit" closedBecause={closedBecause ?? (isSending ? confirm : undefined)}>
          {confirm}
        </Button>
      </div>
    </form>
  )
}
