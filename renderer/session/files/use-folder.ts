import type { Failure } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { failureOf } from '../../api.ts'
import { type FileSort, parentOf, sortedFiles } from './file-paths.ts'
import { nothingMarked, type Selection } from './file-selection.ts'

export type Listing = { path: string; parent: string | null; entries: readonly FileEntry[]; freeBytes: number }
export type ReadFolder = (path: string | null) => Promise<Listing>

export type Folder = {
  listing: Listing | null
  failure: Failure | null
  isReading: boolean
  rows: readonly FileEntry[]
  sort: FileSort
  selection: Selection
  marked: readonly FileEntry[]
  setSort(sort: FileSort): void
  setSelection(selection: Selection): void
  open(path: string): void
  up(): void
  refresh(): void
}

/** One side of the files pane: the folder that is shown, its rows, what is marked in it. A folder that cannot be read leaves the last one in place. */
export function useFolder(read: ReadFolder, hidesDots: boolean): Folder {
  const [listing, setListing] = useState<Listing | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isReading, setReading] = useState(false)
  const [sort, setSort] = useState<FileSort>({ key: 'name', isDescending: false })
  const [selection, setSelection] = useState<Selection>(nothingMarked)
  const asked = useRef(0)
  const shown = useRef<string | null>(null)

  const load = useCallback(
    (path: string | null) => {
      const turn = ++asked.current
      setReading(true)
      read(path).then(
        (next) => {
          if (turn !== asked.current) return
          const isOther = shown.current !== next.path
          shown.current = next.path
          setListing(next)
          setFailure(null)
          setReading(false)
          if (isOther) setSelection(nothingMarked)
        },
        (error) => {
          if (turn !== asked.current) return
          setFailure(failureOf(error))
          setReading(false)
        },
      )
    },
    [read],
  )
  useEffect(() => load(null), [load])

  const rows = useMemo(() => {
    const entries = listing?.entries ?? []
    return sortedFiles(hidesDots ? entries.filter(({ name }) => !name.startsWith('.')) : entries, sort)
  }, [listing, sort, hidesDots])
  const marked = useMemo(() => rows.filter(({ name }) => selection.marked.has(name)), [rows, selection.marked])
  const parent = listing ? (listing.parent ?? parentOf(listing.path)) : null
  return {
    listing,
    failure,
    isReading,
    rows,
    sort,
    selection,
    marked,
    setSort,
    setSelection,
    open: load,
    up: () => parent !== null && load(parent),
    refresh: () => load(shown.current),
  }
}
