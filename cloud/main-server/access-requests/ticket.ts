import { requestLimits } from '@gantry/shared/access-request.ts'
import { newId, type TicketId } from '@gantry/shared/ids.ts'
import { requestHash, type SigningKey, signJws } from '@gantry/shared/node/signing.ts'
import type { ProfileLimits } from '@gantry/shared/profile.ts'
import type { CompactJws, PublicJwk, RequestPayload, SignedRequest, TicketPayload } from '@gantry/shared/ticket.ts'
import type { Route } from './route.ts'

export type TicketInput = {
  request: RequestPayload
  signed: SignedRequest
  limits: ProfileLimits
  ask: boolean
  deviceKey: PublicJwk
  route: Route
  nowMs: number
}
export type IssuedTicket = { id: TicketId; jws: CompactJws; requestHash: string }

export async function issueTicket(key: SigningKey, { request, signed, limits, ask, deviceKey, route, nowMs }: TicketInput): Promise<IssuedTicket> {
  const now = Math.floor(nowMs / 1000)
  const { id: requestId, deviceId, specialistId, access, minutes, sessionKey } = request
  const payload: TicketPayload = {
    version: 1,
    id: newId<TicketId>('tkt'),
    requestId,
    requestHash: requestHash(signed),
    deviceId,
    specialistId,
    access,
    limits,
    ask,
    minutes,
    sessionKey,
    deviceKey,
    accessServer: route.accessServer,
    fallback: route.fallback,
    issuedAt: now,
    joinBefore: now + requestLimits.joinSeconds,
  }
  return { id: payload.id, jws: await signJws('ticket', payload, key), requestHash: payload.requestHash }
}
