import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { AppError, isUnreachable } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import type { LastKnownStore } from './last-known.ts'
import type { MainServer } from './main-server/main-server.ts'
import type { Devices } from './services.ts'

export type DeviceList = Devices & {
  /** The row as last heard, or asked for now. Errors: `device.unknown`, `auth.*`, `server.*`. */
  row(deviceId: DeviceId): Promise<DeviceRow>
  /** A row that the main server sent by itself. */
  put(row: DeviceRow): void
}

/** Only what the specialist's profile allows: the main server filters, this remembers. */
export function createDeviceList(server: Pick<MainServer, 'call'>, lastKnown: LastKnownStore, now: () => number): DeviceList {
  const list: DeviceList['list'] = async () => {
    try {
      const { devices } = await server.call('device.list', {})
      const fresh = { devices, atMs: now() }
      lastKnown.change({ devices: fresh })
      return { ...fresh, offline: false }
    } catch (error) {
      const known = lastKnown.read().devices
      if (!known || !isUnreachable(error)) throw error
      return { ...known, offline: true }
    }
  }
  const show: Devices['show'] = (deviceId) => server.call('device.show', { deviceId })
  return {
    list,
    show,
    async find(text) {
      const { devices } = await list()
      const found = findDevice(devices, text)
      if (found.length === 1 && found[0]) return found[0]
      if (found.length === 0) throw new AppError('device.unknown', { details: { device: text.slice(0, 80) } })
      throw new AppError('device.ambiguous', { details: { device: text.slice(0, 80), count: found.length } })
    },
    async row(deviceId) {
      const known = lastKnown.read().devices?.devices.find((row) => row.id === deviceId)
      return known ?? (await show(deviceId)).device
    },
    put(row) {
      const known = lastKnown.read().devices
      if (!known?.devices.some((one) => one.id === row.id)) return
      lastKnown.change({ devices: { ...known, devices: known.devices.map((one) => (one.id === row.id ? row : one)) } })
    },
  }
}

/** An id first, then the exact name, then the name in any case: two devices whose names differ in case alone can both be reached. */
export function findDevice<T extends { id: string; name: string }>(devices: readonly T[], text: string): T[] {
  const byId = devices.filter((device) => device.id === text)
  if (byId.length > 0) return byId
  const exact = devices.filter((device) => device.name === text)
  if (exact.length > 0) return exact
  const folded = text.toLocaleLowerCase()
  return devices.filter((device) => device.name.toLocaleLowerCase() === folded)
}
