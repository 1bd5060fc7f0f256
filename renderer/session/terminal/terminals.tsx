import type { SessionView } from '@gantry/shared/ipc.ts'
import { useState } from 'react'
import { useCommands } from '../../palette/use-commands.ts'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { useKeys } from '../../ui/keys.ts'
import { useSpeech } from '../../ui/language.tsx'
import { TerminalPane } from './terminal-pane.tsx'

type TerminalsProps = {
  session: SessionView
  isShown: boolean
  hasKeys: boolean
  isMaximised: boolean
  onMaximise: () => void
  isBeside: boolean
  onTurn: () => void
}

/** Each is a program of its own at the device. */
const most = 4

/** The terminals of a session: one at first; each split opens a further one, beside the others or, where the files are beside, below them. */
export function Terminals({ session, isShown, hasKeys, isMaximised, onMaximise, isBeside, onTurn }: TerminalsProps) {
  const { words } = useSpeech()
  const text = words.session.terminal
  const [open, setOpen] = useState<readonly number[]>([1])
  const [active, setActive] = useState(1)
  const [closing, setClosing] = useState<number | null>(null)
  const split = () => {
    if (open.length >= most) return
    const number = Math.max(...open) + 1
    setOpen([...open, number])
    setActive(number)
  }
  const close = (number: number) => {
    const rest = open.filter((one) => one !== number)
    setOpen(rest)
    setActive(rest[Math.max(0, open.indexOf(number) - 1)] ?? 1)
    setClosing(null)
  }
  const canSplit = hasKeys && closing === null
  useKeys({ 'Ctrl+Shift+D': split, 'Ctrl+\\': split, 'Ctrl+Shift+L': onTurn }, canSplit)
  useCommands(
    () => [
      open.length < most && { name: words.help.does.split, keys: 'Ctrl ⇧ D', run: split },
      { name: words.help.does.turn, keys: 'Ctrl ⇧ L', run: onTurn },
      { name: isMaximised ? text.restore : text.maximise, detail: text.title, run: onMaximise },
    ],
    isShown,
  )
  return (
    <div className="terms" data-count={open.length}>
      {open.map((number) => (
        <TerminalPane
          key={number}
          session={session}
          number={open.length > 1 ? number : null}
          isShown={isShown}
          hasKeys={hasKeys}
          isActive={number === active}
          onActive={() => setActive(number)}
          tools={{
            isMaximised,
            onMaximise,
            isBeside,
            onTurn,
            onSplit: open.length < most ? split : undefined,
            onClose: open.length > 1 ? (isRunning) => (isRunning ? setClosing(number) : close(number)) : undefined,
          }}
        />
      ))}
      {closing !== null && (
        <ConfirmDialog
          title={text.closeTitle(closing)}
          confirm={text.close}
          look="end"
          onConfirm={() => close(closing)}
          onClose={() => setClosing(null)}
          text={<p>{text.closeText}</p>}
        />
      )}
    </div>
  )
}
