import { Menu, Tooltip, UnstyledButton } from '@mantine/core'
import { History, LogOut, type LucideIcon, Phone, Rows3, Search, Settings, ShieldCheck, SquareTerminal } from 'lucide-react'
import { call } from './api.ts'
import type { Screen } from './place.ts'
import { isAsking } from './request/request-store.ts'
import { useWindowState } from './state.ts'
import { useKeyLabel } from './ui/key-label.ts'
import { useSpeech } from './ui/language.tsx'
import { useNow } from './ui/now.ts'
import { useStore } from './ui/store.ts'
import { Logo } from './ui/thread.tsx'

/** The title bar: the mark, the palette, who is signed in and the time there. */
export function TitleBar() {
  const { words, format } = useSpeech()
  const state = useWindowState()
  const { specialist } = useStore(state.signIn)
  const nowMs = useNow(10_000)
  const keyLabel = useKeyLabel()
  return (
    <header className={`bar ${state.about.host} ${state.about.platform}`}>
      <span className="bar-mark">
        <Logo />
      </span>
      <span className="name">{words.ui.appName}</span>
      {state.about.sandbox && <span className="tag wait sandbox-tag">{words.shell.sandbox}</span>}
      <UnstyledButton className="palette" onClick={() => state.place.openDialog({ kind: 'palette' })}>
        <Search className="i s" aria-hidden />
        <span className="grow cut">{words.shell.palette}</span>
        <kbd aria-hidden>{keyLabel('Ctrl K')}</kbd>
      </UnstyledButton>
      {specialist && (
        <div className="who">
          <span className="opt small">
            <span className="num">{format.timeInSentence(nowMs)}</span>, {specialist.city}
          </span>
          <Menu position="bottom-end">
            <Menu.Target>
              <UnstyledButton className="avatar" aria-label={`${initials(specialist.name)}, ${words.shell.account(specialist.name)}`}>
                {initials(specialist.name)}
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Label>
                {specialist.name}, {specialist.employer}
              </Menu.Label>
              <Menu.Item leftSection={<Settings className="i s" aria-hidden />} onClick={() => state.place.go('settings')}>
                {words.shell.settings}
              </Menu.Item>
              <Menu.Item leftSection={<LogOut className="i s" aria-hidden />} onClick={() => void call('sign-in.out', {}).catch(() => undefined)}>
                {words.shell.signOut}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      )}
    </header>
  )
}

function initials(name: string): string {
  const parts = name.split(/[\s]+/).filter(Boolean)
  return ((parts[0]?.[0] ?? '') + (parts.length > 1 ? (parts.at(-1)?.[0] ?? '') : '')).toUpperCase()
}

const upper: [Screen, LucideIcon][] = [
  ['devices', Rows3],
  ['sessions', SquareTerminal],
  ['history', History],
  ['audit', ShieldCheck],
]
const lower: [Screen, LucideIcon][] = [
  ['help', Phone],
  ['settings', Settings],
]

export function Rail() {
  const { words } = useSpeech()
  const state = useWindowState()
  const { screen } = useStore(state.place.store)
  const open = useStore(state.sessions.store).filter(({ state: now }) => now === 'open').length + useStore(state.requests.store).filter(isAsking).length
  const nameOf = (name: Screen) => (name === 'sessions' && open > 0 ? `${words.shell[name]}, ${words.shell.openSessions(open)}` : words.shell[name])
  const item = ([name, Icon]: [Screen, LucideIcon]) => (
    <Tooltip key={name} label={words.shell[name]} position="right">
      <UnstyledButton className="rail-item" aria-label={nameOf(name)} aria-current={screen === name ? 'page' : undefined} onClick={() => state.place.go(name)}>
        <Icon className="i l" aria-hidden />
        {name === 'sessions' && open > 0 && (
          <span className="pip num" aria-hidden>
            {open}
          </span>
        )}
      </UnstyledButton>
    </Tooltip>
  )
  return (
    <nav className="rail" aria-label={words.shell.screens} data-region tabIndex={-1}>
      {upper.map(item)}
      <span className="grow" />
      {lower.map(item)}
    </nav>
  )
}
