import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { Menu, UnstyledButton } from '@mantine/core'
import { Bookmark, ChevronDown, Clock, List, Star, X } from 'lucide-react'
import { useMemo } from 'react'
import { useWindowState } from '../state.ts'
import { IconButton } from '../ui/button.tsx'
import { useKeyLabel } from '../ui/key-label.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { everything, matching, type Query, readQuery, type View, views, writeQuery } from './device-query.ts'

type Known = { favourites: readonly DeviceId[]; recent: readonly DeviceId[] }
type ViewsProps = { devices: readonly DeviceRow[]; known: Known; query: Query; onQuery: (query: Query) => void }
const icons = { all: List, favourites: Star, recent: Clock }

type Entry = { key: string; name: string; query: Query; count: number; icon: typeof List | null; isChosen: boolean }

function useEntries({ devices, known, query }: Omit<ViewsProps, 'onQuery'>): { own: Entry[]; saved: Entry[] } {
  const { words } = useSpeech()
  const { savedViews } = useStore(useWindowState().settings.store)
  const written = writeQuery(query)
  return useMemo(() => {
    const count = (one: Query) => matching(devices, one, known).length
    const own = views.map((view: View) => {
      const one = { ...everything, view }
      return {
        key: view,
        name: words.devices.views[view],
        query: one,
        count: count(one),
        icon: icons[view],
        isChosen: query.view === view && !savedViews.some((saved) => saved.query === written),
      }
    })
    const saved = savedViews.map((view) => {
      const one = readQuery(view.query)
      return { key: view.name, name: view.name, query: one, count: count(one), icon: null, isChosen: view.query === written }
    })
    return { own, saved }
  }, [devices, known, query.view, savedViews, written, words])
}

export function ViewList({ onQuery, onSave, ...props }: ViewsProps & { onSave: () => void }) {
  const { words, format } = useSpeech()
  const keyLabel = useKeyLabel()
  const { settings } = useWindowState()
  const { own, saved } = useEntries(props)
  const forget = (name: string) => settings.change({ savedViews: settings.store.get().savedViews.filter((view) => view.name !== name) })
  const row = ({ key, name, query, count, icon: Icon, isChosen }: Entry, canForget: boolean) => (
    <div key={key} className="v" data-chosen={isChosen || undefined}>
      <UnstyledButton className="v-name grow" aria-current={isChosen || undefined} onClick={() => onQuery(query)}>
        {Icon && <Icon className="i s" aria-hidden />}
        <span className="grow cut">{name}</span>
        <span className="num t3 small">{format.number(count)}</span>
      </UnstyledButton>
      {canForget && <IconButton icon={X} label={words.devices.forgetView(name)} small onClick={() => forget(name)} />}
    </div>
  )
  return (
    <nav className="views" aria-label={words.devices.views.label} data-region tabIndex={-1}>
      <div>{own.map((entry) => row(entry, false))}</div>
      {saved.length > 0 && (
        <div className="saved">
          <h2 className="head">{words.devices.views.saved}</h2>
          {saved.map((entry) => row(entry, true))}
        </div>
      )}
      <p className="foot small">
        <UnstyledButton className="link" onClick={onSave}>
          {words.devices.saveView}
        </UnstyledButton>
        <kbd aria-hidden>{keyLabel('Ctrl S')}</kbd>
      </p>
    </nav>
  )
}

/** The same, folded into a menu where there is no third column. */
export function ViewMenu({ onQuery, ...props }: ViewsProps) {
  const { words, format } = useSpeech()
  const { own, saved } = useEntries(props)
  const chosen = [...own, ...saved].find(({ isChosen }) => isChosen)
  const item = ({ key, name, query, count }: Entry) => (
    <Menu.Item key={key} rightSection={<span className="num t3 small">{format.number(count)}</span>} onClick={() => onQuery(query)}>
      {name}
    </Menu.Item>
  )
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <UnstyledButton className="btn quiet view-menu">
          <Bookmark className="i s" aria-hidden />
          {chosen?.name ?? words.devices.views.all}
          <ChevronDown className="i s" aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {own.map(item)}
        {saved.length > 0 && <Menu.Label>{words.devices.views.saved}</Menu.Label>}
        {saved.map(item)}
      </Menu.Dropdown>
    </Menu>
  )
}
