import { AccessState, canMove, isFinal } from '@gantry/shared/access-request.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { DeliveryId, RequestId, TicketId } from '@gantry/shared/ids.ts'
import { CompactJws } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { StateFile } from '../state-file.ts'

/**
 * Which requests and tickets this device has seen: a ticket is spent here, once, whatever a server repeats (architecture 3.2). Kept on disk; it also
 * says, after a crash, what was open, and how many requests came within the hour.
 */
const Entry = z.strictObject({
  requestId: RequestId,
  ticketId: TicketId,
  deliveryId: DeliveryId,
  /** So that a request that a crash interrupted can still be answered; dropped once it is over. */
  ticket: CompactJws.nullable(),
  /** Unix seconds: when the ticket was issued. */
  issuedAt: z.number(),
  /** Unix milliseconds by this device's clock. */
  takenMs: z.number(),
  state: AccessState,
})
export type Entry = z.infer<typeof Entry>

export const MemoryState = z.strictObject({
  version: z.literal(1),
  /** Unix seconds. Tickets issued before are taken for spent: nothing is known of that time any more. */
  forgottenBefore: z.number(),
  entries: z.array(Entry),
})
export type MemoryState = z.infer<typeof MemoryState>

export const newMemory = (): MemoryState => ({ version: 1, forgottenBefore: 0, entries: [] })

/** After the memory was lost every ticket that could have been spent counts as spent. `slackSeconds` covers a main server's clock that runs ahead. */
export const lostMemory = (nowMs: number, slackSeconds: number): MemoryState => ({
  version: 1,
  forgottenBefore: Math.ceil(nowMs / 1_000) + slackSeconds,
  entries: [],
})

/** Entries that are kept. The oldest leave first, and from then on tickets of their time are refused. */
const maxEntries = 2_000

export type RequestMemory = {
  /** Throws `ticket.spent`, also for a request that came with another ticket. */
  requireUnspent(one: Pick<Entry, 'requestId' | 'ticketId' | 'issuedAt'>): void
  /** On disk when it returns. Throws `audit.unavailable` when it cannot be stored: what is not remembered must not happen. */
  take(entry: Entry): void
  /** Throws `access.wrong-state` for a move that the table in `shared/access-request.ts` does not know. */
  move(requestId: RequestId, state: AccessState): void
  knows(requestId: RequestId): boolean
  /** When requests were taken in the `ms` before `nowMs`, oldest first. One from the future counts too: a clock that was set back must not open the door. */
  takenWithin(ms: number, nowMs: number): number[]
  findDelivery(id: DeliveryId): Entry | undefined
  open(): Entry[]
}

export function createRequestMemory(file: StateFile<MemoryState>): RequestMemory {
  const entries = () => file.value.entries
  const save = (state: MemoryState) => {
    try {
      file.save(state)
    } catch (error) {
      throw new AppError('audit.unavailable', { cause: error })
    }
  }
  return {
    requireUnspent({ requestId, ticketId, issuedAt }) {
      const seen = entries().some((entry) => entry.ticketId === ticketId || entry.requestId === requestId)
      if (seen || issuedAt < file.value.forgottenBefore) throw new AppError('ticket.spent')
    },
    take(entry) {
      save(trim({ ...file.value, entries: [...entries(), entry] }))
    },
    move(requestId, state) {
      const from = entries().find((entry) => entry.requestId === requestId)
      if (!from || !canMove(from.state, state)) throw new AppError('access.wrong-state', { details: { from: from?.state ?? 'none', to: state } })
      const ticket = isFinal(state) ? { ticket: null } : {}
      save({ ...file.value, entries: entries().map((entry) => (entry.requestId === requestId ? { ...entry, ...ticket, state } : entry)) })
    },
    knows: (requestId) => entries().some((entry) => entry.requestId === requestId),
    takenWithin: (ms, nowMs) => {
      const taken = entries().map((entry) => entry.takenMs)
      return taken.filter((takenMs) => nowMs - takenMs < ms).sort((a, b) => a - b)
    },
    findDelivery: (id) => entries().find((entry) => entry.deliveryId === id),
    open: () => entries().filter((entry) => !isFinal(entry.state)),
  }
}

/** An entry that is open, or within the hour, is never among those that leave: a policy allows 1,000 requests an hour at most. */
function trim(state: MemoryState): MemoryState {
  const spare = state.entries.length - maxEntries
  if (spare <= 0) return state
  const dropped = state.entries.slice(0, spare)
  const forgottenBefore = Math.max(state.forgottenBefore, ...dropped.map((entry) => entry.issuedAt + 1))
  return { ...state, forgottenBefore, entries: state.entries.slice(spare) }
}
