import type { Failure } from '@gantry/shared/errors.ts'
import { Modal } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { Button } from './button.tsx'
import { FailureNote } from './failure-note.tsx'
import { useSpeech } from './language.tsx'

type DialogProps = {
  title: string
  onClose: () => void
  children: ReactNode
  width?: number
  className?: string
  closesOutside?: boolean
  closesOnEscape?: boolean
}

/** What floats over the screen: it holds the focus, gives it back, and closes with Esc. */
export function Dialog({ title, onClose, children, width = 928, className = '', closesOutside = false, closesOnEscape = true }: DialogProps) {
  useFocusBack()
  return (
    <Modal.Root
      opened
      onClose={onClose}
      size={width}
      centered
      lockScroll={false}
      classNames={{ content: `dlg ${className}`, overlay: 'scrim' }}
      closeOnClickOutside={closesOutside}
      closeOnEscape={closesOnEscape}
      transitionProps={{ transition: 'fade', duration: 90 }}
    >
      <Modal.Overlay />
      <Modal.Content aria-label={title}>{children}</Modal.Content>
    </Modal.Root>
  )
}

/** What had the focus before the first of the dialogs that took each other's place, and what it stands in, the nearest first. */
let opener: readonly Element[] = []

/** Mantine gives the focus back when a dialog that stays is closed; these are there or not. Whoever took the focus meanwhile keeps it. */
function useFocusBack(): void {
  const [before] = useState(() => {
    const active = document.activeElement
    if (!active?.closest('.dlg')) opener = withParents(active)
    return opener
  })
  useEffect(
    () => () => {
      const first = before[0]
      if (first && isFree() && takesFocus(first)) return first.focus({ preventScroll: true })
      // What takes the opener's place may take the focus too, as another terminal does.
      requestAnimationFrame(() => isFree() && nearestControl(before)?.focus({ preventScroll: true }))
    },
    [before],
  )
}

function withParents(element: Element | null): Element[] {
  const found: Element[] = []
  for (let at = element; at && at !== document.body; at = at.parentElement) found.push(at)
  return found
}

function isFree(): boolean {
  return document.activeElement === null || document.activeElement === document.body
}

function takesFocus(one: Element): one is HTMLElement {
  return one instanceof HTMLElement && one.isConnected && one.checkVisibility() && !one.matches(':disabled')
}

/** For an opener that is gone or disabled by now: the first control of what is left of its surroundings. */
function nearestControl([_opener, ...around]: readonly Element[]): HTMLElement | null {
  for (const one of around) {
    const controls = [...one.querySelectorAll<HTMLElement>('button, a[href], input, select, textarea, [tabindex="0"]')]
    const control = one.isConnected ? controls.find((inner) => inner.tabIndex >= 0 && takesFocus(inner)) : undefined
    if (control) return control
  }
  return null
}

type ConfirmProps = {
  title: string
  text: ReactNode
  confirm: string
  look?: 'primary' | 'end'
  onConfirm: () => void
  onClose: () => void
  children?: ReactNode
}

/** A question with one answer that acts: Enter gives it, Esc does not. */
export function ConfirmDialog({ title, text, confirm, look = 'primary', onConfirm, onClose, children }: ConfirmProps) {
  const { words } = useSpeech()
  return (
    <Dialog title={title} onClose={onClose} width={440}>
      <div className="confirm">
        <h1>{title}</h1>
        <div className="t2">{text}</div>
        {children}
      </div>
      <div className="dlg-foot">
        <span className="grow" />
        <Button size="lg" onClick={onClose} keys={words.ui.esc}>
          {words.ui.cancel}
        </Button>
        <Button size="lg" look={look} onClick={onConfirm} autoFocus>
          {confirm}
        </Button>
      </div>
    </Dialog>
  )
}

/** What did not come about, and nothing else ends with it. */
export function FailureDialog({ title, failure, onClose }: { title: string; failure: Failure; onClose: () => void }) {
  const { words } = useSpeech()
  return (
    <Dialog title={title} onClose={onClose} width={440}>
      <div className="confirm">
        <h1>{title}</h1>
        <FailureNote failure={failure} tone="ink" />
      </div>
      <div className="dlg-foot">
        <span className="grow" />
        <Button size="lg" keys={words.ui.esc} onClick={onClose} autoFocus>
          {words.ui.close}
        </Button>
      </div>
    </Dialog>
  )
}

type TextDialogProps = {
  title: string
  label: string
  confirm: string
  first?: string
  maxLength: number
  text?: ReactNode
  /** What is wrong with it, said below the field; nothing while it is empty. */
  fault?: (value: string) => string | null
  /** Takes what was typed, without spaces around it. False leaves the question open. */
  onDone: (value: string) => boolean
  onClose: () => void
}

/** A question that is answered by one line of text. */
export function TextDialog({ title, label, confirm, first = '', maxLength, text, fault = () => null, onDone, onClose }: TextDialogProps) {
  const { words } = useSpeech()
  const [value, setValue] = useState(first)
  const wrong = value === '' ? null : fault(value)
  return (
    <Dialog title={title} onClose={onClose} width={440}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (wrong === null && onDone(value.trim())) onClose()
        }}
      >
        <div className="confirm">
          <h1>{title}</h1>
          {text && <p className="t2">{text}</p>}
          <label>
            <span className="lb">{label}</span>
            <span className="field lg" data-invalid={wrong !== null || undefined}>
              <input
                value={value}
                maxLength={maxLength}
                spellCheck={false}
                data-autofocus
                aria-invalid={wrong !== null || undefined}
                onFocus={(event) => event.target.select()}
                onChange={(event) => setValue(event.target.value)}
              />
            </span>
          </label>
          {wrong !== null && (
            <p className="small c-danger" role="alert">
              {wrong}
            </p>
          )}
        </div>
        <div className="dlg-foot">
          <span className="grow" />
          <Button size="lg" onClick={onClose} keys={words.ui.esc}>
            {words.ui.cancel}
          </Button>
          <Button size="lg" look="primary" type="submit">
            {confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
