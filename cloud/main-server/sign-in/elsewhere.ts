import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { SignInPlace } from '@gantry/shared/client-api.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Database } from '../database.ts'
import type { SignInEnd } from '../tables.ts'

/**
 * R068: one account, and its sign-ins on several computers at once are shown to each of them. The directory's `signIns` says what is allowed: `several`, or `one`,
 * where a new sign-in ends those elsewhere with all that was opened under them. A client that signs in anew (a fresh second factor) is no other place: it shows that
 * it holds a refresh token of the sign-in before by its SHA-256, in the authorization request's `replaces`.
 */
export type SignInRule = 'several' | 'one'
export type ElsewhereTools = {
  db: Database
  append: (event: NewAuditEvent) => void
  ended: (grantId: string, why: 'elsewhere' | 'signed-out') => void
  /** The person's places have changed. */
  changed: (specialistId: SpecialistId) => void
  /** Looks at what was opened under what has ended. */
  standing: () => Promise<void>
  now: () => number
}
export type Elsewhere = {
  /** Of a sign-in that has just been finished; ends the others where the rule says so. */
  note(signIn: NewSignIn): Promise<void>
  /** Where the person is signed in, newest first: the newest hundred, and the caller's own. */
  places(caller: { specialistId: SpecialistId; grantId: string }): Promise<SignInPlace[]>
  /** Ends the person's sign-in at that place, and what was opened under it. Nothing happens where there is none. */
  end(specialistId: SpecialistId, place: string): Promise<void>
  /** The same for everybody's sign-ins that began before: the operator's directory says so. */
  endBefore(ms: number): Promise<void>
}
export type NewSignIn = { grantId: string; specialistId: SpecialistId; replaces: unknown; address: string; userAgent: string | undefined }

/** As audited, as the client is told, and as it is kept with the requests that were made under it. */
type Why = { why: 'elsewhere' | 'operator'; told: 'elsewhere' | 'signed-out'; code: SignInEnd }
const fromElsewhere: Why = { why: 'elsewhere', told: 'elsewhere', code: 'auth.signed-in-elsewhere' }
const fromOperator: Why = { why: 'operator', told: 'signed-out', code: 'auth.session-expired' }

const maxShown = 100

export function createElsewhere({ db, append, ended, changed, standing, now }: ElsewhereTools): Elsewhere {
  const allLive = () =>
    db
      .selectFrom('sign_ins as sign_in')
      .innerJoin('oidc_records as record', (join) => join.onRef('record.id', '=', 'sign_in.grant_id').on('record.model', '=', 'Grant'))
      .select(['sign_in.specialist_id', 'sign_in.grant_id', 'sign_in.place', 'sign_in.began_ms', 'sign_in.address', 'sign_in.system'])
      .orderBy('sign_in.began_ms', 'desc')
  const live = (specialistId: SpecialistId) => allLive().where('sign_in.specialist_id', '=', specialistId).execute()

  /** All grants of those places go, also those that have given way: sessions may have been opened under them. */
  const endPlaces = async (specialistId: SpecialistId, places: readonly string[], { why, told, code }: Why = fromElsewhere) => {
    if (places.length === 0) return
    const rows = await db.selectFrom('sign_ins').selectAll().where('specialist_id', '=', specialistId).where('place', 'in', places).execute()
    const grants = rows.map(({ grant_id }) => grant_id)
    for (const place of places) {
      const at = rows.findLast((row) => row.place === place)
      append({
        kind: 'specialist.signed-out',
        actor: { kind: 'specialist', id: specialistId },
        data: { why, address: at?.address ?? '', sinceMs: at?.began_ms ?? 0 },
      })
    }
    await db.transaction().execute(async (trx) => {
      const marks = grants.map((grant_id) => ({ grant_id, at_ms: now(), code }))
      await trx
        .insertInto('ended_sign_ins')
        .values(marks)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      await trx
        .deleteFrom('oidc_records')
        .where((is) => is.or([is('grant_id', 'in', grants), is.and([is('model', '=', 'Grant'), is('id', 'in', grants)])]))
        .execute()
    })
    for (const grantId of grants) ended(grantId, told)
    changed(specialistId)
    await standing()
  }

  return {
    async note({ grantId, specialistId, replaces, address, userAgent }) {
      const place = (await placeOf(db, specialistId, replaces)) ?? grantId
      const system = systemOf(userAgent)
      await db.insertInto('sign_ins').values({ grant_id: grantId, specialist_id: specialistId, place, began_ms: now(), address, system }).execute()
      const others = new Set((await live(specialistId)).map((row) => row.place).filter((other) => other !== place))
      if ((await signInRule(db)) === 'one') await endPlaces(specialistId, [...others])
      else if (others.size > 0) changed(specialistId)
    },
    async places({ specialistId, grantId }) {
      const rows = await live(specialistId)
      const mine = rows.find((row) => row.grant_id === grantId)?.place
      const newest = rows.filter((row, at) => rows.findIndex(({ place }) => place === row.place) === at)
      const shown = newest.filter(({ place }, at) => at < maxShown || place === mine)
      return shown.map(({ place, began_ms, address, system }) => ({ place: sha256(place), mine: place === mine, beganMs: began_ms, address, system }))
    },
    async end(specialistId, hash) {
      const found = (await live(specialistId)).find(({ place }) => sha256(place) === hash)
      if (found) await endPlaces(specialistId, [found.place])
    },
    async endBefore(ms) {
      const old = await allLive().where('sign_in.began_ms', '<', ms).execute()
      const people = new Set(old.map(({ specialist_id }) => specialist_id))
      for (const id of people) await endPlaces(id, [...new Set(old.flatMap((row) => (row.specialist_id === id ? row.place : [])))], fromOperator)
    },
  }
}

/** As `seeding.ts` keeps it. */
async function signInRule(db: Database): Promise<SignInRule> {
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'sign-ins').executeTakeFirst()
  return row?.value === 'one' ? 'one' : 'several'
}

/** The place of the person's own sign-in that this one follows; null: it follows none. Used or not, who has the token had the sign-in. */
async function placeOf(db: Database, specialistId: SpecialistId, replaces: unknown): Promise<string | null> {
  if (typeof replaces !== 'string') return null
  const row = await db
    .selectFrom('oidc_records as token')
    .innerJoin('sign_ins as sign_in', 'sign_in.grant_id', 'token.grant_id')
    .select('sign_in.place')
    .where('token.model', '=', 'RefreshToken')
    .where('token.id', '=', replaces)
    .where('sign_in.specialist_id', '=', specialistId)
    .executeTakeFirst()
  return row?.place ?? null
}

/** Of the browser's word for itself (RFC 9110 section 10.1.5) the system alone: enough to know one's own computers by, and nothing to rely on. */
export function systemOf(userAgent: string | undefined): SignInPlace['system'] {
  if (/windows/i.test(userAgent ?? '')) return 'Windows'
  if (/mac os x|macintosh/i.test(userAgent ?? '')) return 'macOS'
  return /linux|x11/i.test(userAgent ?? '') ? 'Linux' : null
}
