import { Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { folded } from '../devices/device-query.ts'
import { openDevice } from '../devices/devices-screen.tsx'
import { type State, useWindowState } from '../state.ts'
import { Dialog } from '../ui/dialog.tsx'
import { type Speech, useSpeech } from '../ui/language.tsx'

type Entry = { group: 'sessions' | 'go' | 'act' | 'devices'; name: string; detail: string; run: () => void }
const most = { devices: 8, all: 24 }

/** Ctrl K: every screen, every action, every device, by typing. */
export function Palette({ onClose }: { onClose: () => void }) {
  const speech = useSpeech()
  const state = useWindowState()
  const text = speech.words.palette
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const found = useMemo(() => find(query, state, speech), [query, state, speech])
  const run = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    entry.run()
  }
  return (
    <Dialog title={text.title} onClose={onClose} width={560} className="palette-dlg" closesOutside>
      <label className="palette-field">
        <Search className="i t3" aria-hidden />
        <input
          value={query}
          data-autofocus
          placeholder={text.placeholder}
          role="combobox"
          aria-expanded={found.length > 0}
          aria-controls="palette-list"
          aria-activedescendant={found[at] ? `palette-${at}` : undefined}
          aria-label={text.title}
          spellCheck={false}
          onChange={(event) => {
            setQuery(event.target.value)
            setAt(0)
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') setAt(Math.min(found.length - 1, at + 1))
            else if (event.key === 'ArrowUp') setAt(Math.max(0, at - 1))
            else if (event.key === 'Enter') run(found[at])
            else return
            event.preventDefault()
          }}
        />
      </label>
      <p className="t3 none" role="status">
        {found.length === 0 && text.none(query)}
      </p>
      {found.length > 0 && (
        <div id="palette-list" className="palette-list" role="listbox" aria-label={text.title}>
          {found.map((entry, index) => (
            <div key={`${entry.group}-${entry.name}-${entry.detail}`} role="presentation">
              {entry.group !== found[index - 1]?.group && <p className="head">{text.groups[entry.group]}</p>}
              {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field's own keys act on the chosen entry */}
              <div
                id={`palette-${index}`}
                className={`entry ${index === at ? 'on' : ''}`}
                role="option"
                aria-selected={index === at}
                tabIndex={-1}
                ref={index === at ? (element) => element?.scrollIntoView({ block: 'nearest' }) : null}
                onMouseMove={() => setAt(index)}
                onClick={() => run(entry)}
              >
                <span className="grow cut">{entry.name}</span>
                <span className="small t3 cut">{entry.detail}</span>
              </div>
            </div>
          ))}
        </div>
      )}
    </Dialog>
  )
}

function find(query: string, state: State, { words, language }: Speech): Entry[] {
  const { palette: text, shell, settings: settingWords } = words
  const go = (['devices', 'sessions', 'history', 'audit', 'help', 'settings'] as const).map((screen) => ({
    group: 'go' as const,
    name: shell[screen],
    detail: '',
    run: () => state.place.go(screen),
  }))
  const sessions = state.sessions.store.get().map((session) => ({
    group: 'sessions' as const,
    name: session.device.name,
    detail: session.device.site,
    run: () => state.place.openTab(session.requestId),
  }))
  const themes = (['system', 'light', 'dark', 'contrast'] as const).map((theme) => ({
    group: 'act' as const,
    name: text.theme(settingWords.themes[theme]),
    detail: '',
    run: () => state.settings.change({ theme }),
  }))
  const act = [
    ...themes,
    { group: 'act' as const, name: text.language, detail: '', run: () => state.settings.change({ language: language === 'fr' ? 'en' : 'fr' }) },
    { group: 'act' as const, name: text.newList, detail: '', run: state.devices.read },
  ]
  const devices = state.devices.store.get().devices.map((device) => ({
    group: 'devices' as const,
    name: device.name,
    detail: `${device.site.name} · ${device.serial}`,
    run: () => openDevice(device, state),
  }))
  const parts = folded(query).split(/\s+/).filter(Boolean)
  // A device that is named so comes before one whose site or serial holds the words.
  const rank = ({ name }: Entry) => (folded(name).includes(folded(query.trim())) ? 0 : 1)
  const fits = ({ name, detail }: Entry) => parts.every((word) => folded(`${name} ${detail}`).includes(word))
  return [
    ...sessions.filter(fits),
    ...devices
      .filter(fits)
      .sort((a, b) => rank(a) - rank(b))
      .slice(0, query ? most.all : most.devices),
    ...go.filter(fits),
    ...act.filter(fits),
  ].slice(0, 60)
}
