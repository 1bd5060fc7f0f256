import type { TLSSocket } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { deviceIdOf } from '@gantry/shared/node/certificates.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { DeviceCaller } from '../caller.ts'
import type { Database } from '../database.ts'
import { certificateIsCurrent } from './store.ts'

/**
 * Whose connection this is. TLS has checked that the device CA issued the certificate; whether it is still the device's own is asked of the database for
 * every request, since a TLS session resumes for hours and a connection lives as long as it likes (architecture 3.2). Throws `device.unknown`.
 */
export async function authenticateDevice(db: Database, socket: TLSSocket): Promise<Omit<DeviceCaller, 'signal'>> {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (!certificate) throw new AppError('device.unknown')
  const deviceId = deviceIdOf(certificate.subjectAltName)
  const thumbprint = sha256(certificate.raw)
  const known = await certificateIsCurrent(db, deviceId, thumbprint)
  if (!known) throw new AppError('device.unknown')
  return { deviceId, name: known.name, thumbprint }
}
