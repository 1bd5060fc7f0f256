import type { SpecialistId } from '@gantry/shared/ids.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import { z } from 'zod'
import type { Database } from '../database.ts'

/** `password` and `totpSecret` are '' where there is none. */
export type Account = { id: SpecialistId; username: string; name: string; password: string; totpSecret: string; totpStep: number }

/** Null, here as below, also for who is disabled: the answer, and its time, are those of a name that nobody has. */
export async function findByUsername(db: Database, username: string): Promise<Account | null> {
  return (await accounts(db).where('username', '=', username).executeTakeFirst()) ?? null
}

export async function findById(db: Database, id: SpecialistId): Promise<Account | null> {
  return (await accounts(db).where('id', '=', id).executeTakeFirst()) ?? null
}

export async function findByIdentity(db: Database, { issuer, subject }: { issuer: string; subject: string }): Promise<Account | null> {
  return (await accounts(db).where('issuer', '=', issuer).where('subject', '=', subject).executeTakeFirst()) ?? null
}

function accounts(db: Database) {
  const query = db.selectFrom('specialists').select(['id', 'username', 'name', 'password', 'totp_secret as totpSecret', 'totp_step as totpStep'])
  return query.where('disabled_ms', 'is', null)
}

/** Marks a TOTP step as used; false when it, or a later one, was used before. One statement, so that two sign-ins cannot share a code. */
export async function useTotpStep(db: Database, id: SpecialistId, step: number): Promise<boolean> {
  const result = await db.updateTable('specialists').set({ totp_step: step }).where('id', '=', id).where('totp_step', '<', step).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** Who passed the first factor of a sign-in. `vouchedMs`: when, at the upstream provider; null: here, by a password. */
export type FirstFactor = { specialistId: SpecialistId; vouchedMs: number | null }

/** `factors`, `methods`: what was asked, for the audit and as RFC 8176 names it. `atMs`: when the older of the factors was given. */
const Shown = z.object({ factors: z.string(), methods: z.array(z.string()), atMs: z.number() })
export type Shown = z.infer<typeof Shown>
/** `shown`: the second was given too, and the person looks after the passkeys before the sign-in ends. */
export type Pending = FirstFactor & { shown: Shown | null }

/** The first factor of the sign-in `uid` was right; the code is asked next. */
export async function beginCodeStep(db: Database, uid: string, { specialistId, vouchedMs, expiresMs }: FirstFactor & { expiresMs: number }): Promise<void> {
  const row = { uid, specialist_id: specialistId, vouched_ms: vouchedMs, expires_ms: expiresMs, challenge: null, shown_json: null }
  await db
    .insertInto('sign_in_steps')
    .values(row)
    .onConflict((conflict) => conflict.column('uid').doUpdateSet(row))
    .execute()
}

export async function findCodeStep(db: Database, uid: string, nowMs: number): Promise<Pending | null> {
  const query = db.selectFrom('sign_in_steps').select(['specialist_id as specialistId', 'vouched_ms as vouchedMs', 'shown_json as shown'])
  const row = await query.where('uid', '=', uid).where('expires_ms', '>', nowMs).executeTakeFirst()
  return row ? { ...row, shown: row.shown === null ? null : Shown.parse(JSON.parse(row.shown)) } : null
}

/** Both factors were given. */
export async function keepShown(db: Database, uid: string, shown: Shown): Promise<void> {
  await db
    .updateTable('sign_in_steps')
    .set({ shown_json: JSON.stringify(shown), challenge: null })
    .where('uid', '=', uid)
    .execute()
}

export async function endCodeStep(db: Database, uid: string): Promise<void> {
  await db.deleteFrom('sign_in_steps').where('uid', '=', uid).execute()
}

/** The person of the sign-in `uid` is sent to the upstream provider; an earlier visit of it counts no more. */
export async function beginVisit(db: Database, uid: string, visit: { state: string; sentMs: number; expiresMs: number }): Promise<void> {
  const row = { uid, state_hash: sha256(visit.state), sent_ms: visit.sentMs, expires_ms: visit.expiresMs }
  await db
    .insertInto('upstream_visits')
    .values(row)
    .onConflict((conflict) => conflict.column('uid').doUpdateSet(row))
    .execute()
}

/** To which sign-in an answer with this `state` belongs. */
export async function findVisit(db: Database, state: string, nowMs: number): Promise<string | null> {
  const query = db.selectFrom('upstream_visits').select('uid').where('state_hash', '=', sha256(state)).where('expires_ms', '>', nowMs)
  return (await query.executeTakeFirst())?.uid ?? null
}

/** Ends the visit: its answer counts once, whatever comes of it. Null where it is not this sign-in's. */
export async function endVisit(db: Database, uid: string, state: string, nowMs: number): Promise<{ sentMs: number } | null> {
  const query = db.deleteFrom('upstream_visits').where('uid', '=', uid).where('state_hash', '=', sha256(state)).where('expires_ms', '>', nowMs)
  return (await query.returning('sent_ms as sentMs').executeTakeFirst()) ?? null
}

export async function forgetOldSignIns(db: Database, nowMs: number): Promise<void> {
  await db.deleteFrom('sign_in_steps').where('expires_ms', '<', nowMs).execute()
  await db.deleteFrom('upstream_visits').where('expires_ms', '<', nowMs).execute()
  await db.deleteFrom('oidc_records').where('expires_ms', '<', nowMs).execute()
  await db
    .deleteFrom('sign_ins')
    .where('began_ms', '<', nowMs - 2 * 86_400_000)
    .execute()
}
