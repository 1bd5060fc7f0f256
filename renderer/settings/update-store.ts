import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import { type Call, failureOf, type On } from '../api.ts'
import { createStore, type Store } from '../ui/store.ts'

type Act = 'check' | 'download' | 'cancel' | 'install' | 'postpone'
/** Null until the main process has said. */
export type UpdateState = { store: Store<UpdateStatus | null>; act(what: Act): void }

export function openUpdate(call: Call, on: On): UpdateState {
  const store = createStore<UpdateStatus | null>(null)
  on('update.changed', store.set)
  void call('update.status', {}).then(store.set, () => undefined)
  return {
    store,
    act(what) {
      call(`update.${what}`, {}).then(store.set, (error: unknown) => {
        const status = store.get()
        if (status) store.set({ ...status, failure: failureOf(error) })
      })
    },
  }
}
