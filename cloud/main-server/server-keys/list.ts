import { thumbprint } from '@gantry/shared/node/signing.ts'
import type { ServerKeys } from '@gantry/shared/server-keys.ts'
import type { Hash, PublicJwk } from '@gantry/shared/ticket.ts'

/** What lies in a main server's folder, and what the authority listed last. Public halves and hashes only. */
export type KeyState = {
  ticket: PublicJwk
  nextTicket: PublicJwk | null
  /** SHA-256 of each CA whose device certificates count, the one in use first. */
  deviceCas: readonly Hash[]
  nextDeviceCa: Hash | null
  listed: ServerKeys | null
}
export type ListChange = {
  /** Unix seconds: until when a ticket key that has no end yet counts beside the newest. */
  olderUntil: number
  /** Only the device CA in use, or the one that takes over, counts from then on. */
  retireDeviceCas?: boolean
  /** SHA-256 of server certificates. */
  revoke?: readonly Hash[]
}

const maxTicketKeys = 6

/** The list that the officers are asked for: the newest key signs, each older one keeps the end that it has, and none that is over comes back. */
export function proposeList(
  { ticket, nextTicket, deviceCas, nextDeviceCa, listed }: KeyState,
  { olderUntil, retireDeviceCas, revoke = [] }: ListChange,
): ServerKeys {
  const newest = nextTicket ?? ticket
  const known = listed?.ticketKeys ?? [{ key: ticket, until: null }]
  const older = known
    .filter(({ key }) => thumbprint(key) !== thumbprint(newest))
    .map(({ key, until }) => ({ key, until: Math.min(until ?? olderUntil, olderUntil) }))
  const cas = nextDeviceCa ? [nextDeviceCa, ...deviceCas] : [...deviceCas]
  return {
    ticketKeys: [{ key: newest, until: null }, ...older].slice(0, maxTicketKeys),
    deviceCas: retireDeviceCas ? cas.slice(0, 1) : cas,
    revoked: [...new Set([...(listed?.revoked ?? []), ...revoke])],
  }
}

/** One line of the overview. Times in Unix seconds; null: none. */
export type KeyRow = {
  what: 'ticket-key' | 'device-ca' | 'server-certificate' | 'authority'
  /** RFC 7638 thumbprint of a key, SHA-256 of a certificate. */
  mark: Hash
  state: 'in-use' | 'waits' | 'beside' | 'over' | 'revoked'
  from: number | null
  until: number | null
  /** How many enrolled devices have a certificate of this CA. */
  devices?: number
}

/** The ticket keys as the list and the folder tell them: what signs, what waits, and what still counts beside. */
export function ticketKeyRows({ ticket, nextTicket, listed }: KeyState, now: number): KeyRow[] {
  const row = (key: PublicJwk, state: KeyRow['state'], until: number | null = null): KeyRow => ({
    ...{ what: 'ticket-key', mark: thumbprint(key), state, from: null, until },
  })
  const own = new Set([ticket, ...(nextTicket ? [nextTicket] : [])].map(thumbprint))
  const older = (listed?.ticketKeys ?? []).filter(({ key }) => !own.has(thumbprint(key)))
  return [
    row(ticket, 'in-use'),
    ...(nextTicket ? [row(nextTicket, 'waits')] : []),
    ...older.map(({ key, until }) => row(key, until !== null && until < now ? 'over' : 'beside', until)),
  ]
}
