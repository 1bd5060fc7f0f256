import { Region } from '@gantry/shared/access-api.ts'
import { requestLimits } from '@gantry/shared/access-request.ts'
import { type ActionName, actions } from '@gantry/shared/actions.ts'
import { DayHours } from '@gantry/shared/hours.ts'
import { CustomerId, DeviceId, SiteId, SpecialistId } from '@gantry/shared/ids.ts'
import { maxSubscriptions, Subscription } from '@gantry/shared/licences.ts'
import { NoticeRule, noticeLimits } from '@gantry/shared/notice.ts'
import { PostureRule } from '@gantry/shared/posture.ts'
import { AccessLevel, EntitlementKind, FilesLimits } from '@gantry/shared/profile.ts'
import { plainText } from '@gantry/shared/ticket.ts'
import { z } from 'zod'

/**
 * Who and what there is: the operator's directory, one readable file (`seedFile`), watched. Known ids are brought up to date, new ones added. A person or device
 * that it no longer names counts as `disabled`; nothing is deleted, since the audit names it. An enrolment secret that was used stays used.
 */
const text = plainText(120)
const key = z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}$/)

export const Grant = z.strictObject({
  /** `'*'` = every customer. A device is granted when its customer, its site or its own id is named. */
  customers: z.union([z.literal('*'), z.array(CustomerId)]).optional(),
  sites: z.array(SiteId).optional(),
  devices: z.array(DeviceId).optional(),
  /** Of these models alone; without it, of any. */
  models: z.array(key).optional(),
  levels: z.array(AccessLevel),
  /** Nothing below is allowed where it is left out. */
  files: FilesLimits.default({ toDevice: false, fromDevice: false, maxFileBytes: 0 }),
  actions: z.union([z.literal('*'), z.array(z.enum(Object.keys(actions) as [ActionName, ...ActionName[]]))]).default([]),
  /** Whether the holder may meet patient data: without it, diagnostics at most (R072). */
  patientData: z.boolean().default(false),
})
export type Grant = z.infer<typeof Grant>

const country = z.string().regex(/^[A-Z]{2}$/)
const tier = z.number().int().min(1).max(3)

/** Which terms of remote service were accepted for a device, when and by whom (R016). */
export const Terms = z.strictObject({ version: plainText(40), acceptedOn: z.iso.date(), by: text })

/** For what the customer pays. Days are whole days at the site, both included. */
const Entitlement = z.strictObject({
  kind: EntitlementKind,
  name: text,
  startsOn: z.iso.date(),
  endsOn: z.iso.date(),
  /** Without them nobody connects. */
  terms: Terms.nullable().default(null),
  /** Of `per-call`: the cases that were paid for. */
  calls: z.array(plainText(requestLimits.maxCaseCharacters)).max(1_000).default([]),
})
export type Entitlement = z.infer<typeof Entitlement>

/**
 * Who may ask for access at a customer: from which country, in which support tiers. `onEscalation`: only on a case that was escalated to that person (R082,
 * R083). `notice`: what the customer's contact is owed first (R084); where it is not said, `told` of who comes by escalation alone, else nothing.
 */
export const Origin = z.strictObject({ country, tiers: z.array(tier).min(1), onEscalation: z.boolean().default(false), notice: NoticeRule.optional() })
export type Origin = z.infer<typeof Origin>

/** The customer's own change control: at these levels nobody connects but within the window of a change that somebody there approved. */
export const ChangeControl = z.strictObject({
  levels: z.array(AccessLevel).min(1),
  changes: z.array(
    z.strictObject({
      /** As the customer's own system counts it. */
      number: text,
      approver: text,
      /** Without it: every device of the customer. */
      devices: z.array(DeviceId).optional(),
      from: z.iso.datetime({ offset: true }),
      until: z.iso.datetime({ offset: true }),
    }),
  ),
})
export type ChangeControl = z.infer<typeof ChangeControl>

/** The customer's contacts outside the device, and in which language they are written to. */
export const NoticeContacts = z
  .strictObject({
    language: z.enum(['en', 'fr']),
    mail: z.array(z.email().max(254)).max(noticeLimits.maxMailAddresses).default([]),
    webhook: z
      .url({ protocol: /^https$/ })
      .max(500)
      .nullable()
      .default(null),
  })
  .refine(({ mail, webhook }) => mail.length > 0 || webhook !== null, 'nobody')
export type NoticeContacts = z.infer<typeof NoticeContacts>

/** What a person was trained for, to the end of that day in every time zone. `'*'` = every model. */
export const Training = z.strictObject({ model: z.union([z.literal('*'), key]), until: z.iso.date() })
export type Training = z.infer<typeof Training>

/** Who somebody is at the organisation's OpenID provider: both exactly as its ID tokens say them. */
const Identity = z.strictObject({ issuer: z.string().regex(/^https:\/\/\S{1,500}$/), subject: z.string().regex(/^[\x20-\x7e]{1,255}$/) })

