import type { FileEntry } from '@gantry/shared/files.ts'
import { ConfirmDialog, TextDialog } from '../../ui/dialog.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { SafeName } from '../../ui/safe-text.tsx'
import { isGoodName } from './file-paths.ts'

export type FileQuestion =
  | { kind: 'replace' | 'remove'; entries: readonly FileEntry[]; onYes: () => void }
  | { kind: 'make'; onYes: (name: string) => void }
  | { kind: 'rename'; entry: FileEntry; onYes: (name: string) => void }

const shownNames = 6

export function FileQuestionDialog({ question, onClose }: { question: FileQuestion; onClose: () => void }) {
  const { words } = useSpeech()
  const text = words.session.files
  if (question.kind === 'make')
    return <NameDialog title={text.newFolder} label={text.folderName} confirm={text.make} first="" onYes={question.onYes} onClose={onClose} />
  if (question.kind === 'rename')
    return <NameDialog title={text.rename} label={text.newName} confirm={text.rename} first={question.entry.name} onYes={question.onYes} onClose={onClose} />
  const isRemove = question.kind === 'remove'
  const { entries, onYes } = question
  return (
    <ConfirmDialog
      title={(isRemove ? text.removeTitle : text.replaceTitle)(entries.length)}
      text={isRemove ? text.removeText : text.replaceText}
      confirm={isRemove ? text.removeConfirm : text.replaceConfirm}
      look={isRemove ? 'end' : 'primary'}
      onClose={onClose}
      onConfirm={() => {
        onYes()
        onClose()
      }}
    >
      <ul className="names">
        {entries.slice(0, shownNames).map(({ name }) => (
          <li key={name} className="cut strong">
            <SafeName name={name} />
          </li>
        ))}
        {entries.length > shownNames && <li className="t3">+ {entries.length - shownNames}</li>}
      </ul>
    </ConfirmDialog>
  )
}

type NameProps = { title: string; label: string; confirm: string; first: string; onYes: (name: string) => void; onClose: () => void }

const maxNameCharacters = 255

function NameDialog({ onYes, ...question }: NameProps) {
  const { badName } = useSpeech().words.session.files
  const rename = (name: string) => {
    if (!isGoodName(name) || name === question.first) return false
    onYes(name)
    return true
  }
  return <TextDialog {...question} maxLength={maxNameCharacters} fault={(name) => (isGoodName(name) ? null : badName)} onDone={rename} />
}
