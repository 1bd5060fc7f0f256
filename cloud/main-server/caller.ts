import type { DeviceId, SpecialistId } from '@gantry/shared/ids.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Who asks on the people's listener: what the access token stands for. */
export type Caller = {
  specialistId: SpecialistId
  /** The family of tokens of one sign-in; revoking it ends them all. */
  grantId: string
  /** When password and code were both given. */
  mfaAtMs: number
}

/**
 * Whom a request's access token stands for, once the request has proved that it holds the token's key (RFC 9449 section 7).
 * Errors: `auth.not-signed-in` without a token of that scheme; `auth.session-expired` for one that is over, revoked, bound to no key or for something else;
 * `auth.proof-bad` without a proof that holds. Where only the nonce is missing or old, the answer has a fresh one.
 */
export type Authenticate = (request: FastifyRequest, reply: FastifyReply) => Promise<Caller>

/** Who asks on the agents' listener: the device whose certificate the connection showed, checked against the database for this request. */
export type DeviceCaller = {
  deviceId: DeviceId
  name: string
  /** SHA-256 of its certificate. */
  thumbprint: Hash
  /** Ends with the connection, so that a held poll does not outlive it. */
  signal: AbortSignal
}
