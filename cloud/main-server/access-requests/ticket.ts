import { requestLimits } from '@gantry/shared/access-request.ts'
import { newId, type TicketId } from '@gantry/shared/ids.ts'
import { requestHash, type SigningKey, signJws } from '@gantry/shared/node/signing.ts'
import type { AccessServerRef, CompactJws, PublicJwk, RequestPayload, SignedRequest, TicketPayload } from '@gantry/shared/ticket.ts'

export type Route = { accessServer: AccessServerRef; fallback: AccessServerRef | null }

/**
 * R028: exactly one access server and its fallback. The one with the fewest sessions comes first; among equals they take turns, so that neither stands idle
 * until it is needed.
 */
export function chooseRoute(servers: readonly AccessServerRef[], sessionsAt: ReadonlyMap<string, number>, turn: number): Route {
  const load = (server: AccessServerRef) => sessionsAt.get(server.name) ?? 0
  const turned = servers.map((_, place) => servers[(place + turn) % servers.length] as AccessServerRef)
  const [accessServer, fallback = null] = turned.sort((one, other) => load(one) - load(other))
  if (!accessServer) throw new Error('no access server is configured')
  return { accessServer, fallback }
}

export type TicketInput = { request: RequestPayload; signed: SignedRequest; deviceKey: PublicJwk; route: Route; nowMs: number }
export type IssuedTicket = { id: TicketId; jws: CompactJws; requestHash: string }

export async function issueTicket(key: SigningKey, { request, signed, deviceKey, route, nowMs }: TicketInput): Promise<IssuedTicket> {
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
    minutes,
    sessionKey,
    deviceKey,
    ...route,
    issuedAt: now,
    joinBefore: now + requestLimits.joinSeconds,
  }
  return { id: payload.id, jws: await signJws('ticket', payload, key), requestHash: payload.requestHash }
}
