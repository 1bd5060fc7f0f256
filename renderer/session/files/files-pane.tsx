import type { Failure } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import type { CallInput, SessionView } from '@gantry/shared/ipc.ts'
import { ArrowDown, ArrowUp, Eye, EyeOff, Folder, FolderPlus, FolderSync, Maximize2, Minimize2, Pencil, RefreshCw, Trash2 } from 'lucide-react'
import { type DragEvent, useCallback, useEffect, useRef, useState } from 'react'
import { call, failureOf } from '../../api.ts'
import { useCommands } from '../../palette/use-commands.ts'
import { useWindowState } from '../../state.ts'
import { IconButton } from '../../ui/button.tsx'
import { FailureNote } from '../../ui/failure-note.tsx'
import { useSpeech } from '../../ui/language.tsx'
import { useStore } from '../../ui/store.ts'
import { CompareDialog } from './compare-dialog.tsx'
import { DragLine } from './drag-line.tsx'
import { FileList } from './file-list.tsx'
import { joined, nameOf } from './file-paths.ts'
import { type FileQuestion, FileQuestionDialog } from './file-question.tsx'
import { TransferList } from './transfer-list.tsx'
import { isOver } from './transfer-store.ts'
import { useDragOut } from './use-drag-out.ts'
import { type Folder as FolderState, useFolder } from './use-folder.ts'

type FilesPaneProps = { session: SessionView; isShown: boolean; isMaximised: boolean; onMaximise: () => void }
type Side = 'here' | 'device'
/** In the settings' layout: 1 where names that begin with a dot are left out. */
const dotsKey = 'files.hides-dots'
type Start = CallInput<'transfer.start'>

