import { requestLimits } from '@gantry/shared/access-request.ts'
import type { TicketPayload } from '@gantry/shared/ticket.ts'

/** Remembers when each ticket's first pair was joined here, for as long as its session may last. Times in Unix seconds. */
export type JoinedTickets = {
  joinedAt(ticketId: string): number | undefined
  note(ticket: Pick<TicketPayload, 'id'>, now: number): void
  /** The latest moment at which a leg of this ticket may still be open here. */
  endsAt(ticket: Pick<TicketPayload, 'id'>, now: number): number
}

/** A session may be given more time than its ticket names, by a person at the device. */
const longestSeconds = requestLimits.maxMinutes * 60 + requestLimits.slackSeconds

export function createJoinedTickets(): JoinedTickets {
  const joined = new Map<string, { at: number; until: number }>()
  return {
    joinedAt: (ticketId) => joined.get(ticketId)?.at,
    note({ id }, now) {
      if (joined.has(id)) return
      for (const [other, { until }] of joined) if (until < now) joined.delete(other)
      joined.set(id, { at: now, until: now + longestSeconds })
    },
    endsAt: ({ id }, now) => (joined.get(id)?.at ?? now) + longestSeconds,
  }
}
