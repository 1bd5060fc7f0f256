import { useWindowState } from '../state.ts'
import { TextDialog } from '../ui/dialog.tsx'
import { useSpeech } from '../ui/language.tsx'
import { type Query, writeQuery } from './device-query.ts'

const maxNameCharacters = 60

export function SaveViewDialog({ query, onClose }: { query: Query; onClose: () => void }) {
  const { words } = useSpeech()
  const { settings } = useWindowState()
  const save = (name: string) => {
    if (!name) return false
    const others = settings.store.get().savedViews.filter((view) => view.name !== name)
    settings.change({ savedViews: [...others, { name, query: writeQuery(query).slice(0, 500) }].slice(-50) })
    return true
  }
  const { saveViewTitle: title, viewName: label, save: confirm } = words.devices
  return <TextDialog {...{ title, label, confirm, first: query.text.slice(0, maxNameCharacters), maxLength: maxNameCharacters, onDone: save, onClose }} />
}
