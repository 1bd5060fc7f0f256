import { Delivery } from '@gantry/shared/agent-api.ts'
import { DeliveryId } from '@gantry/shared/ids.ts'
import { z } from 'zod'
import type { StateFile } from './state-file.ts'

/**
 * Exactly once across crash and replay (R052): received → stored on disk → acted upon → handled. A delivery is repeated by the main server until a poll
 * names it, and dropped here when its id was handled before.
 */
export const InboxState = z.strictObject({
  version: z.literal(1),
  /** Stored, not yet acted upon. */
  received: z.array(Delivery),
  /** Newest last. `named`: a poll that was answered has named it, so it will not come again by itself. */
  handled: z.array(z.strictObject({ id: DeliveryId, named: z.boolean() })),
})
export type InboxState = z.infer<typeof InboxState>
export const emptyInbox = (): InboxState => ({ version: 1, received: [], handled: [] })

/** Handled ids that are remembered. Behind them stand the spent tickets and the version numbers of files, which know no such limit. */
const maxHandled = 5_000
/** Deliveries that may wait to be acted upon; the others stay with the main server. */
const maxReceived = 400
const maxNamed = 500

export type Inbox = {
  /** Stores what is new, and returns how many that were. On disk when it returns; throws what the disk says, and then nothing was received. */
  receive(deliveries: readonly Delivery[]): number
  /** In the order in which they came. */
  waiting(): readonly Delivery[]
  handled(id: DeliveryId): void
  /** For the next poll. */
  toName(): DeliveryId[]
  /** That poll was answered. */
  named(ids: readonly DeliveryId[]): void
}

export function createInbox(file: StateFile<InboxState>): Inbox {
  const knows = (id: DeliveryId) => file.value.received.some((one) => one.id === id) || file.value.handled.some((one) => one.id === id)
  return {
    receive(deliveries) {
      const fresh = new Map(deliveries.filter((one) => !knows(one.id)).map((one) => [one.id, one]))
      const taken = [...fresh.values()].slice(0, Math.max(0, maxReceived - file.value.received.length))
      // One that was handled and comes again did not hear of it: name it once more.
      const again = new Set(deliveries.map((one) => one.id))
      const handled = file.value.handled.map((one) => (one.named && again.has(one.id) ? { ...one, named: false } : one))
      if (taken.length > 0 || handled.some((one, at) => one !== file.value.handled[at])) {
        file.save({ ...file.value, received: [...file.value.received, ...taken], handled })
      }
      return taken.length
    },
    waiting: () => file.value.received,
    handled(id) {
      const received = file.value.received.filter((one) => one.id !== id)
      file.save({ ...file.value, received, handled: [...file.value.handled, { id, named: false }].slice(-maxHandled) })
    },
    toName: () =>
      file.value.handled
        .filter((one) => !one.named)
        .map((one) => one.id)
        .slice(0, maxNamed),
    named(ids) {
      const done = new Set(ids)
      if (done.size === 0) return
      file.save({ ...file.value, handled: file.value.handled.map((one) => (done.has(one.id) ? { ...one, named: true } : one)) })
    },
  }
}
