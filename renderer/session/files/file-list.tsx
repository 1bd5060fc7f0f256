// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot be virtualised; the roles are those of a grid
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the active row
import type { FileEntry } from '@gantry/shared/files.ts'
import { UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp, ChevronRight, FolderOpen } from 'lucide-react'
import { type DragEvent, type KeyboardEvent, type ReactNode, type Ref, useEffect, useRef } from 'react'
import { pathOf } from '../../api.ts'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { useLasting } from '../../ui/now.ts'
import { SafeName } from '../../ui/safe-text.tsx'
import { crumbsOf, type FileSortKey, joined } from './file-paths.ts'
import { FileRow } from './file-row.tsx'
import { allMarked, moveTo, rowTyped, toggled } from './file-selection.ts'
import type { Folder } from './use-folder.ts'

const rowHeight = 22
const pageRows = 10
/** Letters that come sooner after each other are one word. */
const typingMs = 900
const lowSpaceBytes = 5_000_000_000

export type ListKeys = Record<string, () => void>
type FileListProps = {
  side: 'here' | 'device'
  folder: Folder
  tools: ReactNode
  keys: ListKeys
  ref: Ref<HTMLDivElement>
  onFocus: () => void
  onDropped?: (paths: string[]) => void
  /** A row is dragged; absent where nothing can be. */
  onDrag?: ((event: DragEvent, entry: FileEntry) => void) | undefined
}

/** One side's folder: crumbs, columns, rows. The names are the disk's or the device's own and are shown with what cannot be seen written out. */
export function FileList({ side, folder, tools, keys, ref, onFocus, onDropped, onDrag }: FileListProps) {
  const { words, format } = useSpeech()
  const text = words.session.files
  const { listing, failure, rows, selection } = folder
  const scroller = useRef<HTMLDivElement>(null)
  const isReading = useLasting(folder.isReading && !listing)
  const hasParent = listing !== null && crumbsOf(listing.path).length > 1
  const offset = hasParent ? 1 : 0
  const virtual = useVirtualizer({ count: rows.length + offset, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 10 })
  useEffect(() => {
    if (selection.marked.size > 0) virtual.scrollToIndex(selection.cursor + offset, { align: 'auto' })
  }, [virtual, selection, offset])

  const names = rows.map(({ name }) => name)
  const openEntry = (entry: FileEntry | undefined) => {
    if (listing && entry && (entry.kind === 'folder' || entry.kind === 'link')) folder.open(joined(listing.path, entry.name))
  }
  const listKeys: ListKeys = {
    ...keys,
    ArrowDown: () => folder.setSelection(moveTo(names, selection, selection.marked.size === 0 ? selection.cursor : selection.cursor + 1, false)),
    ArrowUp: () => folder.setSelection(moveTo(names, selection, selection.cursor - 1, false)),
    'Shift+ArrowDown': () => folder.setSelection(moveTo(names, selection, selection.cursor + 1, true)),
    'Shift+ArrowUp': () => folder.setSelection(moveTo(names, selection, selection.cursor - 1, true)),
    PageDown: () => folder.setSelection(moveTo(names, selection, selection.cursor + pageRows, false)),
    PageUp: () => folder.setSelection(moveTo(names, selection, selection.cursor - pageRows, false)),
    Home: () => folder.setSelection(moveTo(names, selection, 0, false)),
    End: () => folder.setSelection(moveTo(names, selection, names.length - 1, false)),
    'Ctrl+A': () => folder.setSelection(allMarked(names, selection)),
    Space: () => folder.setSelection(toggled(names, selection, selection.cursor)),
    Enter: () => openEntry(rows[selection.cursor]),
    Backspace: folder.up,
  }
  const typed = useRef({ text: '', atMs: 0 })
  const type = (letter: string) => {
    const { text: before, atMs } = typed.current
    const now = performance.now()
    typed.current = { text: now - atMs < typingMs ? before + letter : letter, atMs: now }
    const row = rowTyped(names, selection, typed.current.text)
    if (row !== null) folder.setSelection(moveTo(names, selection, row, false))
  }
  return (
    <div className={`files-side ${side}`}>
      <Crumbs side={side} folder={folder} tools={tools} />
      {failure && <FailureNote failure={failure} />}
      <div
        className="file-grid"
        role="grid"
        aria-label={text.listLabel(side === 'here' ? text.here : text.device)}
        aria-multiselectable
        aria-rowcount={rows.length + 1}
        aria-activedescendant={rows[selection.cursor] ? `${side}-row-${selection.cursor}` : undefined}
        tabIndex={0}
        ref={ref}
        onFocus={onFocus}
        onKeyDown={(event) => actOnKey(event, listKeys, type)}
        {...(onDropped ? dropping(onDropped) : {})}
      >
        <Heads folder={folder} />
        <div className="file-rows" role="rowgroup" ref={scroller}>
          {rows.length === 0 && listing && !failure && <p className="small t3 file-none">{text.empty}</p>}
          {isReading && <p className="small t3 file-none">{text.reading}</p>}
          <div className="tall" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map(({ index, start }) => {
              const style = { transform: `translateY(${start}px)` }
              if (index < offset) {
                return (
                  // biome-ignore lint/a11y/useKeyWithClickEvents: Backspace does the same
                  <div key=".." className="fr dir" role="row" tabIndex={-1} style={style} onClick={folder.up}>
                    <span role="gridcell" className="cut row-x">
                      <FolderOpen className="i s" aria-hidden />
                      <span aria-hidden>..</span>
                      <span className="sr">{text.up}</span>
                    </span>
                  </div>
                )
              }
              const at = index - offset
              const entry = rows[at]
              return (
                entry && (
                  <FileRow
                    key={entry.name}
                    id={`${side}-row-${at}`}
                    entry={entry}
                    style={style}
                    isMarked={selection.marked.has(entry.name)}
                    isCursor={at === selection.cursor && selection.marked.size > 0}
                    onMark={(event) =>
                      folder.setSelection(event.ctrlKey || event.metaKey ? toggled(names, selection, at) : moveTo(names, selection, at, event.shiftKey))
                    }
                    onOpen={() => openEntry(entry)}
                    onDrag={onDrag && ((event) => onDrag(event, entry))}
                  />
                )
              )
            })}
          </div>
        </div>
      </div>
      <p className="sr" role="status">
        {selection.marked.size > 1 ? text.selected(format.number(selection.marked.size)) : ''}
      </p>
    </div>
  )
}

