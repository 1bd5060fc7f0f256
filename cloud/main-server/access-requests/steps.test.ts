import { AppError, type ErrorCode, toFailure } from '@gantry/shared/errors.ts'
import { newId } from '@gantry/shared/ids.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import { describe, expect, test } from 'vitest'
import { allLimits, createPeople, type People } from '../../../test/support/people.ts'
import { defaultOrigins } from '../origins.ts'
import {
  mustAsk,
  requireChange,
  requireContact,
  requireContactsYes,
  requireEntitlement,
  requireFewNotices,
  requireLoudHours,
  requireOpenCase,
  requireOrigin,
  requirePaidCall,
  requireTerms,
} from './customer-steps.ts'
import {
  requireAccessServer,
  requireConnectivity,
  requireDeviceClock,
  requireDeviceEnabled,
  requireDeviceReachable,
  requireEnrolled,
  requireOnePlace,
} from './device-steps.ts'
import type { DeviceFacts, EntitlementFacts, Facts, PersonFacts } from './facts.ts'
import {
  requireAssignment,
  requireFewWaiting,
  requireFreshMfa,
  requireLevel,
  requireLimits,
  requireNotReplayed,
  requireOwnRequest,
  requirePersonEnabled,
  requirePlanAcknowledged,
  requirePosture,
  requireRoster,
  requireSameTime,
  requireScreening,
  requireSignatures,
  requireStillCertified,
  requireTraining,
} from './person-steps.ts'
import { runSteps, steps } from './steps.ts'

const nowMs = Date.parse('2026-11-20T15:00:00Z')
const people: People = createPeople(nowMs / 1000)
const minutes = 60_000
const route = { accessServer: { name: 'east-1', site: 'East', host: '192.0.2.1', port: 443 }, fallback: null, region: 'ca-east', fallbackRegion: null }

const trainedPerson: PersonFacts = {
  disabled: false,
  country: 'CA',
  tier: 2,
  training: [{ model: 'nv-520', until: '2026-11-20' }],
  screenedOn: '2026-11-20',
  planAcknowledgedOn: '2026-11-20',
}

const terms = { version: '2026-1', acceptedOn: '2026-01-01', by: 'Site manager' }

async function allGood(change: Partial<Facts> = {}): Promise<Facts> {
  const { delivery, request } = await people.request({ deviceId: newId('dev'), deviceKey: generateSigningKey().publicJwk }, { request: { access: 'os' } })
  return {
    nowMs,
    caller: { specialistId: people.person.specialistId, mfaAtMs: nowMs - 5 * minutes },
    authorityKeys: [people.authority.publicJwk],
    roster: (await people.roster()).payload,
    signed: delivery.request,
    certificate: delivery.certificate,
    request,
    certified: people.person,
    person: trainedPerson,
    device: {
      timeZone: 'America/Toronto',
      modelId: 'nv-520',
      entitlement: { kind: 'agreement', startsOn: '2026-01-01', endsOn: '2026-11-20', terms, calls: [] },
      origins: [{ country: 'CA', tiers: [2], onEscalation: false }],
      changeControl: null,
      quietHours: [],
      connectivity: 'on',
      disabled: false,
      enrolled: true,
      lastContactMs: nowMs - 20_000,
      clockOffSeconds: 0,
      twoPlaces: false,
    },
    levels: ['diagnostics', 'os'],
    limits: allLimits,
    given: null,
    case: null,
    notice: { rule: 'accepted', canTell: true, recent: 5 },
    route,
    onlyRegions: null,
    posture: { said: { version: '1.2.0', os: 'windows', diskEncryption: 'on' }, rules: [{ minimumVersion: '1.2.0', diskEncryption: true }] },
    seenBefore: false,
    waiting: 1,
    ...change,
  }
}

function changeDevice(change: Partial<NonNullable<Facts['device']>>) {
  return ({ device }: Facts): Partial<Facts> => (device ? { device: { ...device, ...change } } : {})
}

function changeEntitlement(change: Partial<EntitlementFacts>) {
  return ({ device }: Facts): Partial<Facts> => {
    return device?.entitlement ? { device: { ...device, entitlement: { ...device.entitlement, ...change } } } : {}
  }
}

async function withDevice(change: Partial<NonNullable<Facts['device']>>): Promise<Facts> {
  const facts = await allGood()
  return { ...facts, ...changeDevice(change)(facts) }
}

