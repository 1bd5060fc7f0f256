import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { DeviceId, SpecialistId } from '@gantry/shared/ids.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import { sql } from 'kysely'
import type { Database, Queries } from './database.ts'
import type { ReadDirectory } from './directory.ts'
import { hashPassword } from './password.ts'
import type { Seed } from './seed.ts'

type Site = Seed['customers'][number]['sites'][number]
type SeededSpecialist = Seed['specialists'][number]

/** What a take-over has changed. */
export type Taken = {
  /** Who may not sign in any more. */
  shutOut: SpecialistId[]
  /** Whose subscriptions are others than before. */
  relicensed: DeviceId[]
  /** Unix milliseconds: sign-ins from before are over. */
  signedInSinceMs: number
}
type TakeOverTools = { append: (event: NewAuditEvent) => void; now: () => number }

/**
 * Brings the database in line with the file, in one transaction that also holds the audit events: all or nothing. Null where this very file was taken over
 * before. Passwords come after it (`takeOverPasswords`), and only then does the file count as taken over.
 */
export async function takeOver(db: Database, { seed, hash }: ReadDirectory, { append, now }: TakeOverTools): Promise<Taken | null> {
  const taken = await db.selectFrom('meta').select('value').where('name', '=', 'seed-hash').executeTakeFirst()
  if (taken?.value === hash) return null
  return db.transaction().execute(async (trx) => {
    const before = await standingOf(trx)
    await storeMeta(trx, 'organisation', seed.organisation)
    await storeMeta(trx, 'posture', JSON.stringify(seed.posture ?? {}))
    await storeMeta(trx, 'sign-ins', seed.signIns)
    for (const model of seed.models) await upsert(trx, 'models', model)
    for (const customer of seed.customers) await storeCustomer(trx, customer, now())
    for (const { grants, ...profile } of seed.profiles) await upsert(trx, 'profiles', { ...profile, grants_json: JSON.stringify(grants) })
    // First nobody has one, so that two people can change theirs.
    await trx.updateTable('specialists').set({ issuer: null, subject: null }).execute()
    for (const specialist of seed.specialists) await storeSpecialist(trx, specialist)
    await disableAll(trx, disabledIn(seed, before), now())
    await trx.deleteFrom('support_contacts').execute()
    if (seed.supportContacts.length > 0) await trx.insertInto('support_contacts').values(seed.supportContacts).execute()
    const after = await standingOf(trx)
    return { ...tell(append, before, after), signedInSinceMs: seed.signedInSince === undefined ? 0 : Date.parse(seed.signedInSince) }
  })
}

/** Hashes them, and marks the file as taken over: after a crash in between the next start takes it over again. */
export async function takeOverPasswords(db: Database, { seed, hash }: ReadDirectory): Promise<void> {
  const passwords = await Promise.all(seed.specialists.map(({ password }) => (password === undefined ? '' : hashPassword(password))))
  await db.transaction().execute(async (trx) => {
    for (const [place, { id }] of seed.specialists.entries()) {
      await trx
        .updateTable('specialists')
        .set({ password: passwords[place] ?? '' })
        .where('id', '=', id)
        .execute()
    }
    await storeMeta(trx, 'seed-hash', hash)
  })
}

export async function organisationName(db: Database): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'organisation').executeTakeFirst()
  return row?.value ?? ''
}

type Standing = {
  people: Map<SpecialistId, { disabled: boolean; mark: string }>
  devices: Map<DeviceId, { disabled: boolean; mark: string }>
  licences: Map<DeviceId, number>
  /** Of all profiles. */
  profiles: string
}

