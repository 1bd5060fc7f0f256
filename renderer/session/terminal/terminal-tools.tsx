import { Columns2, Maximize2, Minimize2, PanelBottom, PanelRight, RotateCcw, Search, TextCursorInput, X } from 'lucide-react'
import { IconButton } from '../../ui/button.tsx'
import { useSpeech } from '../../ui/language.tsx'

export type ToolsProps = {
  isRunning: boolean
  isMaximised: boolean
  isBeside: boolean
  onSearch: () => void
  onSnippets: () => void
  onReset: () => void
  onMaximise: () => void
  onTurn: () => void
  /** Absent where there are as many as there may be. */
  onSplit: (() => void) | undefined
  /** Absent for the only one. */
  onClose: ((isRunning: boolean) => void) | undefined
}

/** What can be done with a terminal's pane. */
export function TerminalTools({ isRunning, isMaximised, isBeside, onSearch, onSnippets, onReset, onMaximise, onTurn, onSplit, onClose }: ToolsProps) {
  const { words } = useSpeech()
  const text = words.session.terminal
  return (
    <>
      <IconButton icon={Search} small label={text.search} keys="Ctrl Shift F" onClick={onSearch} />
      <IconButton icon={TextCursorInput} small label={words.session.snippets.title} keys="Ctrl Shift S" onClick={onSnippets} />
      <IconButton icon={RotateCcw} small label={text.reset} keys="Ctrl Shift X" onClick={onReset} />
      {onSplit && <IconButton icon={Columns2} small label={text.split} keys="Ctrl Shift D" onClick={onSplit} />}
      <IconButton icon={isBeside ? PanelBottom : PanelRight} small label={isBeside ? text.filesBelow : text.filesBeside} keys="Ctrl Shift L" onClick={onTurn} />
      <IconButton icon={isMaximised ? Minimize2 : Maximize2} small label={isMaximised ? text.restore : text.maximise} onClick={onMaximise} />
      {onClose && <IconButton icon={X} small label={text.close} onClick={() => onClose(isRunning)} />}
    </>
  )
}
