import type { Failure } from '@gantry/shared/errors.ts'
import type { SessionView, Transfer } from '@gantry/shared/ipc.ts'
import { type Call, knownFailure, type On } from '../../api.ts'
import { createStore, placed, type Store } from '../../ui/store.ts'

export type TransfersState = {
  store: Store<readonly Transfer[]>
  /** Why nothing is there of what an earlier start left; null where nothing is wrong. */
  failure: Store<Failure | null>
  forget(ids: readonly string[]): void
}

export function openTransfers(call: Call, on: On): TransfersState {
  const store = createStore<readonly Transfer[]>([])
  on('transfer.changed', (transfer) => store.change((list) => placed(list, transfer, ({ id }) => id === transfer.id)))
  const failure = createStore<Failure | null>(null)
  let asked = 0
  const read = (isFirst: boolean) => {
    const turn = ++asked
    call('transfer.list', {}).then(
      (found) => {
        if (turn !== asked) return
        const keep = isFirst ? store.get() : []
        store.set(found.transfers.reduce<readonly Transfer[]>((all, one) => placed(all, one, ({ id }) => id === one.id), keep))
        failure.set(found.failure && knownFailure(found.failure))
      },
      () => undefined,
    )
  }
  read(true)
  // What an earlier start left belongs to one person: another, or nobody, does not see it.
  let person: string | null | undefined
  on('sign-in.changed', ({ specialist }) => {
    if (person !== undefined && person !== (specialist?.id ?? null)) {
      store.change((list) => list.filter(({ waitsFor }) => waitsFor === null))
      failure.set(null)
    }
    person = specialist?.id ?? null
    read(false)
  })
  return {
    store,
    failure,
    forget(ids) {
      store.change((list) => list.filter(({ id }) => !ids.includes(id)))
      void call('transfer.forget', { transferIds: [...ids] }).catch(() => undefined)
    },
  }
}

export function isOver({ state }: Transfer): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

/** A download that is over and the same on both ends. */
export function isReceived({ direction, state, verified }: Transfer): boolean {
  return direction === 'get' && state === 'done' && verified
}

/** Those of a session, and what an earlier start of the app left for its device. */
export function belongsTo({ requestId, device }: Pick<SessionView, 'requestId' | 'device'>): (transfer: Transfer) => boolean {
  return (transfer) => (transfer.waitsFor ? transfer.waitsFor.id === device.id : transfer.requestId === requestId)
}
