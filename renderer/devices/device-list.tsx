// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot be virtualised; the roles are those of a grid
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the active row
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { UnstyledButton } from '@mantine/core'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import type { Sort, SortKey } from './device-query.ts'
import { DeviceRowView } from './device-row.tsx'
import type { DeviceList as List } from './device-store.ts'
import type { Around } from './device-story.ts'

const heights = { comfortable: 40, compact: 28 }
const columns: { sortKey: SortKey; className: string }[] = [
  { sortKey: 'device', className: '' },
  { sortKey: 'model', className: 'm' },
  { sortKey: 'stops', className: 'state' },
  { sortKey: 'software', className: 'sw' },
  { sortKey: 'contact', className: 'last' },
]

type DeviceListProps = {
  rows: readonly DeviceRow[]
  chosenId: DeviceRow['id'] | null
  around: Around
  list: List
  sort: Sort
  onSort: (sort: Sort) => void
  onChoose: (id: DeviceRow['id']) => void
  onOpen: (device: DeviceRow) => void
  onFavourite: (id: DeviceRow['id']) => void
}

/** Draws the rows that can be seen: 5,000 cost no more than 30. */
export function DeviceList({ rows, chosenId, around, list, sort, onSort, onChoose, onOpen, onFavourite }: DeviceListProps) {
  const { words } = useSpeech()
  const { density, favourites } = useStore(useWindowState().settings.store)
  const scroller = useRef<HTMLDivElement>(null)
  const height = heights[density]
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => height, overscan: 8 })
  const chosenAt = rows.findIndex(({ id }) => id === chosenId)
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured again when the density has changed
  useEffect(() => virtual.measure(), [virtual, height])
  useEffect(() => {
    if (chosenAt >= 0) virtual.scrollToIndex(chosenAt, { align: 'auto' })
  }, [virtual, chosenAt])

  return (
    <div
      className={`grid ${density}`}
      role="grid"
      aria-label={words.devices.listLabel}
      aria-rowcount={rows.length + 1}
      tabIndex={0}
      aria-activedescendant={chosenId ?? undefined}
    >
      <div role="rowgroup">
        <div className="r h head" role="row">
          <span role="columnheader">
            <span className="sr">{words.devices.favourite}</span>
          </span>
          {columns.map((column) => (
            <SortHead key={column.sortKey} {...column} sort={sort} onSort={onSort} />
          ))}
        </div>
      </div>
      <div className="rows" ref={scroller} role="rowgroup">
        <div className="tall" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const device = rows[index]
            return (
              device && (
                <DeviceRowView
                  key={device.id}
                  device={device}
                  rowIndex={index + 2}
                  top={start}
                  isChosen={device.id === chosenId}
                  isFavourite={favourites.includes(device.id)}
                  around={around}
                  list={list}
                  onChoose={onChoose}
                  onOpen={onOpen}
                  onFavourite={onFavourite}
                />
              )
            )
          })}
        </div>
      </div>
    </div>
  )
}

type SortHeadProps = { sortKey: SortKey; className: string; sort: Sort; onSort: (sort: Sort) => void }

function SortHead({ sortKey: key, className, sort, onSort }: SortHeadProps) {
  const { words } = useSpeech()
  const isSorted = sort.key === key
  const Arrow = sort.isDescending ? ArrowUp : ArrowDown
  return (
    <span role="columnheader" className={className} aria-sort={isSorted ? (sort.isDescending ? 'descending' : 'ascending') : 'none'}>
      <UnstyledButton className="sort" onClick={() => onSort({ key, isDescending: isSorted && !sort.isDescending })}>
        {words.devices.columns[key]}
        {isSorted && <Arrow className="i xs" aria-hidden />}
      </UnstyledButton>
    </span>
  )
}
