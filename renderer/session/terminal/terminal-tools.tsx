// biome-ignore-all lint/a11y/useSemanticElements: a fieldset has a look and a layout of its own
import { Menu, UnstyledButton } from '@mantine/core'
import { Columns2, Copy, Maximize2, Minimize2, PanelBottom, PanelRight, RotateCcw, Search, TextCursorInput, X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { IconButton } from '../../ui/button.tsx'
import { useKeyLabel } from '../../ui/key-label.ts'
import { useSpeech } from '../../ui/language.tsx'
import type { CopyForm } from './selection.ts'

export type ToolsProps = {
  isRunning: boolean
  /** Beside others: no Tab leads past another terminal, which takes it for the device, so F6 leads to these tools. */
  isOneOfMany: boolean
  isMaximised: boolean
  isBeside: boolean
  onSearch: () => void
  onSnippets: () => void
  onReset: () => void
  onCopy: (form: CopyForm) => void
  hasSelection: () => boolean
  onMaximise: () => void
  onTurn: () => void
  /** Absent where there are as many as there may be. */
  onSplit: (() => void) | undefined
  /** Absent for the only one. */
  onClose: ((isRunning: boolean) => void) | undefined
}

/** What can be done with a terminal's pane. */
export function TerminalTools({
  isRunning,
  isOneOfMany,
  isMaximised,
  isBeside,
  onSearch,
  onSnippets,
  onReset,
  onCopy,
  hasSelection,
  onMaximise,
  onTurn,
  onSplit,
  onClose,
}: ToolsProps) {
  const { words } = useSpeech()
  const text = words.session.terminal
  return (
    <span className="row-x tools" role="group" aria-label={text.tools} data-region={isOneOfMany || undefined} tabIndex={-1}>
      <IconButton icon={Search} small label={text.search} keys="Ctrl Shift F" onClick={onSearch} />
      <IconButton icon={TextCursorInput} small label={words.session.snippets.title} keys="Ctrl Shift S" onClick={onSnippets} />
      <CopyMenu onCopy={onCopy} hasSelection={hasSelection} />
      <IconButton icon={RotateCcw} small label={text.reset} keys="Ctrl Shift X" onClick={onReset} />
      {onSplit && <IconButton icon={Columns2} small label={text.split} keys="Ctrl Shift D" onClick={onSplit} />}
      <IconButton icon={isBeside ? PanelBottom : PanelRight} small label={isBeside ? text.filesBelow : text.filesBeside} keys="Ctrl Shift L" onClick={onTurn} />
      <IconButton icon={isMaximised ? Minimize2 : Maximize2} small label={isMaximised ? text.restore : text.maximise} onClick={onMaximise} />
      {onClose && <IconButton icon={X} small label={text.close} onClick={() => onClose(isRunning)} />}
    </span>
  )
}

const forms: readonly [CopyForm, keys: string][] = [
  ['text', 'Ctrl Shift C'],
  ['ansi', 'Ctrl Shift A'],
]

/** A menu whose items are all disabled gives the focus to none of them; with it on the menu itself Esc closes the menu, and a screen reader says why. */
function NothingToCopy() {
  const { words } = useSpeech()
  const label = useRef<HTMLDivElement>(null)
  useEffect(() => label.current?.closest<HTMLElement>('[role="menu"]')?.focus({ preventScroll: true }), [])
  return <Menu.Label ref={label}>{words.session.terminal.copyNothing}</Menu.Label>
}

/** What is selected, as text or with its colours. */
function CopyMenu({ onCopy, hasSelection }: Pick<ToolsProps, 'onCopy' | 'hasSelection'>) {
  const { words } = useSpeech()
  const text = words.session.terminal
  const keyLabel = useKeyLabel()
  const [isClosed, setClosed] = useState(false)
  return (
    <Menu position="bottom-end" onOpen={() => setClosed(!hasSelection())}>
      <Menu.Target>
        <UnstyledButton className="btn quiet icon small-icon" aria-label={text.copy} title={text.copy}>
          <Copy className="i" aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown className="menu">
        {isClosed && <NothingToCopy />}
        {forms.map(([form, keys]) => (
          <Menu.Item key={form} disabled={isClosed} rightSection={<kbd aria-hidden>{keyLabel(keys)}</kbd>} onClick={() => onCopy(form)}>
            {text.copyAs[form]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
