import type { FileEntry } from '@gantry/shared/files.ts'
import { useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../../ui/dialog.tsx'
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

function NameDialog({ title, label, confirm, first, onYes, onClose }: NameProps) {
  const { words } = useSpeech()
  const [name, setName] = useState(first)
  const isBad = name !== '' && !isGoodName(name)
  return (
    <Dialog title={title} onClose={onClose} width={440}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!isGoodName(name) || name === first) return
          onYes(name)
          onClose()
        }}
      >
        <div className="confirm">
          <h1>{title}</h1>
          <label>
            <span className="lb">{label}</span>
            <span className="field lg" data-invalid={isBad || undefined}>
              <input
                value={name}
                maxLength={255}
                spellCheck={false}
                data-autofocus
                aria-invalid={isBad || undefined}
                onFocus={(event) => event.target.select()}
                onChange={(event) => setName(event.target.value)}
              />
            </span>
          </label>
          {isBad && (
            <p className="small c-danger" role="alert">
              {words.session.files.badName}
            </p>
          )}
        </div>
        <footer className="dlg-foot">
          <span className="grow" />
          <Button size="lg" onClick={onClose} keys={words.ui.esc}>
            {words.ui.cancel}
          </Button>
          <Button size="lg" look="primary" type="submit">
            {confirm}
          </Button>
        </footer>
      </form>
    </Dialog>
  )
}
