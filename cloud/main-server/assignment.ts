import type { DeviceId } from '@gantry/shared/ids.ts'
import { type AccessLevel, accessLevels, type ProfileLimits } from '@gantry/shared/profile.ts'
import type { Grant } from './seed.ts'

/** Where a device stands, for a profile that names customers, sites, devices and models. */
export type Place = { id: DeviceId; siteId: string; customerId: string; modelId: string }

/**
 * What a profile allows on one device (R073): null when the device is not assigned at all, and then it must not show. A profile without grants allows
 * nothing (R071).
 */
export function levelsFor(grants: readonly Grant[], device: Place): AccessLevel[] | null {
  const matching = grants.filter((grant) => isOn(grant, device))
  if (matching.length === 0) return null
  return accessLevels.filter((level) => matching.some(({ levels }) => levels.includes(level)))
}

/** Of the grants that hold this level there, taken together; one that holds another level lends it nothing. Null where none does. */
export function limitsFor(grants: readonly Grant[], device: Place, level: AccessLevel): ProfileLimits | null {
  const matching = grants.filter((grant) => isOn(grant, device) && grant.levels.includes(level))
  if (matching.length === 0) return null
  const some = (of: (grant: Grant) => boolean) => matching.some(of)
  return {
    files: {
      toDevice: some(({ files }) => files.toDevice),
      fromDevice: some(({ files }) => files.fromDevice),
      maxFileBytes: Math.max(...matching.map(({ files }) => files.maxFileBytes)),
    },
    actions: some(({ actions }) => actions === '*') ? '*' : [...new Set(matching.flatMap(({ actions }) => actions))].sort(),
    patientData: some(({ patientData }) => patientData),
  }
}

/** Whether `now` still allows all that was given. */
export function covers(now: ProfileLimits, given: ProfileLimits): boolean {
  const files = (['toDevice', 'fromDevice'] as const).every((way) => now.files[way] || !given.files[way]) && now.files.maxFileBytes >= given.files.maxFileBytes
  const actions = now.actions === '*' || (given.actions !== '*' && given.actions.every((name) => now.actions.includes(name)))
  return files && actions && (now.patientData || !given.patientData)
}

function isOn({ customers, sites, devices, models }: Grant, device: Place): boolean {
  const there = customers === '*' || customers?.some((id) => id === device.customerId) || sites?.some((id) => id === device.siteId)
  return (there || devices?.includes(device.id) || false) && (models?.includes(device.modelId) ?? true)
}
