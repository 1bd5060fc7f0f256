import { call } from '../api.ts'
import { reopenTab } from '../app-keys.ts'
import { folded } from '../devices/device-query.ts'
import { openDevice } from '../devices/devices-screen.tsx'
import { practiceDevice } from '../rehearsal/rehearsal-step.ts'
import { formWords } from '../rehearsal/use-rehearsal.ts'
import type { State } from '../state.ts'
import type { Speech } from '../ui/language.tsx'

export type Entry = { group: 'sessions' | 'here' | 'devices' | 'go' | 'act'; name: string; detail: string; keys?: string; run: () => void }
const most = { devices: 8, found: 24, all: 60 }

/** What fits all the words that were typed: open sessions, what can be done with what is on the screen, devices, screens, what can be done everywhere. */
export function entriesFor(query: string, state: State, speech: Speech): Entry[] {
  const parts = folded(query).split(/\s+/).filter(Boolean)
  // A device that is named so comes before one whose site or serial holds the words.
  const rank = ({ name }: Entry) => (folded(name).includes(folded(query.trim())) ? 0 : 1)
  const fits = ({ name, detail }: Entry) => parts.every((word) => folded(`${name} ${detail}`).includes(word))
  const devices = devicesOf(state)
    .filter(fits)
    .sort((a, b) => rank(a) - rank(b))
  return [
    ...sessionsOf(state).filter(fits),
    ...state.commands
      .all()
      .map((command) => ({ detail: '', ...command, group: 'here' as const }))
      .filter(fits),
    ...devices.slice(0, query ? most.found : most.devices),
    ...[...screensOf(state, speech), ...everywhere(state, speech)].filter(fits),
  ].slice(0, most.all)
}

function sessionsOf({ sessions, place }: State): Entry[] {
  return sessions.store
    .get()
    .map(({ requestId, device }) => ({ group: 'sessions', name: device.name, detail: device.site, run: () => place.openTab(requestId) }))
}

function devicesOf(state: State): Entry[] {
  return state.devices.store
    .get()
    .devices.map((device) => ({ group: 'devices', name: device.name, detail: `${device.site.name} · ${device.serial}`, run: () => openDevice(device, state) }))
}

function screensOf({ place }: State, { words: { shell } }: Speech): Entry[] {
  const screens = ['devices', 'sessions', 'history', 'audit', 'help', 'settings'] as const
  return screens.map((screen) => ({ group: 'go', name: shell[screen], detail: '', run: () => place.go(screen) }))
}

function everywhere(state: State, { words, language }: Speech): Entry[] {
  const { palette: text, settings: names, shell } = words
  const { settings, devices } = state
  const { density, noticeSound, terminalScreenReader } = settings.store.get()
  const [rows, sound, reader] = [
    density === 'compact' ? ('comfortable' as const) : ('compact' as const),
    noticeSound ? ('off' as const) : ('on' as const),
    terminalScreenReader ? ('off' as const) : ('on' as const),
  ]
  const themes = (['system', 'light', 'dark', 'contrast'] as const).map((theme) => ({
    name: text.setting(names.theme, names.themes[theme]),
    run: () => settings.change({ theme }),
  }))
  const all: Omit<Entry, 'group' | 'detail'>[] = [
    ...themes,
    { name: text.language, run: () => settings.change({ language: language === 'fr' ? 'en' : 'fr' }) },
    { name: text.setting(names.density, names.densities[rows]), run: () => settings.change({ density: rows }) },
    { name: text.setting(names.fontSize, names.larger), run: () => settings.resizeText(1) },
    { name: text.setting(names.fontSize, names.smaller), run: () => settings.resizeText(-1) },
    { name: text.setting(names.screenReader, names.screenReaders[reader]), run: () => settings.change({ terminalScreenReader: reader === 'on' }) },
    { name: text.setting(names.sound, names.sounds[sound]), run: () => settings.change({ noticeSound: sound === 'on' }) },
    { name: text.newList, run: devices.read },
    { name: words.help.does.reopen, keys: 'Ctrl ⇧ T', run: () => reopenTab(state) },
    { name: shell.signOut, run: () => void call('sign-in.out', {}).catch(() => undefined) },
  ]
  return [...all.map((entry) => ({ group: 'act' as const, detail: '', ...entry })), ...rehearse(state, words.rehearsal)]
}

function rehearse({ devices, rehearsal }: State, { offer, reason }: Speech['words']['rehearsal']): Entry[] {
  const device = practiceDevice(devices.store.get().devices)
  return device ? [{ group: 'act', name: offer, detail: device.name, run: () => rehearsal.begin(device, formWords(reason, Date.now())) }] : []
}
