import { DayHours } from '@gantry/shared/hours.ts'
import { CustomerId, type DeviceId, type SpecialistId } from '@gantry/shared/ids.ts'
import { PostureRule } from '@gantry/shared/posture.ts'
import { z } from 'zod'
import type { Queries } from '../database.ts'
import { defaultOrigins } from '../origins.ts'
import { ChangeControl, Grant, NoticeContacts, Origin, readRegions, Terms, Training } from '../seed.ts'
import type { SignInEnd } from '../tables.ts'
import type { PersonFacts } from './facts.ts'

/** What the policy and the ticket need to know of a device. */
export async function findTarget(db: Queries, deviceId: DeviceId) {
  const row = await db
    .selectFrom('devices as device')
    .innerJoin('sites as site', 'site.id', 'device.site_id')
    .innerJoin('customers as customer', 'customer.id', 'site.customer_id')
    .leftJoin('entitlements as entitlement', 'entitlement.device_id', 'device.id')
    .select([
      'device.id',
      'device.connectivity',
      'device.certificate',
      'device.device_key_json',
      'device.revoked_ms',
      'device.last_contact_ms',
      'device.disabled_ms',
    ])
    .select(['device.clock_off_s', 'device.two_places_ms', 'device.model_id', 'device.site_id', 'site.customer_id', 'site.time_zone', 'site.quiet_hours_json'])
    .select(['customer.regions_json', 'customer.origins_json', 'customer.change_control_json', 'customer.notices_json', 'customer.posture_json'])
    .select(['entitlement.kind', 'entitlement.starts_on', 'entitlement.ends_on', 'entitlement.terms_json', 'entitlement.calls_json'])
    .where('device.id', '=', deviceId)
    .executeTakeFirst()
  if (!row) return null
  const identity = row.certificate && row.device_key_json && row.revoked_ms === null ? { certificate: row.certificate, keyJson: row.device_key_json } : null
  return {
    customerId: CustomerId.parse(row.customer_id),
    place: { id: row.id, siteId: row.site_id, customerId: row.customer_id, modelId: row.model_id },
    regions: readRegions(row.regions_json),
    posture: readPostureRule(row.posture_json),
    contacts: NoticeContacts.nullable().parse(JSON.parse(row.notices_json ?? 'null')),
    identity,
    facts: {
      timeZone: row.time_zone,
      modelId: row.model_id,
      quietHours: z.array(DayHours).parse(JSON.parse(row.quiet_hours_json)),
      origins: row.origins_json === null ? defaultOrigins : z.array(Origin).parse(JSON.parse(row.origins_json)),
      changeControl: ChangeControl.nullable().parse(JSON.parse(row.change_control_json ?? 'null')),
      entitlement:
        row.kind && row.starts_on && row.ends_on
          ? {
              ...{ kind: row.kind, startsOn: row.starts_on, endsOn: row.ends_on },
              // What was stored before terms had a version is none.
              terms: Terms.safeParse(JSON.parse(row.terms_json ?? 'null')).data ?? null,
              calls: z.array(z.string()).parse(JSON.parse(row.calls_json ?? '[]')),
            }
          : null,
      connectivity: row.connectivity,
      disabled: row.disabled_ms !== null,
      enrolled: identity !== null,
      lastContactMs: row.last_contact_ms,
      clockOffSeconds: row.clock_off_s,
      twoPlaces: row.two_places_ms !== null,
    },
  }
}

export async function findAsker(db: Queries, id: SpecialistId): Promise<{ name: string; grants: Grant[]; facts: PersonFacts } | null> {
  const row = await db
    .selectFrom('specialists as specialist')
    .innerJoin('profiles as profile', 'profile.id', 'specialist.profile_id')
    .select([
      'specialist.name',
      'specialist.disabled_ms',
      'specialist.country',
      'specialist.tier',
      'specialist.training_json',
      'specialist.screened_on',
      'specialist.plan_acknowledged_on',
    ])
    .select('profile.grants_json')
    .where('specialist.id', '=', id)
    .executeTakeFirst()
  if (!row) return null
  const training = z.array(Training).parse(JSON.parse(row.training_json))
  const facts = {
    disabled: row.disabled_ms !== null,
    country: row.country,
    tier: row.tier,
    training,
    screenedOn: row.screened_on,
    planAcknowledgedOn: row.plan_acknowledged_on,
  }
  return { name: row.name, grants: z.array(Grant).parse(JSON.parse(row.grants_json)), facts }
}

/** Why it was ended by force; null: it was not. */
export async function endOfSignIn(queries: Queries, grantId: string): Promise<SignInEnd | null> {
  return (await queries.selectFrom('ended_sign_ins').select('code').where('grant_id', '=', grantId).executeTakeFirst())?.code ?? null
}

/** What the operator requires of every workstation; nothing where the directory says nothing (R088). */
export async function operatorsPosture(queries: Queries): Promise<PostureRule> {
  return readPostureRule((await queries.selectFrom('meta').select('value').where('name', '=', 'posture').executeTakeFirst())?.value ?? null)
}

function readPostureRule(text: string | null): PostureRule {
  return PostureRule.parse(JSON.parse(text ?? '{}'))
}
