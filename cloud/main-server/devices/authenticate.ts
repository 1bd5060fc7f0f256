import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { deviceIdOf } from '@gantry/shared/node/certificates.ts'
import { publicJwkOf, thumbprint } from '@gantry/shared/node/signing.ts'
import type { DeviceCaller } from '../caller.ts'
import type { Database } from '../database.ts'
import { findEnrolled } from './store.ts'

export type DeviceTrust = { db: Database; isTrusted: (certificate: X509Certificate) => boolean }

/**
 * Whose connection this is. TLS has checked that the device CA issued the certificate and that its time is not over; whether that CA is still trusted, and the key still the device's own, is asked
 * for every request, since a TLS session resumes for hours and a connection lives as long as it likes (architecture 3.2). Throws `device.unknown`.
 */
export async function authenticateDevice({ db, isTrusted }: DeviceTrust, socket: TLSSocket): Promise<Omit<DeviceCaller, 'signal'>> {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (!certificate || !isTrusted(certificate)) throw new AppError('device.unknown')
  const deviceId = deviceIdOf(certificate.subjectAltName)
  const known = await findEnrolled(db, deviceId)
  if (!known || thumbprint(publicJwkOf(certificate.publicKey)) !== thumbprint(known.deviceKey)) throw new AppError('device.unknown')
  return { deviceId, name: known.name, thumbprint: known.thumbprint }
}
