import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { type Call, failureOf, type On } from '../api.ts'
import { createStore, placed, type Store } from '../ui/store.ts'

export type DeviceList = {
  devices: readonly DeviceRow[]
  /** When the main server last told it; null before the first answer. */
  atMs: number | null
  offline: boolean
  failure: Failure | null
  isReading: boolean
}
export type DevicesState = { store: Store<DeviceList>; read(): void }

export function openDevices(call: Call, on: On): DevicesState {
  const store = createStore<DeviceList>({ devices: [], atMs: null, offline: false, failure: null, isReading: false })
  const read = () => {
    if (store.get().isReading) return
    store.change((list) => ({ ...list, isReading: true }))
    call('device.list', {}).then(
      ({ devices, atMs, offline }) => store.set({ devices, atMs, offline, failure: null, isReading: false }),
      (error) => store.change((list) => ({ ...list, failure: failureOf(error), isReading: false })),
    )
  }
  on('device.changed', (device) => store.change((list) => ({ ...list, devices: placed(list.devices, device, ({ id }) => id === device.id) })))
  on('device.list-changed', read)
  on('connection.changed', ({ online }) => {
    store.change((list) => ({ ...list, offline: !online }))
    if (online) read()
  })
  return { store, read }
}
