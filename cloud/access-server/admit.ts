import { requestLimits } from '@gantry/shared/access-request.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Opening } from '@gantry/shared/leg.ts'
import { verifyByAny, verifyJws } from '@gantry/shared/node/signing.ts'
import { requireTime } from '@gantry/shared/node/ticket.ts'
import type { TicketKeys } from '@gantry/shared/server-keys.ts'
import { AdmissionPayload, type Hash, TicketPayload } from '@gantry/shared/ticket.ts'

/**
 * Who may open a leg (architecture 3.2). A ticket is no bearer secret: it names this server, and each admission is signed over this connection's nonce
 * by the key that the ticket names for that side.
 */
export type Opened = { ticket: TicketPayload; opening: Opening }
export type AdmitContext = {
  name: string
  ticketKeys: TicketKeys
  /** Unix seconds. */
  now: number
  /** When the ticket's first pair was joined here (Unix seconds), if it was. */
  joinedAt(ticketId: string): number | undefined
}

/** What must hold before a nonce is handed out. Throws `ticket.bad`, `ticket.expired`, `access.clock-off`. */
export async function checkOpening(opening: Opening, context: AdmitContext): Promise<Opened> {
  const ticket = await verifyByAny(opening.ticket, { type: 'ticket', schema: TicketPayload, keys: context.ticketKeys(context.now), failure: 'ticket.bad' })
  const named = ticket.accessServer.name === context.name || ticket.fallback?.name === context.name
  if (!named) throw new AppError('ticket.bad', { details: { what: 'access-server' } })
  requireTime(ticket.issuedAt, lastMoment(ticket, opening, context), context.now, 'ticket.expired')
  return { ticket, opening }
}

/**
 * A session's first leg must be opened before `joinBefore`. Further ones may come as long as any session may last, since a person at the device may give it more time:
 * counted from its join where that was here, else from the latest moment at which it can have been joined at the other access server. The agent keeps the exact time.
 */
function lastMoment(ticket: TicketPayload, opening: Opening, { joinedAt }: AdmitContext): number {
  const joined = joinedAt(ticket.id)
  if (joined !== undefined) return joined + requestLimits.maxMinutes * 60
  if (opening.leg === 'control-1' && opening.epoch === 1) return ticket.joinBefore
  return ticket.joinBefore + requestLimits.slackSeconds + requestLimits.maxMinutes * 60
}

/** The proof, which must repeat exactly what was opened. Throws `leg.refused`. */
export async function checkAdmission(jws: string, { ticket, opening }: Opened, { name, nonce }: { name: string; nonce: Hash }): Promise<void> {
  const key = opening.side === 'client' ? ticket.sessionKey : ticket.deviceKey
  const said = await verifyJws(jws, { type: 'admission', schema: AdmissionPayload, key, failure: 'leg.refused' })
  const { side, leg, epoch } = opening
  const same =
    said.ticketId === ticket.id && said.side === side && said.leg === leg && said.epoch === epoch && said.accessServer === name && said.nonce === nonce
  if (!same) throw new AppError('leg.refused', { details: { what: 'admission' } })
}
