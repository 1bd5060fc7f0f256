import type { Delivery } from '@gantry/shared/agent-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { readUnverified, sha256, thumbprint } from '@gantry/shared/node/signing.ts'
import { checkCertificate, checkRequest, checkTicket, requireSameRequest } from '@gantry/shared/node/ticket.ts'
import type { TicketKeys } from '@gantry/shared/server-keys.ts'
import { type AnswerPayload, type CertificatePayload, type PublicJwk, type RequestPayload, TicketPayload } from '@gantry/shared/ticket.ts'

export type AccessDelivery = Extract<Delivery, { kind: 'access-request' }>

/** What the device pinned when it was enrolled, or the authority has listed since, and its own key. */
export type Trust = { ticketKeys: TicketKeys; authorityKeys: (now: number) => readonly PublicJwk[]; deviceId: string; deviceKey: PublicJwk }

/** The three signed things, whole and about the same request. Only now does anybody look into them. */
export type Proven = { ticket: TicketPayload; certificate: CertificatePayload; request: RequestPayload }

/**
 * First of all, before anything rings or dials (architecture 3.5): the main server's ticket, the authority's certificate, and the request under both of the
 * person's keys, which are the two levels of authentication. `now` in Unix seconds. Throws a code of the catalogue.
 */
export async function proveSignatures(delivery: AccessDelivery, trust: Trust, now: number): Promise<Proven> {
  const ticket = await checkTicket(delivery.ticket, trust.ticketKeys(now), now)
  const certificate = await checkCertificate(delivery.certificate, trust.authorityKeys(now), now)
  const request = await checkRequest(delivery.request, certificate, now)
  requireSameRequest(ticket, request, delivery.request)
  const forThisDevice = ticket.deviceId === trust.deviceId && thumbprint(ticket.deviceKey) === thumbprint(trust.deviceKey)
  if (!forThisDevice) throw new AppError('ticket.bad', { details: { what: 'device' } })
  return { ticket, certificate, request }
}

export type AnswerHead = Pick<AnswerPayload, 'requestId' | 'ticketId' | 'ticketHash'>

/** What a refusal refers to, also where the ticket proved nothing: to say no to a forged ticket binds nobody. Null where it cannot even be read. */
export function readHead(delivery: AccessDelivery): AnswerHead | null {
  try {
    const { requestId, id } = readUnverified(delivery.ticket, TicketPayload, 'ticket.bad')
    return { requestId, ticketId: id, ticketHash: sha256(delivery.ticket) }
  } catch {
    return null
  }
}
