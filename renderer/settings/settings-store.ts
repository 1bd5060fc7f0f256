import type { Settings } from '@gantry/shared/ipc.ts'
import type { Call } from '../api.ts'
import { createStore, type Store } from '../ui/store.ts'

export type SettingsState = {
  store: Store<Settings>
  change(part: Partial<Settings>): void
  /** The terminals' text, by so many pixels. */
  resizeText(by: number): void
}
/** As the contract has them. */
const textSizes = { least: 8, most: 32 }

/** Shown at once, kept by the main process; what it could not keep is taken back. */
export function openSettings(call: Call, initial: Settings): SettingsState {
  const store = createStore(initial)
  const change = (part: Partial<Settings>) => {
    const before = store.get()
    store.set({ ...before, ...part })
    call('settings.change', part).then(store.set, () => store.set(before))
  }
  return {
    store,
    change,
    resizeText: (by) => change({ terminalFontSize: Math.min(textSizes.most, Math.max(textSizes.least, store.get().terminalFontSize + by)) }),
  }
}
