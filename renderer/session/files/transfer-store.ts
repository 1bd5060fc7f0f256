import type { Transfer } from '@gantry/shared/ipc.ts'
import type { Call, On } from '../../api.ts'
import { createStore, placed, type Store } from '../../ui/store.ts'

export type TransfersState = { store: Store<readonly Transfer[]>; forget(ids: readonly string[]): void }

export function openTransfers(call: Call, on: On): TransfersState {
  const store = createStore<readonly Transfer[]>([])
  on('transfer.changed', (transfer) => store.change((list) => placed(list, transfer, ({ id }) => id === transfer.id)))
  void call('transfer.list', {}).then(
    ({ transfers }) => store.change((list) => transfers.reduce<readonly Transfer[]>((all, one) => placed(all, one, ({ id }) => id === one.id), list)),
    () => undefined,
  )
  return {
    store,
    forget(ids) {
      store.change((list) => list.filter(({ id }) => !ids.includes(id)))
      void call('transfer.forget', { transferIds: [...ids] }).catch(() => undefined)
    },
  }
}

export function isOver({ state }: Transfer): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}
