import { createHmac } from 'node:crypto'
import { BulletinPayload, bulletinFreshSeconds } from '../access-api.ts'
import { requestLimits } from '../access-request.ts'
import { AppError } from '../errors.ts'
import type { CompactJws, Hash, PublicJwk } from '../ticket.ts'
import { verifyByAny } from './signing.ts'

/** A device's mark in one bulletin: nobody without its key can tell it from chance, and it is another one under the next salt. */
export function bulletinMark(key: Hash, salt: Hash): string {
  return createHmac('sha256', Buffer.from(key, 'base64url')).update(salt).digest().subarray(0, 16).toString('base64url')
}

/** When it was issued (Unix seconds), and whether the main server had something then for the device that holds the key. */
export type BulletinCall = { issuedAt: number; calls: boolean }

/**
 * `now` in Unix seconds. Throws `server.answer-bad {what}` for a bulletin that the main server has not signed or that is older than two minutes (an access server may keep it, or play it
 * again), and `access.clock-off` for one from the future.
 */
export async function readCalls(
  bulletin: CompactJws,
  { ticketKeys, key, now }: { ticketKeys: readonly PublicJwk[]; key: Hash; now: number },
): Promise<BulletinCall> {
  const { issuedAt, salt, marks } = await verifyByAny(bulletin, { type: 'bulletin', schema: BulletinPayload, keys: ticketKeys, failure: 'server.answer-bad' })
  if (issuedAt > now + requestLimits.slackSeconds) throw new AppError('access.clock-off', { details: { seconds: issuedAt - now } })
  if (now - issuedAt > bulletinFreshSeconds) throw new AppError('server.answer-bad', { details: { what: 'old-bulletin' } })
  return { issuedAt, calls: marks.includes(bulletinMark(key, salt)) }
}
