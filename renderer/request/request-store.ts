import { isFinal } from '@gantry/shared/access-request.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import type { Call, On } from '../api.ts'
import { createStore, placed, type Store } from '../ui/store.ts'

export type RequestsState = { store: Store<readonly RequestProgress[]>; forget(requestId: RequestId): void }

export function openRequests(call: Call, on: On): RequestsState {
  const store = createStore<readonly RequestProgress[]>([])
  on('request.changed', (request) => store.change((list) => placed(list, request, (other) => other.requestId === request.requestId)))
  void call('request.list', {}).then(
    ({ requests }) =>
      store.change((list) => requests.reduce<readonly RequestProgress[]>((all, one) => placed(all, one, (other) => other.requestId === one.requestId), list)),
    () => undefined,
  )
  return { store, forget: (requestId) => store.change((list) => list.filter((one) => one.requestId !== requestId)) }
}

/** Still on its way: not refused or otherwise over, not yet a session. */
export function isAsking({ state, failure }: RequestProgress): boolean {
  return failure === null && !isFinal(state) && state !== 'open'
}
