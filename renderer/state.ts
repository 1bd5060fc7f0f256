import type { CallOutput, LockState, SignInState } from '@gantry/shared/ipc.ts'
import { createContext, useContext } from 'react'
import type { Call, On } from './api.ts'
import { type DevicesState, openDevices } from './devices/device-store.ts'
import { type CommandsState, openCommands } from './palette/commands.ts'
import { createPlace, type PlaceState } from './place.ts'
import { openRehearsal, type RehearsalState } from './rehearsal/rehearsal-store.ts'
import { openRequests, type RequestsState } from './request/request-store.ts'
import { openTransfers, type TransfersState } from './session/files/transfer-store.ts'
import { openSessions, type SessionsState } from './session/session-store.ts'
import { openTerminalHub, type TerminalHub } from './session/terminal/terminal-hub.ts'
import { type KeysState, openKeys } from './settings/keys-store.ts'
import { openSettings, type SettingsState } from './settings/settings-store.ts'
import { openUpdate, type UpdateState } from './settings/update-store.ts'
import { createStore, type Store } from './ui/store.ts'

export type About = CallOutput<'app.describe'>
export type Connection = { online: boolean; sinceMs: number }

/** What the window knows, each noun in its own store. Made once, in order, before anything is drawn. */
export type State = {
  about: About
  place: PlaceState
  commands: CommandsState
  settings: SettingsState
  keys: KeysState
  signIn: Store<SignInState>
  lock: Store<LockState>
  connection: Store<Connection>
  devices: DevicesState
  requests: RequestsState
  sessions: SessionsState
  transfers: TransfersState
  terminals: TerminalHub
  update: UpdateState
  rehearsal: RehearsalState
}

export async function openState(call: Call, on: On, now = Date.now): Promise<State> {
  const about = await call('app.describe', {})
  const signIn = createStore(about.signIn)
  const connection = createStore<Connection>({ online: true, sinceMs: now() })
  on('sign-in.changed', signIn.set)
  const lock = createStore(about.lock)
  on('lock.changed', lock.set)
  on('connection.changed', ({ online, sinceMs }) => connection.set({ online, sinceMs }))
  const devices = openDevices(call, on)
  const keys = openKeys(call, on)
  keys.read()
  on('sign-in.changed', ({ phase }) => phase === 'signed-in' && devices.read())
  if (about.signIn.phase === 'signed-in') devices.read()
  const place = createPlace()
  const settings = openSettings(call, about.settings)
  const requests = openRequests(call, on)
  const sessions = openSessions(call, on)
  return {
    about,
    place,
    commands: openCommands(),
    settings,
    keys,
    signIn,
    lock,
    connection,
    devices,
    requests,
    sessions,
    transfers: openTransfers(call, on),
    terminals: openTerminalHub(on),
    update: openUpdate(call, on),
    rehearsal: openRehearsal({ place, requests, sessions, settings }),
  }
}

const Known = createContext<State | null>(null)
export const StateProvider = Known.Provider

export function useWindowState(): State {
  const state = useContext(Known)
  if (!state) throw new Error('drawn outside of StateProvider')
  return state
}
