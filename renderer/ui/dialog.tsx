import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'
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
      <footer className="dlg-foot">
        <span className="grow" />
        <Button size="lg" onClick={onClose} keys={words.ui.esc}>
          {words.ui.cancel}
        </Button>
        <Button size="lg" look={look} onClick={onConfirm} autoFocus>
          {confirm}
        </Button>
      </footer>
    </Dialog>
  )
}
