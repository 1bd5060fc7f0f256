import type { Duplex } from 'node:stream'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { LinkedNetwork } from '@gantry/shared/node/link-legs.ts'
import { createSessionLegs, type SessionLegs } from '@gantry/shared/node/session-legs.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { CompactJws, TicketPayload } from '@gantry/shared/ticket.ts'

/**
 * The way to a device on which a person is still being asked: this end takes its seat at the access servers, so that after the yes only the device has to dial (decision 32). A seat says nothing
 * and opens nothing: the device comes to it after the yes, and nothing is written on it before the device's signed answer is here.
 */
export type Approach = {
  legs: SessionLegs
  /** After the yes: the first control leg. A way that had failed by then is begun anew. Errors: those of `openLeg`; an abort throws the signal's reason. */
  arrive(onNetwork: (network: LinkedNetwork) => void): Promise<Duplex>
  /** There will be no session. */
  turnBack(): void
}
export type StartApproach = { dial: Dial; ticket: TicketPayload; ticketText: CompactJws; sessionKey: SigningKey; signal: AbortSignal }

export function startApproach({ dial, ticket, ticketText, sessionKey, signal }: StartApproach): Approach {
  const legs = createSessionLegs({ dial, ticket, ticketText, side: 'client', key: sessionKey })
  const turnedBack = new AbortController()
  const until = AbortSignal.any([signal, turnedBack.signal])
  let [isAsked, hasFailed] = [true, false]
  let last: LinkedNetwork | null = null
  let tell = (network: LinkedNetwork): void => {
    last = network
  }
  const first = legs.open('control-1', { signal: until, onNetwork: (network) => tell(network), isPatient: () => isAsked })
  first.catch(() => {
    hasFailed = true
  })
  return {
    legs,
    arrive(onNetwork) {
      isAsked = false
      if (hasFailed) return legs.open('control-1', { signal: until, onNetwork })
      tell = onNetwork
      if (last) tell(last)
      return first
    },
    turnBack() {
      turnedBack.abort()
      first.then((leg) => leg.destroy()).catch(() => undefined)
    },
  }
}
