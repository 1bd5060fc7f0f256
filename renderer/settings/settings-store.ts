import type { Settings } from '@gantry/shared/ipc.ts'
import type { Call } from '../api.ts'
import { createStore, type Store } from '../ui/store.ts'

export type SettingsState = { store: Store<Settings>; change(part: Partial<Settings>): void }

/** Shown at once, kept by the main process; what it could not keep is taken back. */
export function openSettings(call: Call, initial: Settings): SettingsState {
  const store = createStore(initial)
  return {
    store,
    change(part) {
      const before = store.get()
      store.set({ ...before, ...part })
      call('settings.change', part).then(store.set, () => store.set(before))
    },
  }
}
