import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import type { Draft } from './request/request-draft.ts'
import { createStore, type Store } from './ui/store.ts'

/** What a request's form begins with. */
export type Filled = Partial<Pick<Draft, 'reason' | 'caseId' | 'minutes' | 'serviceKind'>>
export type Screen = 'devices' | 'sessions' | 'history' | 'audit' | 'help' | 'settings'
export type Dialog =
  | { kind: 'ask'; deviceId: DeviceId; access?: AccessLevel | undefined; filled?: Filled }
  | { kind: 'follow'; requestId: RequestId }
  | { kind: 'palette' }
  | { kind: 'case'; number: string; deviceId: DeviceId }
/** Where the person is in the window. */
export type Place = { screen: Screen; tab: RequestId | null; dialog: Dialog | null }
export type PlaceState = {
  store: Store<Place>
  go(screen: Screen): void
  openTab(tab: RequestId): void
  openDialog(dialog: Dialog): void
  closeDialog(): void
}

export function createPlace(): PlaceState {
  const store = createStore<Place>({ screen: 'devices', tab: null, dialog: null })
  return {
    store,
    go: (screen) => store.change((place) => ({ ...place, screen, dialog: null })),
    openTab: (tab) => store.set({ screen: 'sessions', tab, dialog: null }),
    openDialog: (dialog) => store.change((place) => ({ ...place, dialog })),
    closeDialog: () => store.change((place) => ({ ...place, dialog: null })),
  }
}
