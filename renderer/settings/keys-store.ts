import type { Failure } from '@gantry/shared/errors.ts'
import type { KeysStatus } from '@gantry/shared/ipc.ts'
import { type Call, failureOf, type On } from '../api.ts'
import { createStore, type Store } from '../ui/store.ts'

/** Null until the main process has said; `failure`: why it cannot say. */
export type KeysView = { status: KeysStatus | null; failure: Failure | null }
export type KeysState = { store: Store<KeysView>; read(): void }

export function openKeys(call: Call, on: On): KeysState {
  const store = createStore<KeysView>({ status: null, failure: null })
  const put = (status: KeysStatus) => store.set({ status, failure: null })
  on('keys.changed', put)
  return {
    store,
    read: () => void call('keys.status', {}).then(put, (error: unknown) => store.set({ ...store.get(), failure: failureOf(error) })),
  }
}
