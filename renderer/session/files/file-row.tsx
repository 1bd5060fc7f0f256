// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot be virtualised; the roles are those of a grid
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the active row
import type { FileEntry } from '@gantry/shared/files.ts'
import { File, FileArchive, FileCog, FileSymlink, FileText, Folder, Package, Shield } from 'lucide-react'
import type { DragEvent } from 'react'
import { useSpeech } from '../../ui/language.tsx'
import { useNow } from '../../ui/now.ts'
import { SafeName } from '../../ui/safe-text.tsx'
import { modeText } from './file-paths.ts'

type RowProps = {
  id: string
  entry: FileEntry
  style: { transform: string }
  isMarked: boolean
  isCursor: boolean
  onMark: (event: { ctrlKey: boolean; metaKey: boolean; shiftKey: boolean }) => void
  onOpen: () => void
  onDrag: ((event: DragEvent) => void) | undefined
}

/** One file or folder: what it is, how large, since when, who may do what. */
export function FileRow({ id, entry, style, isMarked, isCursor, onMark, onOpen, onDrag }: RowProps) {
  const { words, format } = useSpeech()
  const nowMs = useNow(60_000)
  const Icon = iconOf(entry)
  const isPart = entry.name.endsWith('.gantry-part')
  const isToday = new Date(entry.modifiedMs).toDateString() === new Date(nowMs).toDateString()
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list's own keys act on the cursor's row
    <div
      id={id}
      className={`fr ${entry.kind === 'folder' ? 'dir' : ''} ${isMarked ? 'sel' : ''} ${isCursor ? 'cursor' : ''} ${isPart ? 'part' : ''}`}
      role="row"
      aria-selected={isMarked}
      tabIndex={-1}
      style={style}
      onClick={onMark}
      onDoubleClick={onOpen}
      draggable={onDrag !== undefined && (entry.kind === 'file' || entry.kind === 'folder')}
      onDragStart={onDrag}
    >
      <span role="gridcell" className="row-x">
        <Icon className="i s" aria-label={words.session.files.kinds[entry.kind]} />
        <SafeName name={entry.name} className="cut" />
      </span>
      <span role="gridcell" className="num fs">
        {entry.kind === 'folder' ? '—' : format.bytes(entry.size)}
      </span>
      <span role="gridcell" className="num fd">
        {isToday ? format.time(entry.modifiedMs) : format.dayOf(entry.modifiedMs)}
      </span>
      <span role="gridcell" className="mono fm">
        {modeText(entry)}
      </span>
    </div>
  )
}

function iconOf({ kind, name }: FileEntry): typeof File {
  if (kind !== 'file') return kind === 'folder' ? Folder : kind === 'link' ? FileSymlink : Shield
  if (/\.(zip|gz|xz|zst|7z|tar|bz2)$/i.test(name)) return FileArchive
  if (/\.(toml|ini|conf|cfg|json|ya?ml|xml)$/i.test(name)) return FileCog
  if (/\.(txt|log|csv|md)$/i.test(name)) return FileText
  return /\.(nvu|deb|rpm|pkg|msi|exe|bin)$/i.test(name) ? Package : File
}
