import { useSpeech } from '../../ui/language.tsx'
import { safeName } from '../../ui/safe-name.ts'
import type { DragNote } from './use-drag-out.ts'

/** What becomes of the files that are dragged out of the device's list, in one line. */
export function DragLine({ note }: { note: DragNote | null }) {
  const { words, format } = useSpeech()
  const text = words.session.transfers.drag
  const [first = ''] = note?.names ?? []
  const what = note && (note.names.length === 1 ? safeName(first) : text.many(format.number(note.names.length)))
  return (
    <p className="small t2 drag-line" role="status">
      {note && what && (note.state === 'fetching' ? text.fetching(what) : text.left(what, note.folder))}
    </p>
  )
}
