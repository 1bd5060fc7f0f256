import { newId } from '@gantry/shared/ids.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { describe, expect, test } from 'vitest'
import { createPeople, type People } from '../../../test/support/people.ts'
import {
  type Facts,
  requireAccessServer,
  requireAssignment,
  requireConnectivity,
  requireDeviceEnabled,
  requireDeviceReachable,
  requireEnrolled,
  requireEntitlement,
  requireFewWaiting,
  requireFreshMfa,
  requireLevel,
  requireNotReplayed,
  requireOpenCase,
  requireOwnRequest,
  requirePersonEnabled,
  requireRoster,
  requireSignatures,
  runSteps,
  steps,
} from './steps.ts'

const nowMs = Date.parse('2026-11-20T15:00:00Z')
const people: People = createPeople(nowMs / 1000)
const minutes = 60_000
const route = { accessServer: { name: 'east-1', site: 'East', host: '192.0.2.1', port: 443 }, fallback: null, region: 'ca-east', fallbackRegion: null }

async function allGood(change: Partial<Facts> = {}): Promise<Facts> {
  const { delivery, request } = await people.request({ deviceId: newId('dev'), deviceKey: generateSigningKey().publicJwk }, { request: { access: 'os' } })
  return {
    nowMs,
    caller: { specialistId: people.person.specialistId, mfaAtMs: nowMs - 5 * minutes },
    authorityKey: people.authority.publicJwk,
    roster: (await people.roster()).payload,
    signed: delivery.request,
    certificate: delivery.certificate,
    request,
    certified: people.person,
    person: { disabled: false },
    device: {
      timeZone: 'America/Toronto',
      entitlement: { startsOn: '2026-01-01', endsOn: '2026-11-20' },
      connectivity: 'on',
      disabled: false,
      enrolled: true,
      lastContactMs: nowMs - 20_000,
    },
    levels: ['diagnostics', 'os'],
    case: null,
    route,
    onlyRegions: null,
    seenBefore: false,
    waiting: 1,
    ...change,
  }
}

async function withDevice(change: Partial<NonNullable<Facts['device']>>): Promise<Facts> {
  const facts = await allGood()
  return facts.device ? { ...facts, device: { ...facts.device, ...change } } : facts
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
    })
  })

  test('requireSignatures: certificate under the authority, request under both keys (R078)', async () => {
    const facts = await allGood()
    const other = generateSigningKey()
    const device = { deviceId: facts.request.deviceId, deviceKey: other.publicJwk }
    expect(await refusal(requireSignatures, facts)).toBe('passed')
    expect(await refusal(requireSignatures, { ...facts, authorityKey: other.publicJwk })).toMatchObject({ code: 'access.certificate-bad' })
    const forged = await people.request(device, { signers: { support: other } })
    expect(await refusal(requireSignatures, { ...facts, signed: forged.delivery.request })).toMatchObject({ code: 'access.signature-bad' })
    const old = await people.request(device, { nowSeconds: nowMs / 1000 - 3_600 })
    expect(await refusal(requireSignatures, { ...facts, signed: old.delivery.request })).toMatchObject({ code: 'access.expired' })
    const early = await people.request(device, { nowSeconds: nowMs / 1000 + 3_600 })
    expect(await refusal(requireSignatures, { ...facts, signed: early.delivery.request })).toMatchObject({ code: 'access.clock-off' })
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

  test('requireEntitlement: to the end of the last day at the site', async () => {
    const facts = await allGood()
    expect(await refusal(requireEntitlement, facts)).toBe('passed')
    const justBefore = Date.parse('2026-11-21T04:59:59Z')
    const justAfter = Date.parse('2026-11-21T05:00:00Z')
    expect(await refusal(requireEntitlement, { ...facts, nowMs: justBefore })).toBe('passed')
    expect(await refusal(requireEntitlement, { ...facts, nowMs: justAfter })).toMatchObject({ code: 'access.not-entitled', details: { endedOn: '2026-11-20' } })
    expect(await refusal(requireEntitlement, await withDevice({ entitlement: null }))).toMatchObject({ code: 'access.not-entitled', details: undefined })
  })

  test('requireOpenCase: a case that was closed stays closed (R087)', async () => {
    const open = { state: 'open' as const, holder: people.person.specialistId, openedMs: nowMs - 60_000, escalation: null }
    expect(await refusal(requireOpenCase, await allGood())).toBe('passed')
    expect(await refusal(requireOpenCase, await allGood({ case: open }))).toBe('passed')
    expect(await refusal(requireOpenCase, await allGood({ case: { ...open, state: 'closed' } }))).toMatchObject({ code: 'case.closed' })
  })

  test('requirePersonEnabled, requireDeviceEnabled: nobody and nothing that the directory has shut out', async () => {
    expect(await refusal(requirePersonEnabled, await allGood())).toBe('passed')
    for (const person of [{ disabled: true }, null]) {
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
