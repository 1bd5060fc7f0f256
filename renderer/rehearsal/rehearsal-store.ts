import { isFinal } from '@gantry/shared/access-request.ts'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { PlaceState } from '../place.ts'
import type { RequestsState } from '../request/request-store.ts'
import type { SessionsState } from '../session/session-store.ts'
import type { SettingsState } from '../settings/settings-store.ts'
import { createStore, type Store } from '../ui/store.ts'
import { type Rehearsal, rehearsalLevel } from './rehearsal-step.ts'

export type RehearsalState = {
  /** Null while none goes on. */
  store: Store<Rehearsal | null>
  /** With an empty slate but for a request or session that is open; `words` fills the form. */
  begin(device: DeviceRow, words: FormWords): void
  ask(device: DeviceRow, words: FormWords): void
  leave(): void
  /** Done once, or put away: it is no longer offered by itself. */
  putAway(): void
}
type FormWords = { reason: string; caseId: string }
type Parts = { place: PlaceState; requests: RequestsState; sessions: SessionsState; settings: SettingsState }

/** In the settings' layout: 1 where it is not offered any more. */
export const putAwayKey = 'rehearsal.put-away'
const minutes = 15

export function openRehearsal({ place, requests, sessions, settings }: Parts): RehearsalState {
  const store = createStore<Rehearsal | null>(null)
  const ask = (device: DeviceRow, filled: FormWords) =>
    place.openDialog({ kind: 'ask', deviceId: device.id, access: rehearsalLevel(device), filled: { ...filled, minutes } })
  return {
    store,
    ask,
    begin(device, filled) {
      const over = [
        ...requests.store.get().filter(({ state, failure }) => failure !== null || isFinal(state)),
        ...sessions.store.get().filter(({ state }) => state === 'ended'),
      ]
      const earlier = new Set(over.map(({ requestId }) => requestId))
      store.set({ deviceId: device.id, earlier })
      const isOpen = (one: { requestId: RequestId; device: { id: string } }) => one.device.id === device.id && !earlier.has(one.requestId)
      const [session, request] = [sessions.store.get().find(isOpen), requests.store.get().find(isOpen)]
      if (session) place.openTab(session.requestId)
      else if (request) place.openDialog({ kind: 'follow', requestId: request.requestId })
      else ask(device, filled)
    },
    leave: () => store.set(null),
    putAway: () => settings.change({ layout: { ...settings.store.get().layout, [putAwayKey]: 1 } }),
  }
}
