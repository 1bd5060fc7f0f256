import { Modal } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Button } from './button.tsx'
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