function actOnKey(event: KeyboardEvent, keys: ListKeys, type: (letter: string) => void): void {
  const shift = event.shiftKey && event.key.length > 1 ? 'Shift+' : ''
  const control = event.ctrlKey || event.metaKey ? 'Ctrl+' : ''
  const key = event.key === ' ' ? 'Space' : event.key.length === 1 ? event.key.toUpperCase() : event.key
  const act = keys[`${control}${shift}${key}`]
  const isLetter = !act && !control && key.length === 1
  if ((!act && !isLetter) || event.altKey) return
  event.preventDefault()
  event.stopPropagation()
  if (act) act()
  else type(event.key)
}

/** Files from the desktop; what else is dragged is none of this list's. */
function dropping(onDropped: (paths: string[]) => void) {
  const holdsFiles = ({ dataTransfer }: DragEvent) => dataTransfer.types.includes('Files')
  return {
    onDragOver(event: DragEvent) {
      if (!holdsFiles(event)) return
      event.preventDefault()
      event.dataTransfer.dropEffect = 'copy'
    },
    onDrop(event: DragEvent) {
      if (!holdsFiles(event)) return
      event.preventDefault()
      onDropped([...event.dataTransfer.files].map(pathOf).filter((path) => path !== ''))
    },
  }
}

function Crumbs({ side, folder, tools }: { side: 'here' | 'device'; folder: Folder; tools: ReactNode }) {
  const { words, format } = useSpeech()
  const text = words.session.files
  const name = side === 'here' ? text.here : text.device
  const crumbs = folder.listing ? crumbsOf(folder.listing.path) : []
  const root = crumbs[0]
  return (
    <div className="crumb">
      <UnstyledButton className="crumb-root" onClick={() => root && folder.open(root.path)}>
        {name}
      </UnstyledButton>
      <nav className="crumbs" aria-label={text.path(name)}>
        {crumbs.slice(1).map((crumb) => (
          <span key={crumb.path} className="row-x">
            <ChevronRight className="i xs t3" aria-hidden />
            <UnstyledButton
              className="cut crumb-part"
              onClick={() => folder.open(crumb.path)}
              aria-current={crumb.path === folder.listing?.path ? 'location' : undefined}
            >
              <SafeName name={crumb.name} />
            </UnstyledButton>
          </span>
        ))}
      </nav>
      {folder.listing && (
        <span className={`small num nowrap ${folder.listing.freeBytes < lowSpaceBytes ? 'c-wait' : 't3'}`}>
          {text.free(format.bytes(folder.listing.freeBytes))}
        </span>
      )}
      <span className="crumb-tools">{tools}</span>
    </div>
  )
}

const columns: { key: FileSortKey; className: string }[] = [
  { key: 'name', className: '' },
  { key: 'size', className: 'fs' },
  { key: 'changed', className: 'fd' },
  { key: 'mode', className: 'fm' },
]

function Heads({ folder: { sort, setSort } }: { folder: Folder }) {
  const { words } = useSpeech()
  const Arrow = sort.isDescending ? ArrowUp : ArrowDown
  return (
    <div role="rowgroup">
      <div className="fr fh head" role="row">
        {columns.map(({ key, className }) => (
          <span key={key} role="columnheader" className={className} aria-sort={sort.key === key ? (sort.isDescending ? 'descending' : 'ascending') : 'none'}>
            <UnstyledButton className="sort" tabIndex={-1} onClick={() => setSort({ key, isDescending: sort.key === key && !sort.isDescending })}>
              {words.session.files[key]}
              {sort.key === key && <Arrow className="i xs" aria-hidden />}
            </UnstyledButton>
          </span>
        ))}
      </div>
    </div>
  )
}