/** Who and what may do something, with a mark by which a change shows. */
async function standingOf(trx: Queries): Promise<Standing> {
  const people = await trx.selectFrom('specialists').selectAll().execute()
  const devices = await trx
    .selectFrom('devices as device')
    .innerJoin('sites as site', 'site.id', 'device.site_id')
    .innerJoin('customers as customer', 'customer.id', 'site.customer_id')
    .leftJoin('entitlements as entitlement', 'entitlement.device_id', 'device.id')
    .select([
      'device.id',
      'device.disabled_ms',
      'device.licences_number',
      'device.site_id',
      'device.model_id',
      'device.name',
      'device.serial',
      'device.connectivity',
      'device.practice',
    ])
    .select([
      'site.name as site',
      'site.city',
      'site.country',
      'site.time_zone',
      'site.contact_json',
      'customer.id as customer',
      'customer.name as customer_name',
      'customer.origins_json',
      'customer.change_control_json',
      'customer.notices_json',
      'site.quiet_hours_json',
    ])
    .select(['entitlement.terms_json', 'entitlement.calls_json'])
    .select(['entitlement.kind', 'entitlement.name as entitlement', 'entitlement.starts_on', 'entitlement.ends_on'])
    .execute()
  const profiles = await trx.selectFrom('profiles').selectAll().orderBy('id').execute()
  const marked = <T extends { id: string; disabled_ms: number | null }>(rows: T[]) => {
    return new Map(rows.map((row) => [row.id as T['id'], { disabled: row.disabled_ms !== null, mark: sha256(JSON.stringify(row)) }]))
  }
  return {
    people: marked(people.map(({ password: _, totp_step: __, ...row }) => row)),
    devices: marked(devices),
    licences: new Map(devices.map(({ id, licences_number }) => [id, licences_number])),
    profiles: sha256(JSON.stringify(profiles)),
  }
}

/** What the file says is disabled, and what it no longer names: taking a line out must not leave anybody in. */
function disabledIn(seed: Seed, before: Standing): { people: Map<SpecialistId, boolean>; devices: Map<DeviceId, boolean> } {
  const people = new Map<SpecialistId, boolean>([...before.people.keys()].map((id) => [id, true]))
  for (const { id, disabled } of seed.specialists) people.set(id, disabled)
  const devices = new Map<DeviceId, boolean>([...before.devices.keys()].map((id) => [id, true]))
  for (const { id, disabled } of seed.customers.flatMap(({ sites }) => sites.flatMap((site) => site.devices))) devices.set(id, disabled)
  return { people, devices }
}

async function disableAll(trx: Queries, { people, devices }: ReturnType<typeof disabledIn>, nowMs: number): Promise<void> {
  for (const [table, all] of [
    ['specialists', people],
    ['devices', devices],
  ] as const) {
    for (const [id, disabled] of all) {
      const update = trx.updateTable(table).where('id', '=', id as never)
      if (disabled) await update.set({ disabled_ms: nowMs }).where('disabled_ms', 'is', null).execute()
      else await update.set({ disabled_ms: null }).where('disabled_ms', 'is not', null).execute()
    }
  }
}

/** Audits the differences and names what they touch. */
function tell(append: TakeOverTools['append'], before: Standing, after: Standing): Omit<Taken, 'signedInSinceMs'> {
  const actor = { kind: 'main-server' as const }
  const people = changedIn(before.people, after.people)
  const devices = changedIn(before.devices, after.devices)
  const profiles = before.profiles !== after.profiles
  append({ kind: 'directory.changed', actor, data: { specialists: people.length, devices: devices.length, profiles } })
  for (const id of people) {
    const [was, is] = [before.people.get(id)?.disabled ?? false, after.people.get(id)?.disabled]
    if (was !== is) append({ kind: is ? 'specialist.disabled' : 'specialist.enabled', actor, data: { specialistId: id } })
  }
  for (const id of devices) {
    const [was, is] = [before.devices.get(id)?.disabled ?? false, after.devices.get(id)?.disabled]
    if (was !== is) append({ kind: is ? 'device.disabled' : 'device.enabled', actor, deviceId: id })
  }
  const relicensed = [...after.licences].filter(([id, number]) => (before.licences.get(id) ?? 0) !== number).map(([id]) => id)
  return { shutOut: [...after.people].filter(([, { disabled }]) => disabled).map(([id]) => id), relicensed }
}

function changedIn<K>(before: Map<K, { mark: string }>, after: Map<K, { mark: string }>): K[] {
  return [...after].filter(([id, { mark }]) => before.get(id)?.mark !== mark).map(([id]) => id)
}

async function storeCustomer(
  trx: Queries,
  { sites, regions, origins, changeControl, notices, posture, ...customer }: Seed['customers'][number],
  nowMs: number,
): Promise<void> {
  const rules = {
    regions_json: json(regions),
    origins_json: json(origins),
    change_control_json: json(changeControl),
    notices_json: json(notices),
    posture_json: json(posture),
  }
  await upsert(trx, 'customers', { ...customer, ...rules })
  for (const site of sites) await storeSite(trx, site, customer.id, nowMs)
}