/** Two folders side by side, this computer's and the device's, and what moves between them. */
export function FilesPane({ session, isShown, isMaximised, onMaximise }: FilesPaneProps) {
  const { words } = useSpeech()
  const text = words.session.files
  const { requestId } = session
  const { settings } = useWindowState()
  const { layout } = useStore(settings.store)
  const hidesDots = layout[dotsKey] === 1
  const here = useFolder(
    useCallback((path) => call('local.list', { path }), []),
    hidesDots,
  )
  const there = useFolder(
    useCallback(
      async (path) => {
        const asked = path ?? '/'
        return { path: asked, parent: null, ...(await call('remote.list', { requestId, path: asked })) }
      },
      [requestId],
    ),
    hidesDots,
  )
  const [active, setActive] = useState<Side>('here')
  const [question, setQuestion] = useState<FileQuestion | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isComparing, setComparing] = useState(false)
  const lists = { here: useRef<HTMLDivElement>(null), device: useRef<HTMLDivElement>(null) }
  useRefreshAfterTransfers(session, here, there)
  const dragOut = useDragOut(setFailure)

  const attempt = (doing: Promise<unknown>, after: FolderState) =>
    void doing.then(
      () => {
        setFailure(null)
        after.refresh()
      },
      (error) => setFailure(failureOf(error)),
    )
  const start = (input: Start) =>
    void call('transfer.start', input).then(
      () => setFailure(null),
      (error) => setFailure(failureOf(error)),
    )

  /** Nothing is replaced unasked. */
  const ask = (input: Omit<Start, 'replace'>, clashes: readonly FileEntry[]) => {
    if (clashes.length === 0) return start({ ...input, replace: false })
    setQuestion({ kind: 'replace', entries: clashes, onYes: () => start({ ...input, replace: true }) })
  }
  const copy = (side: Side) => {
    const [from, to] = side === 'here' ? [here, there] : [there, here]
    const { listing } = from
    if (!listing || !to.listing || from.marked.length === 0) return
    const taken = new Set(to.listing.entries.map(({ name }) => name))
    const input = {
      requestId,
      direction: side === 'here' ? ('put' as const) : ('get' as const),
      from: from.marked.map(({ name }) => joined(listing.path, name)),
      to: to.listing.path,
    }
    ask(
      input,
      from.marked.filter(({ name }) => taken.has(name)),
    )
  }
  /** Files of this computer, dropped on the device's list. */
  const send = (paths: readonly string[]) => {
    const { listing } = there
    if (!listing || dragOut?.isOwn()) return
    if (paths.length === 0) return setFailure({ code: 'file.not-found' })
    const names = new Set(paths.map(nameOf))
    const input = { requestId, direction: 'put' as const, from: [...paths], to: listing.path }
    ask(
      input,
      listing.entries.filter(({ name }) => names.has(name)),
    )
  }
  /** Out of the window: first an ordinary transfer, into the folder that is open here. */
  const dragRow = (event: DragEvent, row: FileEntry) => {
    event.preventDefault()
    const { listing, marked } = there
    if (!listing || !here.listing || !dragOut) return
    const rows = marked.includes(row) ? marked.filter(({ kind }) => kind === 'file' || kind === 'folder') : [row]
    const taken = new Set(here.listing.entries.map(({ name }) => name))
    const input = { requestId, direction: 'get' as const, from: rows.map(({ name }) => joined(listing.path, name)), to: here.listing.path }
    const clashes = rows.filter(({ name }) => taken.has(name))
    if (clashes.length > 0) return ask(input, clashes)
    setFailure(null)
    const names = rows.map(({ name }) => name)
    dragOut.fetched(names, here.listing.path, async () => (await call('transfer.start', { ...input, replace: false })).transferIds)
  }
  const makeFolder = (side: Side) => {
    const { listing } = side === 'here' ? here : there
    if (!listing) return
    const make = (name: string) => {
      const path = joined(listing.path, name)
      attempt(side === 'here' ? call('local.make-folder', { path }) : call('remote.make-folder', { requestId, path }), side === 'here' ? here : there)
    }
    setQuestion({ kind: 'make', onYes: make })
  }
  const rename = () => {
    const { listing, marked } = there
    const entry = marked[0]
    if (!listing || !entry || marked.length !== 1) return
    const from = joined(listing.path, entry.name)
    setQuestion({ kind: 'rename', entry, onYes: (name) => attempt(call('remote.rename', { requestId, from, to: joined(listing.path, name) }), there) })
  }
  const remove = () => {
    const { listing, marked } = there
    if (!listing || marked.length === 0) return
    const each = async () => {
      for (const { name } of marked) await call('remote.delete', { requestId, path: joined(listing.path, name) })
    }
    setQuestion({ kind: 'remove', entries: marked, onYes: () => attempt(each(), there) })
  }

  const toggleDots = () => settings.change({ layout: { ...layout, [dotsKey]: hidesDots ? 0 : 1 } })
  useCommands(
    () => [
      here.marked.length > 0 && { name: text.toDevice, keys: 'F5', run: () => copy('here') },
      there.marked.length > 0 && { name: text.toHere, keys: 'F5', run: () => copy('device') },
      { name: words.session.compare.title, run: () => setComparing(true) },
      { name: text.newFolder, detail: text.device, run: () => makeFolder('device') },
      { name: text.newFolder, detail: text.here, run: () => makeFolder('here') },
      there.marked.length === 1 && { name: text.rename, detail: text.device, keys: 'F2', run: rename },
      there.marked.length > 0 && { name: text.remove, detail: text.device, keys: 'Delete', run: remove },
      { name: text.dots, run: toggleDots },
    ],
    isShown,
  )

  return (
    <section
      className="pane filesp"
      aria-label={text.title}
      data-region
      tabIndex={-1}
      onFocus={(event) => event.target === event.currentTarget && lists[active].current?.focus()}
    >
      <div className="ph">
        <Folder className="i s" aria-hidden />
        <b className="grow">{text.title}</b>
        <IconButton icon={hidesDots ? EyeOff : Eye} small label={text.dots} isPressed={!hidesDots} onClick={toggleDots} />
        <IconButton
          icon={isMaximised ? Minimize2 : Maximize2}
          small
          label={isMaximised ? words.session.terminal.restore : words.session.terminal.maximise}
          onClick={onMaximise}
        />
      </div>
      {failure && <FailureNote failure={failure} />}
      <div className="dual">
        <FileList
          side="here"
          folder={here}
          ref={lists.here}
          onFocus={() => setActive('here')}
          keys={{ F5: () => copy('here'), F7: () => makeFolder('here'), 'Ctrl+R': here.refresh }}
          tools={<Tools side="here" folder={here} onCopy={() => copy('here')} onMake={() => makeFolder('here')} />}
        />
        <FileList
          side="device"
          folder={there}
          onDropped={send}
          onDrag={dragOut ? dragRow : undefined}
          ref={lists.device}
          onFocus={() => setActive('device')}
          keys={{ F5: () => copy('device'), F2: rename, F7: () => makeFolder('device'), Delete: remove, 'Ctrl+R': there.refresh }}
          tools={
            <Tools
              side="device"
              folder={there}
              onCopy={() => copy('device')}
              onMake={() => makeFolder('device')}
              onCompare={() => setComparing(true)}
              onRename={rename}
              onRemove={remove}
            />
          }
        />
      </div>
      {dragOut && <DragLine note={dragOut.note} />}
      <TransferList session={session} onStart={start} onFailure={setFailure} dragOut={dragOut} />
      {isComparing && here.listing && there.listing && (
        <CompareDialog
          requestId={requestId}
          local={here.listing.path}
          remote={there.listing.path}
          onClose={() => {
            setComparing(false)
            here.refresh()
            there.refresh()
          }}
        />
      )}
      {question && (
        <FileQuestionDialog
          question={question}
          onClose={() => {
            setQuestion(null)
            lists[active].current?.focus()
          }}
        />
      )}
    </section>
  )
}

