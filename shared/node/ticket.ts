import { requestLimits } from '../access-request.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { CertificatePayload, type CompactJws, type PublicJwk, RequestPayload, RosterPayload, type SignedRequest, TicketPayload } from '../ticket.ts'
import { requestHash, thumbprint, verifyByAny, verifyJws, verifyRequest } from './signing.ts'

/**
 * What must hold before anything rings or dials (architecture 3.5). Each function checks one signed thing whole, and throws a code of the catalogue.
 * `now` is in Unix seconds and comes in by parameter.
 */
export async function checkCertificate(certificate: CompactJws, authorityKeys: readonly PublicJwk[], now: number): Promise<CertificatePayload> {
  const payload = await verifyByAny(certificate, { type: 'certificate', schema: CertificatePayload, keys: authorityKeys, failure: 'access.certificate-bad' })
  requireTime(payload.issuedAt, payload.expiresAt, now, 'auth.certificate-expired')
  return payload
}

/** A roster may only replace one with a lower number; an expired one is returned all the same, since it still allows `diagnostics`. */
export async function checkRoster(roster: CompactJws, authorityKey: PublicJwk): Promise<RosterPayload> {
  return verifyJws(roster, { type: 'roster', schema: RosterPayload, key: authorityKey, failure: 'access.roster-missing' })
}

export function rosterIsFresh(roster: RosterPayload, now: number): boolean {
  return now <= roster.expiresAt + requestLimits.slackSeconds && now >= roster.issuedAt - requestLimits.slackSeconds
}

export function isOnRoster(certificate: CertificatePayload, roster: RosterPayload): boolean {
  const entry = roster.specialists.find((one) => one.specialistId === certificate.specialistId)
  const same = entry?.specialistKey === thumbprint(certificate.specialistKey) && entry.supportKey === thumbprint(certificate.supportKey)
  return same && entry?.username === certificate.username
}

export function requireOnRoster(certificate: CertificatePayload, roster: RosterPayload): void {
  if (!isOnRoster(certificate, roster)) throw new AppError('access.certificate-bad', { details: { what: 'roster' } })
}

/** The request under both keys of the certificate, made by that person, not older than the time a ticket may be joined. */
export async function checkRequest(request: SignedRequest, certificate: CertificatePayload, now: number): Promise<RequestPayload> {
  const payload = await verifyRequest(request, { specialist: certificate.specialistKey, support: certificate.supportKey }, RequestPayload)
  if (payload.specialistId !== certificate.specialistId) throw new AppError('access.signature-bad')
  requireTime(payload.issuedAt, payload.issuedAt + requestLimits.joinSeconds, now, 'access.expired')
  return payload
}

/** The ticket under a ticket key of the main server, for exactly this request. */
export async function checkTicket(ticket: CompactJws, ticketKeys: readonly PublicJwk[], now: number): Promise<TicketPayload> {
  const payload = await verifyByAny(ticket, { type: 'ticket', schema: TicketPayload, keys: ticketKeys, failure: 'ticket.bad' })
  requireTime(payload.issuedAt, payload.joinBefore, now, 'ticket.expired')
  return payload
}

export function requireSameRequest(ticket: TicketPayload, request: RequestPayload, signed: SignedRequest): void {
  const same =
    ticket.requestHash === requestHash(signed) &&
    ticket.requestId === request.id &&
    ticket.deviceId === request.deviceId &&
    ticket.specialistId === request.specialistId &&
    ticket.access === request.access &&
    ticket.minutes === request.minutes &&
    thumbprint(ticket.sessionKey) === thumbprint(request.sessionKey)
  if (!same) throw new AppError('ticket.bad')
}

/** Within validity, with the slack of `requestLimits`. A time from the future is the clock's fault and says so. */
export function requireTime(from: number, until: number, now: number, expired: ErrorCode): void {
  const { slackSeconds } = requestLimits
  if (from > now + slackSeconds) throw new AppError('access.clock-off', { details: { seconds: from - now } })
  if (now > until + slackSeconds) throw new AppError(expired, { details: { seconds: now - until } })
}
