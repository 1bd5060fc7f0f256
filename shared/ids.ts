import { z } from 'zod'

/** Ids are prefixed and branded; the part after the prefix is 12 to 26 characters of lower-case base 32. */
function id<P extends string>(prefix: P) {
  return z.string().regex(new RegExp(`^${prefix}_[a-z2-7]{12,26}$`))
}

export const DeviceId = id('dev').brand<'DeviceId'>()
export type DeviceId = z.infer<typeof DeviceId>
export const CustomerId = id('cus').brand<'CustomerId'>()
export type CustomerId = z.infer<typeof CustomerId>
export const SiteId = id('sit').brand<'SiteId'>()
export type SiteId = z.infer<typeof SiteId>
export const SpecialistId = id('spc').brand<'SpecialistId'>()
export type SpecialistId = z.infer<typeof SpecialistId>
/** Names an access request and the session that may come of it. Drawn by the specialist's client, signed in the request. */
export const RequestId = id('req').brand<'RequestId'>()
export type RequestId = z.infer<typeof RequestId>
export const TicketId = id('tkt').brand<'TicketId'>()
export type TicketId = z.infer<typeof TicketId>
export const EventId = id('evt').brand<'EventId'>()
export type EventId = z.infer<typeof EventId>
export const DeliveryId = id('dlv').brand<'DeliveryId'>()
export type DeliveryId = z.infer<typeof DeliveryId>
export const LogId = id('log').brand<'LogId'>()
export type LogId = z.infer<typeof LogId>

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** A fresh id with 100 bits of chance (20 characters). `random` gives that many bytes; the real thing is the platform's CSPRNG. */
export function newId<T extends string>(prefix: string, random: (bytes: number) => Uint8Array = (bytes) => crypto.getRandomValues(new Uint8Array(bytes))): T {
  let text = ''
  for (const byte of random(20)) text += alphabet[byte & 31]
  return `${prefix}_${text}` as T
}
declare const crypto: { getRandomValues(array: Uint8Array): Uint8Array }