type ToolsProps = {
  side: Side
  folder: FolderState
  onCopy: () => void
  onMake: () => void
  onCompare?: () => void
  onRename?: () => void
  onRemove?: () => void
}

function Tools({ side, folder, onCopy, onMake, onCompare, onRename, onRemove }: ToolsProps) {
  const { words } = useSpeech()
  const text = words.session.files
  const count = folder.marked.length
  return (
    <>
      {onRemove && count > 0 && <IconButton icon={Trash2} small label={text.remove} keys="Delete" onClick={onRemove} />}
      {onRename && count === 1 && <IconButton icon={Pencil} small label={text.rename} keys="F2" onClick={onRename} />}
      {count > 0 && (
        <IconButton icon={side === 'here' ? ArrowUp : ArrowDown} small label={side === 'here' ? text.toDevice : text.toHere} keys="F5" onClick={onCopy} />
      )}
      {onCompare && <IconButton icon={FolderSync} small label={words.session.compare.title} onClick={onCompare} />}
      <IconButton icon={FolderPlus} small label={text.newFolder} keys="F7" onClick={onMake} />
      <IconButton icon={RefreshCw} small label={text.refresh} onClick={folder.refresh} />
    </>
  )
}

/** A finished transfer has changed the folder that it went into. */
function useRefreshAfterTransfers({ requestId }: SessionView, here: FolderState, there: FolderState): void {
  const transfers = useStore(useWindowState().transfers.store)
  const mine = transfers.filter((transfer) => transfer.requestId === requestId && isOver(transfer))
  const puts = mine.filter(({ direction }) => direction === 'put').length
  const gets = mine.length - puts
  const newest = useRef({ here, there })
  newest.current = { here, there }
  useEffect(() => {
    if (puts > 0) newest.current.there.refresh()
  }, [puts])
  useEffect(() => {
    if (gets > 0) newest.current.here.refresh()
  }, [gets])
}
