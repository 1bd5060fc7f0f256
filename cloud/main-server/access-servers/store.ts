import type { DeviceId } from '@gantry/shared/ids.ts'
import type { Database } from '../database.ts'

/** As many as a bulletin has room for; those that have waited least come first, since they are most likely still wanted. */
const most = 1_024

export async function devicesWithSomethingWaiting(db: Database): Promise<{ id: DeviceId; thumbprint: string }[]> {
  const rows = await db
    .selectFrom('deliveries as delivery')
    .innerJoin('devices as device', 'device.id', 'delivery.device_id')
    .select((select) => ['device.id', 'device.certificate_thumbprint as thumbprint', select.fn.max('delivery.position').as('newest')])
    .where('delivery.handled_ms', 'is', null)
    .where('device.revoked_ms', 'is', null)
    .where('device.certificate_thumbprint', 'is not', null)
    .groupBy('device.id')
    .orderBy('newest', 'desc')
    .limit(most)
    .execute()
  return rows.map(({ id, thumbprint }) => ({ id, thumbprint: thumbprint ?? '' }))
}