async function withEntitlement(change: Partial<EntitlementFacts>): Promise<Facts> {
  const facts = await allGood()
  return { ...facts, ...changeEntitlement(change)(facts) }
}

const escalatedTo = (to: Facts['caller']['specialistId'], state: 'open' | 'closed' = 'open') => {
  return { state, holder: to, openedMs: nowMs - 60_000, escalation: { to, by: newId<typeof to>('spc'), atMs: nowMs - 30_000 } }
}

async function refusal(step: (facts: Facts) => void | Promise<void>, facts: Facts) {
  try {
    await step(facts)
  } catch (error) {
    return error
  }
  return 'passed'
}

describe('the policy of an access request, step by step', () => {
  test('a good request passes every step, and each step has its name', async () => {
    const passed = await runSteps(await allGood(), () => undefined)
    expect(passed).toEqual(steps.map((step) => step.name))
    expect(new Set(passed).size).toBe(steps.length)
  })

  /** One thing that is wrong, and with it the step that says so: no other does. */
  const wrongs: Record<string, (facts: Facts) => Partial<Facts>> = {
    requireFreshMfa: ({ caller }) => ({ caller: { ...caller, mfaAtMs: 0 } }),
    requirePersonEnabled: () => ({ person: { ...trainedPerson, disabled: true } }),
    requireOwnRequest: ({ caller }) => ({ caller: { ...caller, specialistId: newId('spc') } }),
    requireSameTime: ({ request }) => ({ request: { ...request, issuedAt: request.issuedAt - 300 } }),
    requireSignatures: () => ({ authorityKeys: [generateSigningKey().publicJwk] }),
    requireRoster: () => ({ roster: null }),
    requireAssignment: () => ({ levels: null }),
    requireLevel: () => ({ levels: [] }),
    requireLimits: () => ({ limits: { ...allLimits, patientData: false } }),
    requireScreening: () => ({ person: { ...trainedPerson, screenedOn: null } }),
    requirePlanAcknowledged: () => ({ person: { ...trainedPerson, planAcknowledgedOn: null } }),
    requirePosture: ({ posture }) => ({ posture: { ...posture, said: null } }),
    requireTraining: () => ({ person: { ...trainedPerson, training: [] } }),
    requireOrigin: () => ({ person: { ...trainedPerson, tier: 1 } }),
    requireDeviceEnabled: changeDevice({ disabled: true }),
    requireEntitlement: changeDevice({ entitlement: null }),
    requireTerms: changeEntitlement({ terms: null }),
    requirePaidCall: changeEntitlement({ kind: 'per-call' }),
    requireOpenCase: ({ caller }) => ({ case: { state: 'closed', holder: caller.specialistId, openedMs: nowMs, escalation: null } }),
    requireContact: () => ({ notice: { rule: 'told', canTell: false, recent: 0 } }),
    requireFewNotices: () => ({ notice: { rule: 'told', canTell: true, recent: 6 } }),
    requireChange: changeDevice({ changeControl: { levels: ['os'], changes: [] } }),
    requireLoudHours: changeDevice({ quietHours: [{ from: '00:00', until: '23:59' }] }),
    requireEnrolled: changeDevice({ enrolled: false }),
    requireOnePlace: changeDevice({ twoPlaces: true }),
    requireDeviceClock: changeDevice({ clockOffSeconds: -300 }),
    requireConnectivity: changeDevice({ connectivity: 'off' }),
    requireDeviceReachable: changeDevice({ lastContactMs: null }),
    requireAccessServer: () => ({ route: null }),
    requireNotReplayed: () => ({ seenBefore: true }),
    requireFewWaiting: () => ({ waiting: 2 }),
  }

  test.each(steps.map(({ name }) => name))('%s alone stops a request that is good in all else, with a reason in both languages', async (name) => {
    const facts = await allGood()
    const refused: { step: string; code: ErrorCode }[] = []
    await expect(runSteps({ ...facts, ...wrongs[name]?.(facts) }, (step, error) => refused.push({ step, code: toFailure(error).code }))).rejects.toBeInstanceOf(
      AppError,
    )
    expect(refused.map(({ step }) => step)).toEqual([name])
    const [en, fr] = (['en', 'fr'] as const).map((language) => errorWords({ code: refused[0]?.code ?? 'internal' }, language))
    expect([en?.what, en?.todo]).not.toEqual([fr?.what, fr?.todo])
    expect(refused[0]?.code).not.toBe('internal')
  })

  test('the first step that fails is named, and those after it are not asked', async () => {
    const refused: string[] = []
    const facts = await allGood({ seenBefore: true, waiting: 9 })
    await expect(runSteps(facts, (step) => refused.push(step))).rejects.toMatchObject({ code: 'access.replayed' })
    expect(refused).toEqual(['requireNotReplayed'])
  })

  test('requireFreshMfa: 15 minutes for os, the working day for the rest (R065)', async () => {
    const facts = await allGood()
    const old = { ...facts.caller, mfaAtMs: nowMs - 16 * minutes }
    expect(await refusal(requireFreshMfa, facts)).toBe('passed')
    expect(await refusal(requireFreshMfa, { ...facts, caller: old })).toMatchObject({ code: 'access.mfa-stale', details: { minutes: 15 } })
    expect(await refusal(requireFreshMfa, { ...facts, caller: old, request: { ...facts.request, access: 'application' } })).toBe('passed')
  })

  test('requireOwnRequest: nobody asks in another person’s name', async () => {
    const facts = await allGood()
    expect(await refusal(requireOwnRequest, facts)).toBe('passed')
    expect(await refusal(requireOwnRequest, { ...facts, caller: { ...facts.caller, specialistId: newId('spc') } })).toMatchObject({
      code: 'access.certificate-bad',
      details: { what: 'person' },
    })
  })

  test('requireOwnRequest: the country that the authority certified is the directory’s (R082)', async () => {
    const facts = await allGood({ person: { ...trainedPerson, country: 'US' } })
    expect(await refusal(requireOwnRequest, facts)).toMatchObject({ code: 'access.certificate-bad', details: { what: 'country' } })
  })

  test('requireSignatures: certificate under the authority, request under both keys (R078)', async () => {
    const facts = await allGood()
    const other = generateSigningKey()
    const device = { deviceId: facts.request.deviceId, deviceKey: other.publicJwk }
    expect(await refusal(requireSignatures, facts)).toBe('passed')
    expect(await refusal(requireSignatures, { ...facts, authorityKeys: [other.publicJwk] })).toMatchObject({ code: 'access.certificate-bad' })
    const forged = await people.request(device, { signers: { support: other } })
    expect(await refusal(requireSignatures, { ...facts, signed: forged.delivery.request })).toMatchObject({ code: 'access.signature-bad' })
    const old = await people.request(device, { nowSeconds: nowMs / 1000 - 3_600 })
    expect(await refusal(requireSignatures, { ...facts, signed: old.delivery.request })).toMatchObject({ code: 'access.expired' })
    const early = await people.request(device, { nowSeconds: nowMs / 1000 + 3_600 })
    expect(await refusal(requireSignatures, { ...facts, signed: early.delivery.request })).toMatchObject({ code: 'access.clock-off' })
  })

  test('requireSameTime: the computer’s clock is within two minutes, both ways (D14)', async () => {
    const facts = await allGood()
    const at = (seconds: number) => ({ ...facts, request: { ...facts.request, issuedAt: nowMs / 1000 + seconds } })
    for (const seconds of [0, 120, -120]) expect(await refusal(requireSameTime, at(seconds))).toBe('passed')
    for (const seconds of [126, -126, -34_560_000]) {
      expect(await refusal(requireSameTime, at(seconds))).toMatchObject({ code: 'access.clock-off', details: { seconds, of: 'computer' } })
    }
  })

  test('requireDeviceClock, requireOnePlace: what the device’s last poll told (D14, T16)', async () => {
    const facts = await allGood()
    const device = facts.device as DeviceFacts
    expect(await refusal(requireDeviceClock, facts)).toBe('passed')
    expect(await refusal(requireOnePlace, facts)).toBe('passed')
    const off = { ...facts, device: { ...device, clockOffSeconds: 300 } }
    expect(await refusal(requireDeviceClock, off)).toMatchObject({ code: 'access.clock-off', details: { seconds: 300, of: 'device' } })
    expect(await refusal(requireOnePlace, { ...facts, device: { ...device, twoPlaces: true } })).toMatchObject({ code: 'device.two-places' })
  })

  test('requireRoster: certified now; a stale roster leaves diagnostics', async () => {
    const facts = await allGood()
    expect(await refusal(requireRoster, facts)).toBe('passed')
    expect(await refusal(requireRoster, { ...facts, roster: null })).toMatchObject({ code: 'access.roster-missing' })
    const struckOff = (await people.roster({ specialists: [] })).payload
    expect(await refusal(requireRoster, { ...facts, roster: struckOff })).toMatchObject({ code: 'access.certificate-bad' })
    const stale = (await people.roster({ expiresAt: nowMs / 1000 - 86_400 })).payload
    expect(await refusal(requireRoster, { ...facts, roster: stale })).toMatchObject({ code: 'access.roster-stale' })
    expect(await refusal(requireRoster, { ...facts, roster: stale, request: { ...facts.request, access: 'diagnostics' } })).toBe('passed')
  })

  test('requireAssignment: a device of others is refused exactly as one that is not there (R073)', async () => {
    const facts = await allGood()
    expect(await refusal(requireAssignment, facts)).toBe('passed')
    const hidden = await refusal(requireAssignment, { ...facts, levels: null })
    const missing = await refusal(requireAssignment, { ...facts, device: null, levels: null })
    expect(hidden).toMatchObject({ code: 'device.unknown', details: undefined })
    expect(missing).toMatchObject({ code: 'device.unknown', details: undefined })
  })

  test('requireLevel: exactly what the profile lists, a higher level does not hold a lower one (R071)', async () => {
    const facts = await allGood()
    expect(await refusal(requireLevel, facts)).toBe('passed')
    expect(await refusal(requireLevel, { ...facts, request: { ...facts.request, access: 'files' } })).toMatchObject({
      code: 'access.level-not-allowed',
      details: { level: 'files' },
    })
  })

  test('requireLimits: who may not meet patient data gets diagnostics at most (R072); what the ticket gave has to go on being allowed', async () => {
    const facts = await allGood()
    const blind = { ...allLimits, patientData: false }
    expect(await refusal(requireLimits, facts)).toBe('passed')
    expect(await refusal(requireLimits, { ...facts, limits: null })).toMatchObject({ code: 'access.patient-data' })
    for (const access of ['files', 'application', 'os'] as const) {
      expect(await refusal(requireLimits, { ...facts, limits: blind, request: { ...facts.request, access } })).toMatchObject({ code: 'access.patient-data' })
    }
    const diagnostics = { ...facts, limits: blind, request: { ...facts.request, access: 'diagnostics' as const } }
    expect(await refusal(requireLimits, { ...diagnostics, given: blind })).toBe('passed')
    expect(await refusal(requireLimits, { ...diagnostics, given: allLimits })).toMatchObject({ code: 'access.profile-narrowed' })
    expect(await refusal(requireLimits, { ...facts, given: allLimits })).toBe('passed')
  })

  test('mustAsk: the device asks a person whenever only the escalation lets somebody in (R084)', async () => {
    const mine = people.person.specialistId
    const facts = await withDevice({ origins: defaultOrigins })
    const from = (country: string, tier: number, found: Facts['case']) => mustAsk({ ...facts, person: { ...trainedPerson, country, tier }, case: found })
    expect(from('CA', 3, escalatedTo(mine))).toBe(true)
    expect(from('US', 3, escalatedTo(mine))).toBe(false)
    expect(from('US', 1, null)).toBe(false)
    expect(mustAsk(await allGood({ case: escalatedTo(mine) }))).toBe(false)
  })

  test('requireEntitlement: to the end of the last day at the site', async () => {
    const facts = await allGood()
    expect(await refusal(requireEntitlement, facts)).toBe('passed')
    const justBefore = Date.parse('2026-11-21T04:59:59Z')
    const justAfter = Date.parse('2026-11-21T05:00:00Z')
    expect(await refusal(requireEntitlement, { ...facts, nowMs: justBefore })).toBe('passed')
    expect(await refusal(requireEntitlement, { ...facts, nowMs: justAfter })).toMatchObject({ code: 'access.not-entitled', details: { endedOn: '2026-11-20' } })
    expect(await refusal(requireEntitlement, await withDevice({ entitlement: null }))).toMatchObject({ code: 'access.not-entitled', details: undefined })
  })

  test.each(['agreement', 'warranty', 'per-call'] as const)(
    'requireEntitlement: of the kind %s, from its first day to its last and not beyond (R010, R018)',
    async (kind) => {
      const facts = await withEntitlement({ kind, startsOn: '2026-11-10', endsOn: '2026-11-20', calls: ['48213'] })
      const on = (day: string) => refusal(requireEntitlement, { ...facts, nowMs: Date.parse(`${day}T12:00:00-05:00`) })
      for (const day of ['2026-11-10', '2026-11-20']) expect(await on(day)).toBe('passed')
      for (const day of ['2026-11-09', '2026-11-21']) expect(await on(day)).toMatchObject({ code: 'access.not-entitled' })
    },
  )

  test('requireTerms: nobody connects where the customer has not accepted the terms, or will later (R016)', async () => {
    expect(await refusal(requireTerms, await allGood())).toBe('passed')
    for (const unaccepted of [null, { ...terms, acceptedOn: '2026-11-21' }]) {
      expect(await refusal(requireTerms, await withEntitlement({ terms: unaccepted }))).toMatchObject({ code: 'access.terms-missing' })
    }
    expect(await refusal(requireTerms, await withEntitlement({ terms: { ...terms, acceptedOn: '2026-11-20' } }))).toBe('passed')
    expect(await refusal(requireTerms, await withDevice({ entitlement: null }))).toMatchObject({ code: 'access.terms-missing' })
  })

  test('requirePaidCall: a device that is paid for call by call is open for those cases alone', async () => {
    expect(await refusal(requirePaidCall, await allGood())).toBe('passed')
    expect(await refusal(requirePaidCall, await withEntitlement({ kind: 'warranty' }))).toBe('passed')
    expect(await refusal(requirePaidCall, await withEntitlement({ kind: 'per-call', calls: ['48213'] }))).toBe('passed')
    expect(await refusal(requirePaidCall, await withEntitlement({ kind: 'per-call', calls: ['48214'] }))).toMatchObject({
      code: 'access.call-not-paid',
      details: { caseId: '48213' },
    })
  })

  test('requirePlanAcknowledged: on a day that has come (R088)', async () => {
    expect(await refusal(requirePlanAcknowledged, await allGood())).toBe('passed')
    for (const person of [null, { ...trainedPerson, planAcknowledgedOn: null }, { ...trainedPerson, planAcknowledgedOn: '2026-11-21' }]) {
      expect(await refusal(requirePlanAcknowledged, await allGood({ person }))).toMatchObject({ code: 'access.plan-not-acknowledged' })
    }
  })

  test('requirePosture: what is required is met, by the operator’s rule and by the customer’s, and not being told is not enough (R088)', async () => {
    const said = { version: '1.2.0', os: 'windows', diskEncryption: 'on' } as const
    const judge = async (posture: Facts['posture']) => refusal(requirePosture, await allGood({ posture }))
    const both = [{ minimumVersion: '1.1.9' }, { diskEncryption: true }] as const
    for (const rules of [[], [{}], [{ minimumVersion: '1.2.0' }], both]) expect(await judge({ said, rules })).toBe('passed')
    for (const rules of [[], [{}]]) expect(await judge({ said: null, rules })).toBe('passed')
    const refused = (reason: string) => ({ code: 'access.posture', details: { reason } })
    expect(await judge({ said: null, rules: both })).toMatchObject(refused('unsaid'))
    for (const version of ['1.1.8', '0.9.0', '1.2.0-beta', '01.2.0', 'new']) {
      expect(await judge({ said: { ...said, version }, rules: both })).toMatchObject({ code: 'access.posture', details: { version, minimumVersion: '1.1.9' } })
    }
    expect(await judge({ said: { ...said, version: '1.10.0' }, rules: both })).toBe('passed')
    expect(await judge({ said: { ...said, diskEncryption: 'off' }, rules: both })).toMatchObject(refused('disk-off'))
    expect(await judge({ said: { ...said, diskEncryption: 'unknown' }, rules: [...both].reverse() })).toMatchObject(refused('disk-unknown'))
  })

  test('requireScreening: a background check that was passed, not one that is planned (R088)', async () => {
    expect(await refusal(requireScreening, await allGood())).toBe('passed')
    for (const person of [null, { ...trainedPerson, screenedOn: null }, { ...trainedPerson, screenedOn: '2026-11-21' }]) {
      expect(await refusal(requireScreening, await allGood({ person }))).toMatchObject({ code: 'access.not-screened' })
    }
  })

  test('requireTraining: for this model, to the end of the last day at the site (R075)', async () => {
    const facts = await allGood()
    const trained = (...training: PersonFacts['training']) => ({ ...facts, person: { ...trainedPerson, training } })
    expect(await refusal(requireTraining, facts)).toBe('passed')
    expect(await refusal(requireTraining, trained({ model: '*', until: '2027-01-01' }))).toBe('passed')
    expect(await refusal(requireTraining, trained({ model: 'nv-520', until: '2026-01-01' }, { model: 'nv-520', until: '2026-12-01' }))).toBe('passed')
    expect(await refusal(requireTraining, { ...facts, nowMs: Date.parse('2026-11-21T04:59:59Z') })).toBe('passed')
    expect(await refusal(requireTraining, { ...facts, nowMs: Date.parse('2026-11-21T05:00:00Z') })).toMatchObject({
      code: 'access.not-trained',
      details: { model: 'nv-520', endedOn: '2026-11-20' },
    })
    expect(await refusal(requireTraining, trained({ model: 'nv-310', until: '2099-01-01' }))).toMatchObject({
      code: 'access.not-trained',
      details: { model: 'nv-520' },
    })
    expect(await refusal(requireTraining, { ...facts, person: null })).toMatchObject({ code: 'access.not-trained' })
  })

  test('requireOrigin: the customer’s own list counts, and an empty one admits nobody (R085)', async () => {
    expect(await refusal(requireOrigin, await allGood())).toBe('passed')
    expect(await refusal(requireOrigin, await withDevice({ origins: [] }))).toMatchObject({ code: 'access.country-not-allowed', details: { country: 'CA' } })
    expect(await refusal(requireOrigin, await withDevice({ origins: [{ country: 'CA', tiers: [3], onEscalation: false }] }))).toMatchObject({
      code: 'access.tier-not-allowed',
      details: { country: 'CA', tier: 2 },
    })
    expect(await refusal(requireOrigin, await allGood({ person: null }))).toMatchObject({ code: 'access.country-not-allowed' })
  })

  test.each(['US', 'CA', 'FR', 'ZZ'].flatMap((country) => [1, 2, 3].flatMap((tier) => [true, false].map((escalated) => ({ country, tier, escalated })))))(
    'requireOrigin by default: $country, tier $tier, escalated: $escalated (D16, R082, R083)',
    async ({ country, tier, escalated }) => {
      const facts = await withDevice({ origins: defaultOrigins })
      const person = { ...trainedPerson, country, tier }
      const mine = people.person.specialistId
      const found = await refusal(requireOrigin, { ...facts, person, case: escalated ? escalatedTo(mine) : null })
      const expected =
        country === 'US' || (country === 'CA' && tier === 3 && escalated)
          ? 'passed'
          : expect.objectContaining({
              code: country !== 'CA' ? 'access.country-not-allowed' : tier === 3 ? 'access.escalation-needed' : 'access.tier-not-allowed',
              details: { country, tier },
            })
      expect(found).toEqual(expected)
    },
  )

  test('requireOrigin: an escalation counts for whom it was made to, and while the case is open (R083)', async () => {
    const facts = await withDevice({ origins: defaultOrigins })
    const person = { ...trainedPerson, tier: 3 }
    for (const found of [escalatedTo(newId('spc')), escalatedTo(people.person.specialistId, 'closed'), null]) {
      expect(await refusal(requireOrigin, { ...facts, person, case: found })).toMatchObject({ code: 'access.escalation-needed' })
    }
  })

  test('requireChange: at the levels that the customer names, within the window of an approved change for this device (R106)', async () => {
    const facts = await withDevice({})
    const change = { number: 'CHG-0042', approver: 'Change board', from: '2026-11-20T09:00:00-05:00', until: '2026-11-20T11:00:00-05:00' }
    const under = (changes: (typeof change & { devices?: Facts['request']['deviceId'][] })[], levels: Facts['levels'] & {} = ['os']) => {
      return { ...facts, device: facts.device && { ...facts.device, changeControl: { levels, changes } } }
    }
    expect(await refusal(requireChange, facts)).toBe('passed')
    expect(await refusal(requireChange, under([change]))).toBe('passed')
    expect(await refusal(requireChange, under([{ ...change, devices: [facts.request.deviceId] }]))).toBe('passed')
    expect(await refusal(requireChange, under([], ['application']))).toBe('passed')
    expect(await refusal(requireChange, under([]))).toMatchObject({ code: 'access.change-missing', details: undefined })
    expect(await refusal(requireChange, under([{ ...change, devices: [newId('dev')] }]))).toMatchObject({ code: 'access.change-missing', details: undefined })
    expect(await refusal(requireChange, { ...under([change]), nowMs: Date.parse('2026-11-20T16:00:00Z') })).toMatchObject({ code: 'access.change-missing' })
    expect(await refusal(requireChange, { ...under([change]), nowMs: Date.parse('2026-11-20T13:59:59Z') })).toMatchObject({
      code: 'access.change-missing',
      details: { number: 'CHG-0042', opensAt: change.from },
    })
  })

  test('requireLoudHours: nothing rings in the quiet hours of the site’s own clock, over midnight too, on the days that it names', async () => {
    const at = async (utc: string, quietHours: NonNullable<Facts['device']>['quietHours']) => {
      return refusal(requireLoudHours, { ...(await withDevice({ quietHours })), nowMs: Date.parse(utc) })
    }
    const nights = [{ from: '22:00', until: '06:30' }]
    expect(await at('2026-11-20T15:00:00Z', [])).toBe('passed')
    expect(await at('2026-11-20T15:00:00Z', nights)).toBe('passed')
    expect(await at('2026-11-21T02:59:00Z', nights)).toBe('passed')
    for (const utc of ['2026-11-21T03:00:00Z', '2026-11-21T11:29:00Z']) {
      expect(await at(utc, nights)).toMatchObject({ code: 'access.quiet-hours', details: { until: '06:30' } })
    }
    expect(await at('2026-11-21T11:30:00Z', nights)).toBe('passed')
    // 20 November 2026 is a Friday, also past midnight where the night began on it.
    const fridays = [{ from: '22:00', until: '06:30', days: ['fri' as const] }]
    expect(await at('2026-11-21T11:00:00Z', fridays)).toMatchObject({ code: 'access.quiet-hours' })
    expect(await at('2026-11-22T11:00:00Z', fridays)).toBe('passed')
    const noon = [{ from: '12:00', until: '13:00', days: ['fri' as const] }]
    expect(await at('2026-11-20T17:30:00Z', noon)).toMatchObject({ code: 'access.quiet-hours' })
    expect(await at('2026-11-20T18:00:00Z', noon)).toBe('passed')
    expect(await at('2026-11-21T17:30:00Z', noon)).toBe('passed')
  })

  test('requireOpenCase: a case that was closed stays closed (R087)', async () => {
    const open = { state: 'open' as const, holder: people.person.specialistId, openedMs: nowMs - 60_000, escalation: null }
    expect(await refusal(requireOpenCase, await allGood())).toBe('passed')
    expect(await refusal(requireOpenCase, await allGood({ case: open }))).toBe('passed')
    expect(await refusal(requireOpenCase, await allGood({ case: { ...open, state: 'closed' } }))).toMatchObject({ code: 'case.closed' })
  })

  test('requireContact, requireFewNotices: only where somebody has to be told (R084)', async () => {
    const notice = { rule: 'none' as const, canTell: false, recent: 100 }
    expect(await refusal(requireContact, await allGood({ notice }))).toBe('passed')
    expect(await refusal(requireFewNotices, await allGood({ notice }))).toBe('passed')
    for (const rule of ['told', 'accepted'] as const) {
      expect(await refusal(requireContact, await allGood({ notice: { ...notice, rule } }))).toMatchObject({ code: 'access.contact-missing' })
      expect(await refusal(requireFewNotices, await allGood({ notice: { ...notice, rule } }))).toMatchObject({
        code: 'access.too-many-notices',
        details: { max: 6 },
      })
    }
  })

  test('requireStillCertified: keys that the authority has taken back or replaced; a roster that is out of date takes nothing back (R087)', async () => {
    const { roster, certified } = await allGood()
    if (!roster) throw new Error('no roster')
    for (const known of [roster, { ...roster, expiresAt: 1 }, null]) expect(() => requireStillCertified({ roster: known, certified })).not.toThrow()
    expect(() => requireStillCertified({ roster, certified: null })).not.toThrow()
    expect(() => requireStillCertified({ roster: { ...roster, specialists: [] }, certified })).toThrow('access.certificate-bad')
    const replaced = roster.specialists.map((one) => ({ ...one, specialistKey: one.supportKey }))
    expect(() => requireStillCertified({ roster: { ...roster, specialists: replaced }, certified })).toThrow('access.certificate-bad')
  })

  test('requireContactsYes: a no, no answer where one is asked for, and no notice that arrived (R084)', () => {
    const told = (state: string, reason: string | null = null) => ({ told: { state, reason } })
    for (const state of ['sending', 'delivered', 'accepted']) expect(() => requireContactsYes(told(state))).not.toThrow()
    expect(() => requireContactsYes({ told: null })).not.toThrow()
    expect(() => requireContactsYes(told('refused'))).toThrow('access.contact-refused')
    expect(() => requireContactsYes(told('expired'))).toThrow('access.contact-no-answer')
    expect(() => requireContactsYes(told('failed', 'mail-refused'))).toThrow('access.notice-undelivered')
  })

  test('requirePersonEnabled, requireDeviceEnabled: nobody and nothing that the directory has shut out', async () => {
    expect(await refusal(requirePersonEnabled, await allGood())).toBe('passed')
    for (const person of [{ ...trainedPerson, disabled: true }, null]) {
      expect(await refusal(requirePersonEnabled, await allGood({ person }))).toMatchObject({ code: 'access.person-disabled' })
    }
    expect(await refusal(requireDeviceEnabled, await allGood())).toBe('passed')
    expect(await refusal(requireDeviceEnabled, await withDevice({ disabled: true }))).toMatchObject({ code: 'access.device-disabled' })
  })

  test('requireEnrolled: only a device that holds a certificate of ours', async () => {
    expect(await refusal(requireEnrolled, await allGood())).toBe('passed')
    expect(await refusal(requireEnrolled, await withDevice({ enrolled: false }))).toMatchObject({ code: 'device.offline' })
  })

  test('requireConnectivity: the customer’s switch counts', async () => {
    expect(await refusal(requireConnectivity, await allGood())).toBe('passed')
    expect(await refusal(requireConnectivity, await withDevice({ connectivity: 'off' }))).toMatchObject({ code: 'access.connectivity-off' })
  })

  test('requireDeviceReachable: a silent device is offline, and since when is said', async () => {
    expect(await refusal(requireDeviceReachable, await allGood())).toBe('passed')
    expect(await refusal(requireDeviceReachable, await withDevice({ lastContactMs: nowMs - 600_000 }))).toMatchObject({
      code: 'device.offline',
      details: { seconds: 600 },
    })
    expect(await refusal(requireDeviceReachable, await withDevice({ lastContactMs: null }))).toMatchObject({ code: 'device.offline', details: undefined })
  })

  test('requireAccessServer: with none up, or none in the customer’s regions, nothing is sent to the device (R056)', async () => {
    expect(await refusal(requireAccessServer, await allGood())).toBe('passed')
    expect(await refusal(requireAccessServer, await allGood({ route: null }))).toMatchObject({ code: 'access.no-access-server', details: undefined })
    expect(await refusal(requireAccessServer, await allGood({ route: null, onlyRegions: ['ca-east', 'ca-west'] }))).toMatchObject({
      code: 'access.no-access-server',
      details: { regions: 'ca-east, ca-west' },
    })
  })

  test('requireNotReplayed: what was here before is not taken again', async () => {
    expect(await refusal(requireNotReplayed, await allGood())).toBe('passed')
    expect(await refusal(requireNotReplayed, await allGood({ seenBefore: true }))).toMatchObject({ code: 'access.replayed' })
  })

  test('requireFewWaiting: two at most wait for an answer', async () => {
    expect(await refusal(requireFewWaiting, await allGood({ waiting: 1 }))).toBe('passed')
    expect(await refusal(requireFewWaiting, await allGood({ waiting: 2 }))).toMatchObject({ code: 'access.too-many-open', details: { max: 2 } })
  })
})
