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

/** It would refuse for the same reason, once somebody has waited for it (D14). Its own word, at its last poll. */
export function requireDeviceClock({ device }: Facts): void {
  const seconds = device?.clockOffSeconds ?? 0
  if (seconds !== 0) throw new AppError('access.clock-off', { details: { seconds, of: 'device' } })
}

/** T16: two machines show this device's key, so nobody knows to which of them a session would go. Ended by a new enrolment, which makes a new key. */
export function requireOnePlace({ device }: Pick<Facts, 'device'>): void {
  if (device?.twoPlaces) throw new AppError('device.two-places')
}

/** R056: a customer's session runs in its regions or not at all. */
export function requireAccessServer({ route, onlyRegions }: Facts): void {
  if (!route) throw new AppError('access.no-access-server', onlyRegions ? { details: { regions: onlyRegions.join(', ') } } : {})
}
