import type { UpdateName, updates } from '@gantry/shared/client-api.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { z } from 'zod'
import type { Caller } from '../caller.ts'

export type UpdatePayload<N extends UpdateName> = z.output<(typeof updates)[N]>
export type Subscriber = { caller: Caller; send(name: UpdateName, payload: unknown): void; end(): void }
/** Who listens to what, in memory: a client that was away asks for the present state, so nothing needs to be kept for it. */
export type UpdateHub = {
  /** Returns the function that stops it. */
  subscribe(subscriber: Subscriber): () => void
  publish<N extends UpdateName>(specialistId: SpecialistId, name: N, payload: UpdatePayload<N>): void
  watchers(): SpecialistId[]
  /** The sign-in behind these streams is no longer good: they are told why, then closed. */
  endSignIn(grantId: string, why: UpdatePayload<'sign-in.ended'>['why']): void
  close(): void
}

export function createUpdateHub(): UpdateHub {
  const subscribers = new Set<Subscriber>()
  return {
    subscribe(subscriber) {
      subscribers.add(subscriber)
      return () => subscribers.delete(subscriber)
    },
    publish(specialistId, name, payload) {
      for (const subscriber of subscribers) if (subscriber.caller.specialistId === specialistId) subscriber.send(name, payload)
    },
    watchers: () => [...new Set([...subscribers].map(({ caller }) => caller.specialistId))],
    endSignIn(grantId, why) {
      for (const subscriber of [...subscribers]) {
        if (subscriber.caller.grantId !== grantId) continue
        subscriber.send('sign-in.ended', { why })
        subscriber.end()
      }
    },
    close() {
      for (const subscriber of [...subscribers]) subscriber.end()
    },
  }
}