const Specialist = z
  .strictObject({
    id: SpecialistId,
    username: z.string().regex(/^[a-z][a-z0-9._-]{1,31}$/),
    name: text,
    employer: text,
    country,
    city: text,
    tier,
    /** For which models, until when (R075). */
    training: z.array(Training).max(200).default([]),
    /** When the background check was passed; without it no request (R088). */
    screenedOn: z.iso.date().nullable().default(null),
    /** When they acknowledged the IT security plan; without it no request (R088). */
    planAcknowledgedOn: z.iso.date().nullable().default(null),
    profile: key,
    /** No sign-in, no request; open sign-ins and sessions end. */
    disabled: z.boolean().default(false),
    /** For signing in through the provider that `upstream` in the config names. */
    identity: Identity.optional(),
    /** For signing in here, where no such provider is set. */
    password: z.string().min(12).max(200).optional(),
    /** RFC 4648 base32 of 160 to 320 bits, in whole groups of eight characters (RFC 6238 with SHA-1, 30 s, six digits). Needed with a password, and where the provider asks no second factor. */
    totpSecret: z
      .string()
      .regex(/^([A-Z2-7]{8}){4,8}$/)
      .optional(),
  })
  .refine(({ identity, password }) => identity !== undefined || password !== undefined, { path: ['identity'] })
  .refine(({ password, totpSecret }) => password === undefined || totpSecret !== undefined, { path: ['totpSecret'] })

/** One account a person: no two with one name, nor with one issuer and subject (R068). */
function requireOneEach(people: readonly z.infer<typeof Specialist>[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [place, { username, identity }] of people.entries()) {
    for (const [field, mark] of [['username', username] as const, ['identity', identity && JSON.stringify([identity.issuer, identity.subject])] as const]) {
      if (mark === undefined) continue
      if (seen.has(`${field} ${mark}`)) context.addIssue({ code: 'custom', path: [place, field], message: 'somebody else has it' })
      seen.add(`${field} ${mark}`)
    }
  }
}

const Device = z.strictObject({
  id: DeviceId,
  name: text,
  serial: text,
  model: key,
  /** The secret half of the enrolment code, exactly as the device sends it. 16 characters at least. */
  enrolmentSecret: z.string().min(16).max(80).optional(),
  /** From then on that code is good for nothing. Without it: 30 days after it first stood here. */
  enrolmentUntil: z.iso.datetime({ offset: true }).optional(),
  /** For rehearsals, and shown so: no patient is ever near it. Every rule holds for it as for any other. */
  practice: z.boolean().default(false),
  /** Remote service turned off for this device by its owner. */
  connectivity: z.enum(['on', 'off']).default('on'),
  /** Taken out of service by the operator: no request, and its sessions end. */
  disabled: z.boolean().default(false),
  entitlement: Entitlement.nullable(),
  /** Licensed features and services (R011): what the device reports as licensed, within one poll. */
  subscriptions: z.array(Subscription).max(maxSubscriptions).default([]),
})

const Site = z.strictObject({
  id: SiteId,
  name: text,
  city: text,
  country,
  /** IANA name; entitlements end at midnight there. */
  timeZone: z.string().max(60),
  contact: z.strictObject({ name: text, role: text, phone: text }).nullable(),
  /** No new request in these hours of the site's clock. */
  quietHours: z.array(DayHours).max(20).default([]),
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
  /** What the operator requires of the workstation from which anybody asks (R088). */
  posture: PostureRule.optional(),
  /** R068: whether one person may be signed in at several places at once; with `one` a new sign-in ends those elsewhere, and what was opened under them. */
  signIns: z.enum(['several', 'one']).default('several'),
  /** Who signed in before has to do so again, and what was opened under it ends: at once when the file is taken over. */
  signedInSince: z.iso.datetime().optional(),
  customers: z.array(
    z.strictObject({
      id: CustomerId,
      name: text,
      regions: Regions.optional(),
      /** Instead of the default list (`origins.ts`). */
      origins: z.array(Origin).optional(),
      changeControl: ChangeControl.optional(),
      notices: NoticeContacts.optional(),
      /** Of the workstation from which somebody asks, beside what the operator requires (R088). */
      posture: PostureRule.optional(),
      sites: z.array(Site),
    }),
  ),
  models: z.array(z.strictObject({ id: key, name: text, kind: z.enum(['injector', 'software']) })),
  profiles: z.array(z.strictObject({ id: key, name: text, grants: z.array(Grant) })),
  specialists: z.array(Specialist).superRefine(requireOneEach),
  supportContacts: z.array(z.strictObject({ region: text, phone: text, mail: z.email() })),
})
export type Seed = z.infer<typeof Seed>
