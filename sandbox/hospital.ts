import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { CustomerId, DeviceId, SiteId, SpecialistId } from '@gantry/shared/ids.ts'
import { Subscription } from '@gantry/shared/licences.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { AccessLevel, EntitlementKind, LevelRules } from '@gantry/shared/profile.ts'
import { z } from 'zod'

/** The fictitious world of the sandbox: `data/hospital.json`, and one file per model in `data/models/`, since models are data and not code (R006). */
export const Model = z.strictObject({
  id: z.string().max(60),
  name: z.string().max(80),
  kind: z.enum(['injector', 'software']),
  softwareVersion: z.string().max(60),
})
export type Model = z.infer<typeof Model>

const DevicePolicy = z.looseObject({ version: z.literal(1), instantPickup: z.boolean(), rules: LevelRules, requestsPerHour: z.number() })
const Device = z.strictObject({
  id: DeviceId,
  name: z.string(),
  serial: z.string(),
  model: z.string(),
  /** False: known to the main server only, never enrolled, and here assigned to nobody who signs in: it must look as if it did not exist. */
  agent: z.boolean(),
  /** For rehearsals: a simulated person stands in front of it (`practice-person.ts`). */
  practice: z.boolean().default(false),
  policy: DevicePolicy.nullable(),
  entitlement: z.looseObject({ kind: EntitlementKind, name: z.string(), startsOn: z.iso.date(), endsOn: z.iso.date() }),
  subscriptions: z.array(Subscription).default([]),
})
const Site = z.strictObject({
  id: SiteId,
  name: z.string(),
  city: z.string(),
  country: z.string(),
  timeZone: z.string(),
  contact: z.strictObject({ name: z.string(), role: z.string(), phone: z.string() }),
  devices: z.array(Device),
})
const Specialist = z.strictObject({
  id: SpecialistId,
  username: z.string(),
  name: z.string(),
  employer: z.string(),
  country: z.string(),
  city: z.string(),
  tier: z.number().int().min(1).max(3),
  training: z.array(z.strictObject({ model: z.string(), until: z.iso.date() })),
  screenedOn: z.iso.date(),
  planAcknowledgedOn: z.iso.date(),
  profile: z.string(),
})
/** Which access servers carry a customer's sessions, nearest first; `only`: never any other (R056). */
const Regions = z.strictObject({ near: z.array(z.string()).min(1), only: z.boolean() })
/** From which countries and tiers a customer admits specialists, where it is not the main server's default list. */
const Origin = z.strictObject({ country: z.string(), tiers: z.array(z.number()) })
const Customer = z.strictObject({ id: CustomerId, name: z.string(), regions: Regions.optional(), origins: z.array(Origin).optional(), sites: z.array(Site) })
/** The main server reads the rest of a grant. */
const Grant = z.looseObject({
  customers: z.union([z.array(CustomerId), z.literal('*')]).optional(),
  devices: z.array(DeviceId).optional(),
  levels: z.array(AccessLevel),
})
export const Hospital = z.strictObject({
  note: z.string(),
  /** The fictitious vendor. */
  organisation: z.string(),
  customers: z.array(Customer),
  specialists: z.array(Specialist).min(1),
  profiles: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      grants: z.array(Grant),
    }),
  ),
  supportContacts: z.array(z.strictObject({ region: z.string(), phone: z.string(), mail: z.string() })),
})
export type Hospital = z.infer<typeof Hospital>

/** `data/practice.json`: a training room with one device, and who may use it. */
const Practice = z.strictObject({ note: z.string(), customer: Customer, profile: z.string(), grant: Grant })

/** A device that gets an agent, a panel and a service of its own. `number` counts from 1 and names its folder. */
export type SandboxDevice = {
  number: number
  id: DeviceId
  name: string
  serial: string
  model: Model
  practice: boolean
  policy: z.infer<typeof DevicePolicy>
}

const dataFolder = join(import.meta.dirname, 'data')

export function readHospital(withPractice = false): { hospital: Hospital; models: Model[] } {
  const hospital = readJsonFile(join(dataFolder, 'hospital.json'), Hospital)
  const files = readdirSync(join(dataFolder, 'models')).filter((name) => name.endsWith('.json'))
  return {
    hospital: withPractice ? addPractice(hospital) : hospital,
    models: files.sort().map((name) => readJsonFile(join(dataFolder, 'models', name), Model)),
  }
}

function addPractice({ customers, profiles, ...hospital }: Hospital): Hospital {
  const { customer, profile, grant } = readJsonFile(join(dataFolder, 'practice.json'), Practice)
  const granted = profiles.map((one) => (one.id === profile ? { ...one, grants: [...one.grants, grant] } : one))
  return { ...hospital, customers: [...customers, customer], profiles: granted }
}

export function devicesWithAgent(hospital: Hospital, models: Model[]): SandboxDevice[] {
  const devices = hospital.customers.flatMap(({ sites }) => sites.flatMap((site) => site.devices)).filter(({ agent }) => agent)
  return devices.map(({ id, name, serial, model: modelId, practice, policy }, index) => {
    const model = models.find((one) => one.id === modelId)
    if (!model || !policy) throw new Error(`hospital.json: ${name} has no model file or no policy`)
    return { number: index + 1, id, name, serial, model, practice, policy }
  })
}

/** What only this sandbox knows: made at its first start, kept with mode 0600. */
export type SeedSecrets = { enrolment: Record<string, string>; specialists: Record<string, { password: string; totpSecret: string }> }

/** The main server's seed file. Every device and person has secrets of its own, also those whose secrets are told to nobody. */
export function seedFrom({ hospital, models }: { hospital: Hospital; models: Model[] }, secrets: SeedSecrets) {
  return {
    sandbox: true,
    organisation: hospital.organisation,
    customers: hospital.customers.map(({ sites, ...customer }) => ({
      ...customer,
      sites: sites.map(({ devices, ...site }) => ({
        ...site,
        devices: devices.map(({ agent, policy, ...device }) => ({ ...device, enrolmentSecret: secretOf(secrets.enrolment, device.id) })),
      })),
    })),
    models: models.map(({ id, name, kind }) => ({ id, name, kind })),
    specialists: hospital.specialists.map((specialist) => ({ ...specialist, ...secretOf(secrets.specialists, specialist.username) })),
    profiles: hospital.profiles,
    supportContacts: hospital.supportContacts,
  }
}

function secretOf<T>(secrets: Record<string, T>, name: string): T {
  const secret = secrets[name]
  if (secret === undefined) throw new Error(`no secret for ${name}: hospital.json has changed since this state was made; start with --reset`)
  return secret
}
