import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Caller } from '../caller.ts'
import type { Database } from '../database.ts'
import { recentSessions, subscriptionsOf } from './store.ts'
import { visibleRow, visibleRows } from './visible.ts'

export function createDeviceHandlers(db: Database, now: () => number): Pick<Handlers<ClientApi, Caller>, 'device.list' | 'device.show'> {
  return {
    async 'device.list'(_input, { specialistId }) {
      return { devices: await visibleRows(db, specialistId, now()), serverTimeMs: now() }
    },
    async 'device.show'({ deviceId }, { specialistId }) {
      const device = await visibleRow(db, specialistId, deviceId, now())
      // R073: somebody else's device answers exactly as one that does not exist.
      if (!device) throw new AppError('device.unknown')
      return { device, sessions: await recentSessions(db, deviceId), subscriptions: await subscriptionsOf(db, deviceId, now()) }
    },
  }
}
