import type { SpecialistId } from '@gantry/shared/ids.ts'
import { z } from 'zod'
import type { Database } from '../database.ts'

/** `id`: the credential's, base64url. `publicKey`: COSE, base64url. `isSynced`: its maker keeps copies, as of its last use. */
export type Passkey = {
  id: string
  publicKey: string
  counter: number
  transports: string[]
  isSynced: boolean
  addedMs: number
  usedMs: number | null
}

/** Oldest first. */
export async function passkeysOf(db: Database, id: SpecialistId): Promise<Passkey[]> {
  const rows = await db.selectFrom('passkeys').selectAll().where('specialist_id', '=', id).orderBy('added_ms').execute()
  return rows.map((row) => ({
    ...{ id: row.id, publicKey: row.public_key, counter: row.counter, isSynced: row.synced === 1, addedMs: row.added_ms, usedMs: row.used_ms },
    transports: z.array(z.string()).parse(JSON.parse(row.transports_json)),
  }))
}

/** False where it is somebody's already, or the person has `most`. */
export async function addPasskey(db: Database, id: SpecialistId, passkey: Omit<Passkey, 'usedMs'>, most: number): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const { count } = await trx
      .selectFrom('passkeys')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('specialist_id', '=', id)
      .executeTakeFirstOrThrow()
    if (count >= most) return false
    const { publicKey: public_key, counter, transports, isSynced, addedMs: added_ms } = passkey
    const result = await trx
      .insertInto('passkeys')
      .values({
        ...{ id: passkey.id, specialist_id: id, public_key, counter, added_ms },
        ...{ transports_json: JSON.stringify(transports), synced: isSynced ? 1 : 0 },
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    return result.numInsertedOrUpdatedRows === 1n
  })
}

/** False where it was used with this counter, or a higher one, in the meantime. Authenticators that do not count say 0 for ever. */
export async function usePasskey(db: Database, { id, counter }: Passkey, used: { counter: number; isSynced: boolean; usedMs: number }): Promise<boolean> {
  const result = await db
    .updateTable('passkeys')
    .set({ counter: used.counter, synced: used.isSynced ? 1 : 0, used_ms: used.usedMs })
    .where('id', '=', id)
    .where('counter', '=', counter)
    .executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/** False where the person has none of that name. */
export async function removePasskey(db: Database, specialistId: SpecialistId, id: string): Promise<boolean> {
  const result = await db.deleteFrom('passkeys').where('id', '=', id).where('specialist_id', '=', specialistId).executeTakeFirst()
  return result.numDeletedRows === 1n
}

export async function setChallenge(db: Database, uid: string, challenge: string): Promise<void> {
  await db.updateTable('sign_in_steps').set({ challenge }).where('uid', '=', uid).execute()
}

/** Null where none was given since the last answer. */
export async function spendChallenge(db: Database, uid: string): Promise<string | null> {
  return db.transaction().execute(async (trx) => {
    const row = await trx.selectFrom('sign_in_steps').select('challenge').where('uid', '=', uid).executeTakeFirst()
    await trx.updateTable('sign_in_steps').set({ challenge: null }).where('uid', '=', uid).execute()
    return row?.challenge ?? null
  })
}
