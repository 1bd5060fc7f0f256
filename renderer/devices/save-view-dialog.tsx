import { useState } from 'react'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { useSpeech } from '../ui/language.tsx'
import { type Query, writeQuery } from './device-query.ts'

export function SaveViewDialog({ query, onClose }: { query: Query; onClose: () => void }) {
  const { words } = useSpeech()
  const { settings } = useWindowState()
  const [name, setName] = useState(query.text)
  const save = () => {
    const trimmed = name.trim().slice(0, 60)
    if (!trimmed) return
    const others = settings.store.get().savedViews.filter((view) => view.name !== trimmed)
    settings.change({ savedViews: [...others, { name: trimmed, query: writeQuery(query).slice(0, 500) }].slice(-50) })
    onClose()
  }
  return (
    <Dialog title={words.devices.saveViewTitle} onClose={onClose} width={440}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save()
        }}
      >
        <div className="confirm">
          <h1>{words.devices.saveViewTitle}</h1>
          <label>
            <span className="lb">{words.devices.viewName}</span>
            <span className="field lg">
              <input value={name} maxLength={60} data-autofocus onChange={(event) => setName(event.target.value)} />
            </span>
          </label>
        </div>
        <footer className="dlg-foot">
          <span className="grow" />
          <Button size="lg" onClick={onClose} keys={words.ui.esc}>
            {words.ui.cancel}
          </Button>
          <Button size="lg" look="primary" type="submit">
            {words.devices.save}
          </Button>
        </footer>
      </form>
    </Dialog>
  )
}
