import type { TLSSocket } from 'node:tls'
import type { ErrorCode } from '@gantry/shared/errors.ts'
import { type Admitted, sayVerdict } from './conversation.ts'
import type { JoinedTickets } from './joined-tickets.ts'
import type { LegAudit } from './leg-audit.ts'
import type { Met, Seat } from './pairing.ts'
import { pump } from './pump.ts'

/** A place that a connection has taken, and what happens when the other one comes. */
export type LegSeat = Seat & {
  socket: TLSSocket
  admitted: Admitted
  /** True once the verdict is said: from then on every byte belongs to the other end, so that a leg can only be cut. */
  joined: boolean
  /** Before its octets are the other end's to read. */
  stopWatching(): void
  /** Why we closed it, if it was we. */
  cause?: ErrorCode
}

export function createSeat(socket: TLSSocket, admitted: Admitted): LegSeat {
  const { ticket, opening } = admitted
  const { side, leg, epoch, link } = opening
  const stopWatching = watchEnd(socket)
  const seat: LegSeat = {
    ...{ ticketId: ticket.id, side, leg, epoch, link, socket, admitted, joined: false, stopWatching },
    close: (code) => {
      stopWatching()
      seat.cause = code
      if (seat.joined) socket.destroy()
      else sayVerdict(socket, code)
    },
  }
  return seat
}

/** One that waits says nothing; that it has left is only heard by who reads, and would else be heard when its time is over. */
function watchEnd(socket: TLSSocket): () => void {
  const look = () => void socket.read(0)
  const leave = () => socket.destroy()
  socket.on('readable', look).once('end', leave)
  return () => void socket.off('readable', look).off('end', leave)
}

type Tools = {
  audit: LegAudit
  joined: JoinedTickets
  /** Milliseconds. */
  now(): number
  onNotAudited(error: unknown): void
}

/** Joins two seats until they are done, and writes both down: before the first byte and after the last. */
export async function carry({ client, agent, leave }: Met<LegSeat>, { audit, joined, now, onNotAudited }: Tools): Promise<void> {
  const { ticket } = client.admitted
  const startedMs = now()
  const close = (code: ErrorCode) => {
    for (const seat of [client, agent]) seat.close(code)
  }
  let last: NodeJS.Timeout | undefined
  try {
    audit.leg('leg.paired', client.admitted, { epochClient: client.epoch, epochAgent: agent.epoch })
    joined.note(ticket, Math.floor(startedMs / 1_000))
    // The agent ends a session on time; this only keeps a leg that both ends forgot from staying for ever.
    last = setTimeout(() => close('session.ended'), joined.endsAt(ticket, Math.floor(startedMs / 1_000)) * 1_000 - startedMs)
    for (const seat of [client, agent]) {
      seat.stopWatching()
      seat.joined = true
      sayVerdict(seat.socket)
    }
    const { bytesFromClient, bytesFromAgent, broken } = await pump(client.socket, agent.socket)
    const cause = client.cause ?? agent.cause ?? (broken ? 'broken' : 'ended')
    audit.leg('leg.closed', client.admitted, { bytesFromClient, bytesFromAgent, cause, seconds: Math.round((now() - startedMs) / 1_000) })
  } catch (error) {
    onNotAudited(error)
    close('audit.unavailable')
  } finally {
    clearTimeout(last)
    leave()
  }
}