async function storeSite(trx: Queries, { devices, timeZone, contact, quietHours, ...site }: Site, customerId: string, nowMs: number): Promise<void> {
  const more = { time_zone: timeZone, contact_json: contact && JSON.stringify(contact), quiet_hours_json: JSON.stringify(quietHours) }
  await upsert(trx, 'sites', { ...site, customer_id: customerId, ...more })
  for (const { model, enrolmentSecret, enrolmentUntil, entitlement, subscriptions, disabled: _, practice, ...device } of devices) {
    await upsert(trx, 'devices', { ...device, site_id: site.id, model_id: model, practice: practice ? 1 : 0 })
    await subscribe(trx, device.id, JSON.stringify(subscriptions), nowMs)
    await trx.deleteFrom('entitlements').where('device_id', '=', device.id).execute()
    if (entitlement) {
      const { kind, name, startsOn, endsOn, terms, calls } = entitlement
      const accepted = { terms_json: terms && JSON.stringify(terms), calls_json: JSON.stringify(calls) }
      await trx
        .insertInto('entitlements')
        .values({ device_id: device.id, kind, name, starts_on: startsOn, ends_on: endsOn, ...accepted })
        .execute()
    }
    if (enrolmentSecret) await offerEnrolment(trx, device.id, { secret: enrolmentSecret, until: enrolmentUntil, nowMs })
  }
}

/** Numbered by the second, so that a database that begins anew goes on above what devices have. */
async function subscribe(trx: Queries, deviceId: DeviceId, subscriptions: string, nowMs: number): Promise<void> {
  const number = sql<number>`max(licences_number + 1, ${Math.floor(nowMs / 1_000)})`
  const update = trx.updateTable('devices').set({ subscriptions_json: subscriptions, licences_number: number })
  await update.where('id', '=', deviceId).where('subscriptions_json', '!=', subscriptions).execute()
}

type Offer = { secret: string; until: string | undefined; nowMs: number }

/** A code that is here already keeps its state: once used, it stays used, and it ends when it did, unless the file says when. */
async function offerEnrolment(trx: Queries, deviceId: Site['devices'][number]['id'], { secret, until, nowMs }: Offer): Promise<void> {
  const said = until === undefined ? null : Date.parse(until)
  await trx
    .insertInto('enrolments')
    .values({ secret_hash: sha256(secret), device_id: deviceId, used_ms: null, expires_ms: said ?? nowMs + enrolmentDays * dayMs })
    .onConflict((conflict) => {
      const known = conflict.column('secret_hash')
      return said === null ? known.doNothing() : known.doUpdateSet({ expires_ms: said })
    })
    .execute()
}

/** How long a code is good for that says no end of its own. */
export const enrolmentDays = 30
const dayMs = 86_400_000

/** Who is new has no password yet, and none fits an empty one. */
async function storeSpecialist(trx: Queries, seeded: SeededSpecialist): Promise<void> {
  const { profile, totpSecret = '', training, screenedOn, planAcknowledgedOn, identity, password: _, disabled: __, ...person } = seeded
  const known = { issuer: identity?.issuer ?? null, subject: identity?.subject ?? null }
  const row = {
    ...person,
    ...known,
    profile_id: profile,
    totp_secret: totpSecret,
    training_json: JSON.stringify(training),
    screened_on: screenedOn,
    plan_acknowledged_on: planAcknowledgedOn,
  }
  const { id, ...rest } = row
  await trx
    .insertInto('specialists')
    .values({ ...row, password: '' })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest))
    .execute()
}

function json(value: object | undefined): string | null {
  return value ? JSON.stringify(value) : null
}

async function storeMeta(trx: Queries, name: string, value: string): Promise<void> {
  const row = { name, value }
  await trx
    .insertInto('meta')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()
}

type Named = 'models' | 'customers' | 'sites' | 'devices' | 'profiles'

/** Rows of these tables are known by their `id`; columns that are not named keep what they hold. */
async function upsert(trx: Queries, table: Named, row: { id: string } & Record<string, string | number | null>): Promise<void> {
  const { id, ...rest } = row
  await trx
    .insertInto(table)
    .values(row as never)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest as never))
    .execute()
}
