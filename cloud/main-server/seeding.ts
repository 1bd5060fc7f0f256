import { readFileSync } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Database, Queries } from './database.ts'
import { hashPassword } from './password.ts'
import { Seed } from './seed.ts'

type Site = Seed['customers'][number]['sites'][number]
type SeededSpecialist = Seed['specialists'][number]

/**
 * Takes over a seed file, in one transaction. Errors: `state.unreadable {what, field}`; a sandbox's seed outside a sandbox is refused the same way, since its
 * passwords and TOTP secrets are known.
 */
export async function takeOverSeed(db: Database, path: string, sandbox: boolean): Promise<void> {
  const { seed, hash } = readSeed(path)
  if (seed.sandbox !== sandbox) throw new AppError('state.unreadable', { details: { what: 'seed', field: 'sandbox' } })
  const taken = await db.selectFrom('meta').select('value').where('name', '=', 'seed-hash').executeTakeFirst()
  if (taken?.value === hash) return
  const passwords = await Promise.all(seed.specialists.map(({ password }) => hashPassword(password)))
  await db.transaction().execute(async (trx) => {
    await storeMeta(trx, 'organisation', seed.organisation)
    for (const model of seed.models) await upsert(trx, 'models', model)
    for (const customer of seed.customers) await storeCustomer(trx, customer)
    for (const { grants, ...profile } of seed.profiles) await upsert(trx, 'profiles', { ...profile, grants_json: JSON.stringify(grants) })
    for (const [place, specialist] of seed.specialists.entries()) await storeSpecialist(trx, specialist, passwords[place] ?? '')
    await trx.deleteFrom('support_contacts').execute()
    if (seed.supportContacts.length > 0) await trx.insertInto('support_contacts').values(seed.supportContacts).execute()
    await storeMeta(trx, 'seed-hash', hash)
  })
}

export async function organisationName(db: Database): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('name', '=', 'organisation').executeTakeFirst()
  return row?.value ?? ''
}

function readSeed(path: string): { seed: Seed; hash: string } {
  let field = ''
  try {
    const text = readFileSync(path, 'utf8')
    const parsed = Seed.safeParse(JSON.parse(text))
    if (parsed.success) return { seed: parsed.data, hash: sha256(text) }
    field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw parsed.error
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'seed', field } })
  }
}

async function storeCustomer(trx: Queries, { sites, regions, ...customer }: Seed['customers'][number]): Promise<void> {
  await upsert(trx, 'customers', { ...customer, regions_json: regions ? JSON.stringify(regions) : null })
  for (const site of sites) await storeSite(trx, site, customer.id)
}

async function storeSite(trx: Queries, { devices, timeZone, contact, ...site }: Site, customerId: string): Promise<void> {
  await upsert(trx, 'sites', { ...site, customer_id: customerId, time_zone: timeZone, contact_json: contact && JSON.stringify(contact) })
  for (const { model, enrolmentSecret, entitlement, ...device } of devices) {
    await upsert(trx, 'devices', { ...device, site_id: site.id, model_id: model })
    await trx.deleteFrom('entitlements').where('device_id', '=', device.id).execute()
    if (entitlement) {
      const { kind, name, startsOn, endsOn } = entitlement
      await trx.insertInto('entitlements').values({ device_id: device.id, kind, name, starts_on: startsOn, ends_on: endsOn }).execute()
    }
    if (enrolmentSecret) await offerEnrolment(trx, device.id, enrolmentSecret)
  }
}

/** A code that is here already keeps its state: once used, it stays used. */
async function offerEnrolment(trx: Queries, deviceId: Site['devices'][number]['id'], secret: string): Promise<void> {
  await trx
    .insertInto('enrolments')
    .values({ secret_hash: sha256(secret), device_id: deviceId, used_ms: null })
    .onConflict((conflict) => conflict.column('secret_hash').doNothing())
    .execute()
}

async function storeSpecialist(trx: Queries, seeded: SeededSpecialist, password: string): Promise<void> {
  const { profile, totpSecret, ...person } = seeded
  await upsert(trx, 'specialists', { ...person, profile_id: profile, password, totp_secret: totpSecret })
}

async function storeMeta(trx: Queries, name: string, value: string): Promise<void> {
  const row = { name, value }
  await trx
    .insertInto('meta')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute()
}

type Named = 'models' | 'customers' | 'sites' | 'devices' | 'profiles' | 'specialists'

/** Rows of these tables are known by their `id`; columns that are not named keep what they hold. */
async function upsert(trx: Queries, table: Named, row: { id: string } & Record<string, string | number | null>): Promise<void> {
  const { id, ...rest } = row
  await trx
    .insertInto(table)
    .values(row as never)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(rest as never))
    .execute()
}
