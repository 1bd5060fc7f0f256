import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { Database } from '../database.ts'

export type Account = { id: SpecialistId; username: string; name: string; password: string; totpSecret: string; totpStep: number }

/** Null too for who is disabled: the answer, and its time, are those of a name that nobody has. */
export async function findAccount(db: Database, by: { username: string } | { id: SpecialistId }): Promise<Account | null> {
  const query = db.selectFrom('specialists').select(['id', 'username', 'name', 'password', 'totp_secret as totpSecret', 'totp_step as totpStep'])
  const enabled = query.where('disabled_ms', 'is', null)
  const narrowed = 'id' in by ? enabled.where('id', '=', by.id) : enabled.where('username', '=', by.username)
  return (await narrowed.executeTakeFirst()) ?? null
}

/** Marks a TOTP step as used; false when it, or a later one, was used before. One statement, so that two sign-ins cannot share a code. */
export async function useTotpStep(db: Database, id: SpecialistId, step: number): Promise<boolean> {
  const result = await db.updateTable('specialists').set({ totp_step: step }).where('id', '=', id).where('totp_step', '<', step).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** The password of the sign-in `uid` was right; the code is asked next. */
export async function beginCodeStep(db: Database, uid: string, specialistId: SpecialistId, expiresMs: number): Promise<void> {
  const row = { uid, specialist_id: specialistId, expires_ms: expiresMs }
  await db
    .insertInto('sign_in_steps')
    .values(row)
    .onConflict((conflict) => conflict.column('uid').doUpdateSet(row))
    .execute()
}

export async function findCodeStep(db: Database, uid: string, nowMs: number): Promise<SpecialistId | null> {
  const row = await db.selectFrom('sign_in_steps').select('specialist_id').where('uid', '=', uid).where('expires_ms', '>', nowMs).executeTakeFirst()
  return row?.specialist_id ?? null
}

export async function endCodeStep(db: Database, uid: string): Promise<void> {
  await db.deleteFrom('sign_in_steps').where('uid', '=', uid).execute()
}

export async function recordFailure(db: Database, account: string, address: string, nowMs: number): Promise<void> {
  await db.insertInto('sign_in_failures').values({ account, address, at_ms: nowMs }).execute()
}

/** Times of the failures of this account, and of those from this address, oldest first. */
export async function recentFailures(db: Database, account: string, address: string, sinceMs: number): Promise<{ account: number[]; address: number[] }> {
  const rows = await db
    .selectFrom('sign_in_failures')
    .selectAll()
    .where('at_ms', '>', sinceMs)
    .where((where) => where.or([where('account', '=', account), where('address', '=', address)]))
    .orderBy('at_ms')
    .execute()
  const timesOf = (kind: 'account' | 'address', value: string) => rows.filter((row) => row[kind] === value).map((row) => row.at_ms)
  return { account: timesOf('account', account), address: timesOf('address', address) }
}

export async function forgetOldSignIns(db: Database, nowMs: number, failuresBeforeMs: number): Promise<void> {
  await db.deleteFrom('sign_in_failures').where('at_ms', '<', failuresBeforeMs).execute()
  await db.deleteFrom('sign_in_steps').where('expires_ms', '<', nowMs).execute()
  await db.deleteFrom('oidc_records').where('expires_ms', '<', nowMs).execute()
}
