import { requestLimits } from '@gantry/shared/access-request.ts'
import type { TicketPayload } from '@gantry/shared/ticket.ts'

/** Remembers when each ticket's first pair was joined here, for as long as its session may last. Times in Unix seconds. */
export type JoinedTickets = {
  joinedAt(ticketId: string): number | undefined
  note(ticket: Pick<TicketPayload, 'id' | 'minutes'>, now: number): void
  /** The latest moment at which a leg of this ticket may still be open here. */
  endsAt(ticket: Pick<TicketPayload, 'id' | 'minutes'>, now: number): number
}

export function createJoinedTickets(): JoinedTickets {
  const joined = new Map<string, { at: number; until: number }>()
  const lasts = (minutes: number) => minutes * 60 + requestLimits.slackPastSeconds
  return {
    joinedAt: (ticketId) => joined.get(ticketId)?.at,
    note({ id, minutes }, now) {
      if (joined.has(id)) return
      for (const [other, { until }] of joined) if (until < now) joined.delete(other)
      joined.set(id, { at: now, until: now + lasts(minutes) })
    },
    endsAt: ({ id, minutes }, now) => (joined.get(id)?.at ?? now) + lasts(minutes),
  }
}
