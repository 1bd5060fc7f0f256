import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { ThreadGlyph } from '../ui/thread.tsx'
import { everything, hasFilters, matching, type Query } from './device-query.ts'

type EmptyListProps = {
  all: readonly DeviceRow[]
  query: Query
  known: { favourites: readonly DeviceId[]; recent: readonly DeviceId[] }
  failure: Failure | null
  onQuery: (query: Query) => void
  onRetry: () => void
}

/** Nothing to show: what was searched, where it would be found, the nearest useful button. */
export function EmptyList({ all, query, known, failure, onQuery, onRetry }: EmptyListProps) {
  const { words, format } = useSpeech()
  const { devices } = words
  if (all.length === 0 && failure) {
    return (
      <div className="empty">
        <FailureNote failure={failure}>
          <Button onClick={onRetry}>{devices.retry}</Button>
        </FailureNote>
      </div>
    )
  }
  const elsewhere = matching(all, { ...everything, text: query.text }, known).length
  const isNarrowed = query.view !== 'all' || hasFilters(query)
  const title = query.text
    ? devices.emptyMatch(query.text)
    : hasFilters(query)
      ? devices.emptyFilters
      : query.view === 'all'
        ? devices.emptyAll
        : devices.emptyView
  const text =
    all.length === 0
      ? devices.emptyAllText
      : isNarrowed && elsewhere > 0
        ? devices.emptyElsewhere(devices.views[query.view], format.number(elsewhere))
        : devices.emptyNowhere(format.number(all.length))
  return (
    <div className="empty">
      <div>
        <ThreadGlyph thread={{ tone: 'off', nodes: ['dot', 'cross', 'hollow', 'hollow'], hops: ['dim', 'dim', 'dim'], halo: 'none' }} />
        <h2>{title}</h2>
        <p className="t2">{text}</p>
        {all.length > 0 && (
          <p className="acts">
            {isNarrowed && elsewhere > 0 && <Button onClick={() => onQuery({ ...everything, text: query.text })}>{devices.searchAll}</Button>}
            <Button look="quiet" onClick={() => onQuery(everything)}>
              {devices.clearAll}
            </Button>
          </p>
        )}
      </div>
    </div>
  )
}
