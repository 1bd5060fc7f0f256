// biome-ignore-all lint/a11y/useSemanticElements: a table element cannot be virtualised; the roles are those of a grid
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the active row
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { UnstyledButton } from '@mantine/core'
import { Star } from 'lucide-react'
import { memo } from 'react'
import { PracticeTag } from '../rehearsal/practice-tag.tsx'
import { useSpeech } from '../ui/language.tsx'
import { ThreadGlyph } from '../ui/thread.tsx'
import { offline, threadOf } from '../ui/thread-model.ts'
import type { DeviceList } from './device-store.ts'
import { type Around, lastWord, tell } from './device-story.ts'

type RowProps = {
  device: DeviceRow
  rowIndex: number
  top: number
  isChosen: boolean
  isFavourite: boolean
  around: Around
  list: DeviceList
  onChoose: (id: DeviceRow['id']) => void
  onOpen: (device: DeviceRow) => void
  onFavourite: (id: DeviceRow['id']) => void
}

/** Drawn anew only when something of it has changed: while the list is scrolled, the rows that come into sight. */
export const DeviceRowView = memo(function DeviceRowView({
  device,
  rowIndex,
  top,
  isChosen,
  isFavourite,
  around,
  list,
  onChoose,
  onOpen,
  onFavourite,
}: RowProps) {
  const speech = useSpeech()
  const { words, format } = speech
  const { why, todo, tone } = tell(device, around, speech)
  const last = lastWord(device, around.nowMs, list.offline)
  const thread = threadOf(device.reach)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list's own keys act on the chosen row
    <div
      id={device.id}
      className={`r ${list.offline ? 'aged' : ''}`}
      role="row"
      aria-rowindex={rowIndex}
      aria-selected={isChosen}
      tabIndex={-1}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(device.id)}
      onDoubleClick={() => onOpen(device)}
    >
      <span role="gridcell" className="st">
        <UnstyledButton
          className={`star ${isFavourite ? 'on' : ''}`}
          tabIndex={-1}
          aria-label={isFavourite ? words.devices.unfavourite : words.devices.favourite}
          aria-pressed={isFavourite}
          onClick={() => onFavourite(device.id)}
        >
          <Star className="i s" aria-hidden />
        </UnstyledButton>
      </span>
      <span role="gridcell" className="c">
        <span className="row-x">
          <b className="cut">{device.name}</b>
          {device.practice && <PracticeTag />}
        </span>
        <span className="cut t3 small second">{device.site.name}</span>
      </span>
      <span role="gridcell" className="c m">
        <span className="cut">{device.model.name}</span>
        <span className="cut t3 mono small second">{device.serial}</span>
      </span>
      <span role="gridcell" className="c state" title={`${why}. ${todo}`}>
        <span className="row-x">
          <ThreadGlyph thread={list.offline ? offline(thread) : thread} />
          <span className={`cut why c-${tone}`}>{why}</span>
        </span>
        <span className="cut t3 small do second">{todo}</span>
      </span>
      <span role="gridcell" className="c sw">
        <span className="num cut">{device.softwareVersion ?? '—'}</span>
      </span>
      <span role="gridcell" className="c last num">
        <span>{typeof last === 'number' ? format.age(last) : words.devices.lastWords[last]}</span>
        <span className="t3 small second">{format.time(around.nowMs, device.site.timeZone)}</span>
      </span>
    </div>
  )
})
