import type { Duplex } from 'node:stream'
import type { AccessServerRef, CompactJws, LegName, Side, TicketPayload } from '../ticket.ts'
import type { Dial } from './dial.ts'
import { openLegWithFallback } from './leg.ts'
import { type LinkedLeg, type LinkedNetwork, openLinkedLeg } from './link-legs.ts'
import type { SigningKey } from './signing.ts'

/**
 * One end's legs of one session. Control legs have the link, over both access servers of the ticket; files legs go straight to the server that carries the session now, so that one that
 * has just died is not tried first, and are opened anew after a break.
 */
export type SessionLegs = {
  /** Errors: those of `openLeg`; an abort before it is open throws the signal's reason. */
  open(leg: LegName, options: OpenSessionLeg): Promise<Duplex>
}
export type OpenSessionLeg = {
  signal?: AbortSignal | undefined
  /** What becomes of a control leg's connections. */
  onNetwork?: ((network: LinkedNetwork) => void) | undefined
  /** Of a client's control leg: whether the device may still take its time, since a person there is asked. */
  isPatient?: (() => boolean) | undefined
}
export type SessionLegsOptions = {
  dial: Dial
  ticket: TicketPayload
  ticketText: CompactJws
  side: Side
  /** The session key (client) or the device key (agent). */
  key: SigningKey
}

export function createSessionLegs({ dial, ticket, ticketText, side, key }: SessionLegsOptions): SessionLegs {
  const servers: [AccessServerRef, ...AccessServerRef[]] = ticket.fallback ? [ticket.accessServer, ticket.fallback] : [ticket.accessServer]
  const peerKey = side === 'client' ? ticket.deviceKey : ticket.sessionKey
  let first: LinkedLeg | null = null
  return {
    async open(leg, { signal, onNetwork, isPatient }) {
      const common = { dial, ticket: ticketText, ticketId: ticket.id, side, leg, key, signal }
      if (leg.startsWith('files-')) return openLegWithFallback(first?.servers() ?? servers, { ...common, epoch: 1 })
      // The device says yes before the specialist hears of it, who may have to wait for a main server that is just being started again (D2): as long as the ticket may be joined, it waits.
      const untilJoinable = side === 'agent' && leg === 'control-1' ? () => Date.now() < ticket.joinBefore * 1_000 : undefined
      const linked = await openLinkedLeg(servers, { ...common, peerKey, isPatient: isPatient ?? untilJoinable, ...(onNetwork ? { onChange: onNetwork } : {}) })
      if (leg === 'control-1') first = linked
      return linked
    },
  }
}
