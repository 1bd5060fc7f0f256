import { AppError } from '@gantry/shared/errors.ts'
import { isSilent } from '../contact.ts'
import type { Facts } from './facts.ts'

/* Steps that look at whether the device can be reached, and how. */
/** The operator has taken the device out of service. */
export function requireDeviceEnabled({ device }: Pick<Facts, 'device'>): void {
  if (device?.disabled) throw new AppError('access.device-disabled')
}

/** A device that has no certificate of ours cannot check anything, and could not answer. */
export function requireEnrolled({ device }: Facts): void {
  if (!device?.enrolled) throw new AppError('device.offline')
}

/** The customer has turned remote service off. */
export function requireConnectivity({ device }: Pick<Facts, 'device'>): void {
  if (device?.connectivity !== 'on') throw new AppError('access.connectivity-off')
}

/** Better a clear no now than a request that expires in five minutes. */
export function requireDeviceReachable({ device, nowMs }: Facts): void {
  const lastContactMs = device?.lastContactMs ?? null
  if (!isSilent(lastContactMs, nowMs)) return
  throw new AppError('device.offline', lastContactMs === null ? {} : { details: { seconds: Math.round((nowMs - lastContactMs) / 1000) } })
}

/** R056: a customer's session runs in its regions or not at all. */
export function requireAccessServer({ route, onlyRegions }: Facts): void {
  if (!route) throw new AppError('access.no-access-server', onlyRegions ? { details: { regions: onlyRegions.join(', ') } } : {})
}
