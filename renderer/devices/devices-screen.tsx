import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { type RefObject, useMemo, useRef, useState } from 'react'
import { useCommands } from '../palette/use-commands.ts'
import { isAsking } from '../request/request-store.ts'
import { useWindowState } from '../state.ts'
import { useKeys } from '../ui/keys.ts'
import { useSpeech } from '../ui/language.tsx'
import { useNow } from '../ui/now.ts'
import { useStore } from '../ui/store.ts'
import { DeviceDock } from './device-dock.tsx'
import { DeviceList } from './device-list.tsx'
import { everything, matching, type Query, readQuery, type Sort, sorted, views } from './device-query.ts'
import { DeviceSide } from './device-side.tsx'
import type { Around } from './device-story.ts'
import { EmptyList } from './empty-list.tsx'
import { FilterRow } from './filter-row.tsx'
import { SaveViewDialog } from './save-view-dialog.tsx'
import { SearchField } from './search-field.tsx'
import { ViewList, ViewMenu } from './view-list.tsx'

/** The devices that the specialist may see: views, the list with how far each gets, the chosen one's details. */
export function DevicesScreen() {
  const state = useWindowState()
  const { words } = useSpeech()
  const list = useStore(state.devices.store)
  const settings = useStore(state.settings.store)
  const place = useStore(state.place.store)
  const around = useAround(list.devices)
  const [query, setQuery] = useState<Query>(everything)
  const [sort, setSort] = useState<Sort>({ key: 'stops', isDescending: false })
  const [chosenId, setChosenId] = useState<DeviceRow['id'] | null>(null)
  const [isSaving, setSaving] = useState(false)
  const [isSheetOpen, setSheetOpen] = useState(false)
  const search = useRef<HTMLInputElement>(null)

  const recent = useMemo(
    () => [...new Set([...around.sessions, ...around.requests].map(({ device }) => device.id))].reverse(),
    [around.sessions, around.requests],
  )
  const known = useMemo(() => ({ favourites: settings.favourites, recent }), [settings.favourites, recent])
  const found = useMemo(() => matching(list.devices, query, known), [list.devices, query, known])
  const rows = useMemo(() => (query.view === 'recent' ? found : sorted(found, sort, settings.favourites)), [found, sort, settings.favourites, query.view])
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === chosenId),
  )
  const chosen = rows[at] ?? null

  const move = (to: number) => setChosenId(rows[Math.min(rows.length - 1, Math.max(0, to))]?.id ?? null)
  const act = (device: DeviceRow) => openDevice(device, state)
  const toggleFavourite = (id: DeviceRow['id']) =>
    state.settings.change({ favourites: settings.favourites.includes(id) ? settings.favourites.filter((one) => one !== id) : [...settings.favourites, id] })
  const isSideShown = settings.layout.side !== 0
  const showSide = () =>
    window.innerWidth <= 900 ? setSheetOpen(!isSheetOpen) : state.settings.change({ layout: { ...settings.layout, side: isSideShown ? 0 : 1 } })

  useKeys(
    {
      '/': () => focusAll(search),
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      PageDown: () => move(at + 10),
      PageUp: () => move(at - 10),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      Enter: () => chosen && act(chosen),
      Space: () => chosen && showSide(),
      F: () => chosen && toggleFavourite(chosen.id),
      'Ctrl+S': () => setSaving(true),
      Escape: () => (isSheetOpen ? setSheetOpen(false) : setQuery(everything)),
    },
    place.dialog === null && !isSaving,
  )

  useCommands(() => [
    { name: words.devices.saveView, keys: 'Ctrl S', run: () => setSaving(true) },
    chosen !== null && { name: words.help.does.details, detail: chosen.name, keys: 'Space', run: showSide },
    chosen !== null && {
      name: settings.favourites.includes(chosen.id) ? words.devices.unfavourite : words.devices.favourite,
      detail: chosen.name,
      keys: 'F',
      run: () => toggleFavourite(chosen.id),
    },
    ...views.map((view) => ({ name: words.devices.views[view], detail: words.devices.views.label, run: () => setQuery({ ...everything, view }) })),
    ...settings.savedViews.map(({ name, query: kept }) => ({ name, detail: words.devices.views.label, run: () => setQuery(readQuery(kept)) })),
  ])

  const isEmpty = rows.length === 0 && (list.atMs !== null || list.failure !== null)
  return (
    <div className={`devices ${isSideShown && !isEmpty ? '' : 'no-side'}`}>
      <ViewList devices={list.devices} known={known} query={query} onQuery={setQuery} onSave={() => setSaving(true)} />
      <main className="list" aria-label={words.devices.listLabel} data-region>
        <h1 className="sr">{words.devices.listLabel}</h1>
        <div className="top">
          <ViewMenu devices={list.devices} known={known} query={query} onQuery={setQuery} />
          <SearchField ref={search} text={query.text} onText={(text) => setQuery({ ...query, text })} onDown={() => move(at)} />
        </div>
        <FilterRow devices={list.devices} found={found} query={query} onQuery={setQuery} />
        {isEmpty ? (
          <EmptyList all={list.devices} query={query} known={known} failure={list.failure} onQuery={setQuery} onRetry={state.devices.read} />
        ) : (
          <DeviceList
            rows={rows}
            chosenId={chosen?.id ?? null}
            around={around}
            list={list}
            sort={sort}
            onSort={setSort}
            onChoose={setChosenId}
            onOpen={act}
            onFavourite={toggleFavourite}
          />
        )}
        {chosen && !isEmpty && (
          <DeviceDock device={chosen} around={around} offline={list.offline} onOpen={() => act(chosen)} onDetails={() => setSheetOpen(true)} />
        )}
      </main>
      {chosen && !isEmpty && (isSideShown || isSheetOpen) && (
        <DeviceSide
          key={chosen.id}
          device={chosen}
          around={around}
          list={list}
          isSheet={isSheetOpen}
          onOpen={() => act(chosen)}
          onFavourite={() => toggleFavourite(chosen.id)}
          onHide={() => (isSheetOpen ? setSheetOpen(false) : showSide())}
        />
      )}
      {isSaving && <SaveViewDialog query={query} onClose={() => setSaving(false)} />}
    </div>
  )
}

function useAround(devices: readonly DeviceRow[]): Around {
  const state = useWindowState()
  const sessions = useStore(state.sessions.store)
  const requests = useStore(state.requests.store)
  const nowMs = useNow()
  const silentAtSite = useMemo(() => {
    const counts = new Map<string, number>()
    for (const { site, reach } of devices) if (reach.why === 'site-silent') counts.set(site.id, (counts.get(site.id) ?? 0) + 1)
    return counts
  }, [devices])
  return { nowMs, silentAtSite, sessions, requests }
}

/** Enter on a row: its open session, the request that is on its way, or a new request. */
export function openDevice(device: DeviceRow, state: ReturnType<typeof useWindowState>): void {
  const session = state.sessions.store.get().find(({ device: { id }, state: now }) => id === device.id && now === 'open')
  if (session) return state.place.openTab(session.requestId)
  const request = state.requests.store.get().find((one) => one.device.id === device.id && isAsking(one))
  if (request) return state.place.openDialog({ kind: 'follow', requestId: request.requestId })
  state.place.openDialog({ kind: 'ask', deviceId: device.id })
}

function focusAll(field: RefObject<HTMLInputElement | null>): void {
  field.current?.focus()
  field.current?.select()
}
