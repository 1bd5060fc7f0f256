import type { DeviceId, SpecialistId } from '@gantry/shared/ids.ts'
import type { Hash } from '@gantry/shared/ticket.ts'

/** Who asks on the people's listener: what the access token stands for. */
export type Caller = {
  specialistId: SpecialistId
  /** The family of tokens of one sign-in; revoking it ends them all. */
  grantId: string
  /** When password and code were both given. */
  mfaAtMs: number
}

/** Who asks on the agents' listener: the device whose certificate the connection showed, checked against the database for this request. */
export type DeviceCaller = {
  deviceId: DeviceId
  name: string
  /** SHA-256 of its certificate. */
  thumbprint: Hash
  /** Ends with the connection, so that a held poll does not outlive it. */
  signal: AbortSignal
}
