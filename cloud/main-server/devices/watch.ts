import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { DeviceId, SpecialistId } from '@gantry/shared/ids.ts'
import { silentAfterMs } from '../contact.ts'
import type { Database } from '../database.ts'
import { lastHeardBetween } from './store.ts'
import { visibleRows } from './visible.ts'

export type DeviceWatchTools = {
  db: Database
  /** Who has a stream open now. */
  watchers: () => SpecialistId[]
  publish: (specialistId: SpecialistId, row: DeviceRow) => void
  onDefect: (error: unknown) => void
  now: () => number
}
export type DeviceWatch = {
  /** Tells everybody who may see it, soon: what changes within one turn is told once. */
  changed(deviceId: DeviceId): void
  /** Tells of devices that have fallen silent since the last look. */
  lookForSilence(): Promise<void>
  settled(): Promise<void>
}

const gatherMs = 50

export function createDeviceWatch({ db, watchers, publish, onDefect, now }: DeviceWatchTools): DeviceWatch {
  const pending = new Set<DeviceId>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let lookedMs = now()

  const tell = async () => {
    const ids = new Set(pending)
    pending.clear()
    for (const specialistId of watchers()) {
      for (const row of await visibleRows(db, specialistId, now())) if (ids.has(row.id)) publish(specialistId, row)
    }
  }
  const changed = (deviceId: DeviceId) => {
    pending.add(deviceId)
    timer ??= setTimeout(() => {
      timer = undefined
      running = running.then(tell).catch(onDefect)
    }, gatherMs)
  }
  return {
    changed,
    async lookForSilence() {
      const nowMs = now()
      const fallen = await lastHeardBetween(db, lookedMs - silentAfterMs, nowMs - silentAfterMs)
      lookedMs = nowMs
      for (const deviceId of fallen) changed(deviceId)
    },
    settled() {
      clearTimeout(timer)
      return running
    },
  }
}
