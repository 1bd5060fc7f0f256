import { z } from 'zod'
import type { Failure } from './errors.ts'

/** A file that the vendor's release officer published, and what goes for the signed manifest that names it, whoever it is for. The main server only carries both. */
export const maxPublishedBytes = 1_073_741_824

/** A name in one folder: nothing that a path is made of. */
export const PublishedName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/)

export const PublishedFile = z.strictObject({
  name: PublishedName,
  bytes: z.number().int().min(1).max(maxPublishedBytes),
  /** base64url. */
  sha512: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
export type PublishedFile = z.infer<typeof PublishedFile>

/** For `refine`: a manifest that counts longer than this could be held back as long without anybody noticing. */
export const countsForDays =
  (days: number) =>
  ({ issuedAt, expiresAt }: { issuedAt: number; expiresAt: number }): boolean =>
    expiresAt > issuedAt && expiresAt - issuedAt <= days * 86_400

const slackMs = 120_000

/** Why a manifest whose signature holds must not be taken: `update.older` than one that was taken before, or `update.expired {since}`. Null: it may. */
export function whyStale({ serial, expiresAt }: { serial: number; expiresAt: number }, known: { serial: number; nowMs: number }): Failure | null {
  if (serial < known.serial) return { code: 'update.older' }
  if (known.nowMs <= expiresAt * 1_000 + slackMs) return null
  return { code: 'update.expired', details: { since: new Date(expiresAt * 1_000).toISOString().slice(0, 10) } }
}
