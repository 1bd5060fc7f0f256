import { Region } from '@gantry/shared/access-api.ts'
import { CustomerId, DeviceId, SiteId, SpecialistId } from '@gantry/shared/ids.ts'
import { AccessLevel, EntitlementKind } from '@gantry/shared/profile.ts'
import { plainText } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/**
 * Who and what there is: the operator's directory, one readable file (`seedFile`), watched. Known ids are brought up to date, new ones added. A person or device
 * that it no longer names counts as `disabled`; nothing is deleted, since the audit names it. An enrolment secret that was used stays used.
 */
const text = plainText(120)
const key = z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}$/)

export const Grant = z.strictObject({
  /** `'*'` = every customer. A device is granted when its customer or its own id is named. */
  customers: z.union([z.literal('*'), z.array(CustomerId)]).optional(),
  devices: z.array(DeviceId).optional(),
  levels: z.array(AccessLevel),
})
export type Grant = z.infer<typeof Grant>

const Device = z.strictObject({
  id: DeviceId,
  name: text,
  serial: text,
  model: key,
  /** The secret half of the enrolment code, exactly as the device sends it. 16 characters at least. */
  enrolmentSecret: z.string().min(16).max(80).optional(),
  /** Remote service turned off for this device by its owner. */
  connectivity: z.enum(['on', 'off']).default('on'),
  /** Taken out of service by the operator: no request, and its sessions end. */
  disabled: z.boolean().default(false),
  entitlement: z.strictObject({ kind: EntitlementKind, name: text, startsOn: z.iso.date(), endsOn: z.iso.date() }).nullable(),
})

const Site = z.strictObject({
  id: SiteId,
  name: text,
  city: text,
  country: z.string().regex(/^[A-Z]{2}$/),
  /** IANA name; entitlements end at midnight there. */
  timeZone: z.string().max(60),
  contact: z.strictObject({ name: text, role: text, phone: text }).nullable(),
  devices: z.array(Device),
})

/** Which access servers carry a customer's sessions. Without it: any, and all are as near. */
const Regions = z.strictObject({
  /** Nearest first. */
  near: z.array(Region).min(1).max(20),
  /** Never any other, neither first nor as fallback (R056). */
  only: z.boolean(),
})
export type Regions = z.infer<typeof Regions>
/** As the database keeps it. */
export function readRegions(json: string | null): Regions | null {
  return Regions.nullable().parse(JSON.parse(json ?? 'null'))
}

export const Seed = z.strictObject({
  /** True only in a sandbox's seed: its passwords and TOTP secrets are known. A server that is no sandbox refuses it. */
  sandbox: z.boolean(),
  /** Shown in the foot of the sign-in page. */
  organisation: text,
  customers: z.array(z.strictObject({ id: CustomerId, name: text, regions: Regions.optional(), sites: z.array(Site) })),
  models: z.array(z.strictObject({ id: key, name: text, kind: z.enum(['injector', 'software']) })),
  profiles: z.array(z.strictObject({ id: key, name: text, grants: z.array(Grant) })),
  specialists: z.array(
    z.strictObject({
      id: SpecialistId,
      username: z.string().regex(/^[a-z][a-z0-9._-]{1,31}$/),
      name: text,
      employer: text,
      country: z.string().regex(/^[A-Z]{2}$/),
      city: text,
      tier: z.number().int().min(1).max(3),
      profile: key,
      /** No sign-in, no request; open sign-ins and sessions end. */
      disabled: z.boolean().default(false),
      password: z.string().min(12).max(200),
      /** RFC 4648 base32 of 160 to 320 bits, in whole groups of eight characters (RFC 6238 with SHA-1, 30 s, six digits). */
      totpSecret: z.string().regex(/^([A-Z2-7]{8}){4,8}$/),
    }),
  ),
  supportContacts: z.array(z.strictObject({ region: text, phone: text, mail: z.email() })),
})
export type Seed = z.infer<typeof Seed>
