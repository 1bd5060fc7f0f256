import type { DeviceId } from '@gantry/shared/ids.ts'
import { type AccessLevel, accessLevels } from '@gantry/shared/profile.ts'
import type { Grant } from './seed.ts'

/**
 * What a profile allows on one device (R073): null when the device is not assigned at all, and then it must not show. A profile without grants allows
 * nothing (R071).
 */
export function levelsFor(grants: readonly Grant[], device: { id: DeviceId; customerId: string }): AccessLevel[] | null {
  const matching = grants.filter(({ customers, devices }) => {
    const byCustomer = customers === '*' || customers?.some((id) => id === device.customerId)
    return byCustomer || devices?.includes(device.id)
  })
  if (matching.length === 0) return null
  return accessLevels.filter((level) => matching.some(({ levels }) => levels.includes(level)))
}
