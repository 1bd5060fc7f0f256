import { z } from 'zod'
import { DeviceId } from './ids.ts'
import { plainText } from './ticket.ts'

/**
 * R011: for which licensed features a device's owner has a subscription. The operator's directory says so, the main server signs it with its ticket key (typ `licences`) and hands it
 * out with a poll; the device reports with its next one which of them it holds as licensed. It opens no session and is no part of any.
 */
export const Feature = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,59}$/)
export type Feature = z.infer<typeof Feature>
/** Dates, both included, in every time zone. */
export const Subscription = z.strictObject({ feature: Feature, name: plainText(80), from: z.iso.date(), until: z.iso.date() })
export type Subscription = z.infer<typeof Subscription>
export const maxSubscriptions = 100

export const LicencesPayload = z.strictObject({
  version: z.literal(1),
  deviceId: DeviceId,
  /** Grows with each change; an older one is refused. */
  number: z.number().int().positive(),
  subscriptions: z.array(Subscription).max(maxSubscriptions),
})
export type LicencesPayload = z.infer<typeof LicencesPayload>

const hourMs = 3_600_000
/** Whether it is a day of the subscription anywhere on earth (UTC+14 to UTC-12). */
export function isInForce({ from, until }: Pick<Subscription, 'from' | 'until'>, nowMs: number): boolean {
  return Date.parse(`${from}T00:00:00Z`) - 14 * hourMs <= nowMs && nowMs < Date.parse(`${until}T00:00:00Z`) + 36 * hourMs
}

/** The features in force, each once, in order. */
export function licensedFeatures(subscriptions: readonly Subscription[], nowMs: number): string[] {
  return [...new Set(subscriptions.filter((one) => isInForce(one, nowMs)).map(({ feature }) => feature))].sort()
}
