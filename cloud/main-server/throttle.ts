import { AppError } from '@gantry/shared/errors.ts'
import type { Database } from './database.ts'

/** Failures within a minute after which nothing is looked at any more. What is already signed in, and its refreshing, is not touched. */
export const throttle = { windowMs: 60_000, perAccount: 5, perAddress: 20 } as const

/** Failures at one of them say nothing about the other. */
export type Door = 'sign-in' | 'enrolment'
/** `account`: a mark of it, or '' where there are no accounts. */
export type Trial = { door: Door; account: string; address: string; nowMs: number }

/** Errors: `auth.throttled {seconds}`. */
export async function requireNotThrottled(db: Database, trial: Trial): Promise<void> {
  const { account, address } = await recentFailures(db, trial)
  const seconds = Math.max(waitSeconds(account, throttle.perAccount, trial.nowMs), waitSeconds(address, throttle.perAddress, trial.nowMs))
  if (seconds > 0) throw new AppError('auth.throttled', { details: { seconds } })
}

export async function recordFailure(db: Database, { door, account, address, nowMs }: Trial): Promise<void> {
  await db.insertInto('sign_in_failures').values({ door, account, address, at_ms: nowMs }).execute()
}

export async function forgetOldFailures(db: Database, beforeMs: number): Promise<void> {
  await db.deleteFrom('sign_in_failures').where('at_ms', '<', beforeMs).execute()
}

/** Until so many of the failures are old enough that less than `limit` remain. */
export function waitSeconds(timesMs: number[], limit: number, nowMs: number): number {
  const deciding = timesMs.at(-limit)
  return timesMs.length < limit || deciding === undefined ? 0 : Math.max(1, Math.ceil((deciding + throttle.windowMs - nowMs) / 1000))
}

/** Times of the failures of this account, and of those from this address, oldest first. */
async function recentFailures(db: Database, { door, account, address, nowMs }: Trial): Promise<{ account: number[]; address: number[] }> {
  const rows = await db
    .selectFrom('sign_in_failures')
    .selectAll()
    .where('door', '=', door)
    .where('at_ms', '>', nowMs - throttle.windowMs)
    .where((where) => where.or([where('account', '=', account), where('address', '=', address)]))
    .orderBy('at_ms')
    .execute()
  const timesOf = (kind: 'account' | 'address', value: string) => rows.filter((row) => row[kind] === value).map((row) => row.at_ms)
  return { account: account === '' ? [] : timesOf('account', account), address: timesOf('address', address) }
}
