import { beforeAll, describe, expect, test } from 'vitest'
import { defaultPolicy, Policy } from '../../shared/device-policy.ts'
import { newId } from '../../shared/ids.ts'
import { generateSigningKey, signJws } from '../../shared/node/signing.ts'
import type { RosterPayload } from '../../shared/ticket.ts'
import { allLimits, createPeople, type Device, type People } from '../../test/support/people.ts'
import { memoryState } from '../state-file.ts'
import { createRequestMemory, newMemory, type RequestMemory } from './memory.ts'
import { type Proven, proveSignatures, readHead, type Trust } from './signatures.ts'
import { type Situation, steps } from './steps.ts'

const now = 1_800_000_000
let people: People
let device: Device
let trust: Trust
let roster: RosterPayload

beforeAll(async () => {
  people = createPeople(now)
  device = { deviceId: newId('dev'), deviceKey: generateSigningKey().publicJwk }
  trust = { ticketKeys: () => [people.ticketKey.publicJwk], authorityKeys: () => [people.authority.publicJwk], ...device }
  roster = (await people.roster()).payload
})

const codeOf = async (change: Parameters<People['request']>[1], atSeconds = now) =>
  proveSignatures((await people.request(device, change)).delivery, trust, atSeconds).then(
    () => 'accepted',
    (error) => error.code,
  )

describe('the three signed things (R062, R065, architecture 3.5)', () => {
  const stranger = generateSigningKey()

  test('hold together', async () => {
    const { delivery, request } = await people.request(device)
    expect((await proveSignatures(delivery, trust, now)).request).toEqual(request)
  })

  test.each([
    ['a ticket that somebody else signed', { signers: { ticket: stranger } }, 'ticket.bad'],
    ['a request without the specialist key', { signers: { specialist: stranger } }, 'access.signature-bad'],
    ['a request without the support key, the second level', { signers: { support: stranger } }, 'access.signature-bad'],
    ['a ticket for more minutes than asked', { ticket: { minutes: 480 } }, 'ticket.bad'],
    ['a ticket for a higher level than asked', { request: { access: 'files' as const }, ticket: { access: 'os' as const } }, 'ticket.bad'],
    ['a ticket for another session key', { ticket: { sessionKey: stranger.publicJwk } }, 'ticket.bad'],
    ['a ticket for another device', { request: { deviceId: newId<Device['deviceId']>('dev') } }, 'ticket.bad'],
    ['a ticket for another device key', { ticket: { deviceKey: stranger.publicJwk } }, 'ticket.bad'],
    ['a ticket from a clock that runs ahead', { nowSeconds: now + 126 }, 'access.clock-off'],
    ['a ticket that ran out', { nowSeconds: now - 300 - 126 }, 'ticket.expired'],
  ])('%s is refused', async (_, change, code) => {
    expect(await codeOf(change)).toBe(code)
  })

  test('a certificate counts under the pinned authority alone', async () => {
    expect(await codeOf({ certificate: await people.certificate({}, stranger) })).toBe('access.certificate-bad')
    expect(await codeOf({ certificate: await people.certificate({ expiresAt: now - 126 }) })).toBe('auth.certificate-expired')
  })

  test('one altered character anywhere is refused', async () => {
    const { delivery } = await people.request(device)
    const flip = (text: string, at: number) => `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
    for (let at = 10; at < delivery.ticket.length - 2; at += 97) {
      if (delivery.ticket[at] === '.') continue
      await expect(proveSignatures({ ...delivery, ticket: flip(delivery.ticket, at) }, trust, now)).rejects.toMatchObject({ code: 'ticket.bad' })
    }
    const request = { ...delivery.request, payload: flip(delivery.request.payload, 40) }
    await expect(proveSignatures({ ...delivery, request }, trust, now)).rejects.toMatchObject({ code: 'access.signature-bad' })
  })

  test('a refusal can name its request even when the ticket proves nothing, and nothing at all is named for garbage', async () => {
    const { delivery, request } = await people.request(device, { signers: { ticket: stranger } })
    expect(readHead(delivery)).toMatchObject({ requestId: request.id })
    expect(readHead({ ...delivery, ticket: await signJws('ticket', { hello: 1 }, stranger) })).toBeNull()
  })
})

describe('the list of checks', () => {
  const refusal = (proven: Proven, change: Partial<Situation> = {}) => {
    const situation: Situation = {
      nowMs: now * 1_000,
      roster,
      policy: open,
      policyFault: null,
      memory: freshMemory(),
      mayReach: () => true,
      open: 0,
      openPrograms: 0,
      whyNotCovered: () => null,
      ...change,
    }
    try {
      for (const step of steps) step(proven, situation)
      return null
    } catch (error) {
      return error
    }
  }
  const freshMemory = () => createRequestMemory(memoryState(newMemory()))
  const open = Policy.parse({ version: 1, rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask' } })
  const prove = async (change: Parameters<People['request']>[1] = {}) => proveSignatures((await people.request(device, change)).delivery, trust, now)
  const take = (memory: RequestMemory, { ticket, request }: Proven, takenMs: number) =>
    memory.take({ requestId: request.id, ticketId: ticket.id, deliveryId: newId('dlv'), ticket: null, issuedAt: ticket.issuedAt, takenMs, state: 'requested' })

  test('lets through what holds', async () => {
    expect(refusal(await prove())).toBeNull()
  })

  test('a ticket is spent once taken, and so is its request with another ticket (goal D11)', async () => {
    const proven = await prove()
    const memory = freshMemory()
    take(memory, proven, now * 1_000)
    expect(refusal(proven, { memory })).toMatchObject({ code: 'ticket.spent' })
    const again = await prove({ request: { id: proven.request.id } })
    expect(refusal(again, { memory })).toMatchObject({ code: 'ticket.spent' })
  })

  test('R047: a ticket is refused when none of its access servers is on the device’s list; one is enough', async () => {
    const proven = await prove()
    const { accessServer } = proven.ticket
    const fallback = { ...accessServer, name: 'access-2', port: 2 }
    const details = { host: accessServer.host, port: accessServer.port }
    expect(refusal(proven, { mayReach: () => false })).toMatchObject({ code: 'server.not-allowed', details })
    const withFallback = { ...proven, ticket: { ...proven.ticket, fallback } }
    expect(refusal(withFallback, { mayReach: () => false })).toMatchObject({ code: 'server.not-allowed', details })
    expect(refusal(withFallback, { mayReach: ({ port }) => port === 2 })).toBeNull()
  })

  test('without a roster, or off it, nobody comes in', async () => {
    const proven = await prove()
    expect(refusal(proven, { roster: null })).toMatchObject({ code: 'access.roster-missing' })
    expect(refusal(proven, { roster: { ...roster, specialists: [] } })).toMatchObject({ code: 'access.certificate-bad' })
    const oneKey = roster.specialists.map((one) => ({ ...one, supportKey: one.specialistKey }))
    expect(refusal(proven, { roster: { ...roster, specialists: oneKey } })).toMatchObject({ code: 'access.certificate-bad' })
  })

  test('an expired roster leaves only diagnostics', async () => {
    const nowMs = (roster.expiresAt + 126) * 1_000
    for (const access of ['files', 'application', 'os'] as const) {
      expect(refusal(await prove({ request: { access } }), { nowMs })).toMatchObject({ code: 'access.roster-stale' })
    }
    expect(refusal(await prove({ request: { access: 'diagnostics' } }), { nowMs })).toBeNull()
  })

  test('the local policy is asked for level, country and connectivity (R008, R047)', async () => {
    const proven = await prove()
    expect(refusal(proven, { policy: { ...open, rules: { ...open.rules, os: 'deny' } } })).toMatchObject({ code: 'access.policy-denied' })
    expect(refusal(proven, { policy: { ...open, countries: ['US'] } })).toMatchObject({ code: 'access.policy-denied', details: { country: 'CA' } })
    expect(refusal(proven, { policy: { ...open, countries: ['US', 'CA'] } })).toBeNull()
    expect(refusal(proven, { policy: { ...open, connectivity: 'off' } })).toMatchObject({ code: 'access.connectivity-off' })
    const { minutes } = proven.request
    const tooLong = { code: 'access.policy-denied', details: { minutes: minutes - 1 } }
    expect(refusal(proven, { policy: { ...open, sessionMinutes: minutes - 1 } })).toMatchObject(tooLong)
    expect(refusal(proven, { policy: { ...open, sessionMinutes: minutes } })).toBeNull()
  })

  test('a policy that cannot be gone by is the reason, whatever its rules would say', async () => {
    expect(refusal(await prove(), { policyFault: 'signature' })).toMatchObject({ code: 'access.policy-unusable', details: { fault: 'signature' } })
  })

  test('outside the hours of the policy, by the zone that it names, nobody comes in (R047)', async () => {
    const hours = (from: string, until: string, days?: string[]) =>
      Policy.parse({ version: 1, rules: open.rules, hours: { timeZone: 'America/Toronto', open: [{ from, until, ...(days ? { days } : {}) }] } })
    // A Friday, 03:00 in Toronto.
    const proven = await prove()
    expect(refusal(proven, { policy: hours('08:00', '17:00') })).toMatchObject({
      code: 'access.policy-denied',
      details: { hours: '08:00-17:00, America/Toronto' },
    })
    expect(refusal(proven, { policy: hours('22:00', '06:00') })).toBeNull()
    expect(refusal(proven, { policy: hours('22:00', '06:00', ['fri']) })).toMatchObject({ code: 'access.policy-denied' })
    expect(refusal(proven, { policy: hours('22:00', '06:00', ['thu']) })).toBeNull()
    expect(refusal(proven, { policy: hours('08:00', '17:00'), nowMs: (now + 6 * 3_600) * 1_000 })).toBeNull()
  })

  test('with patient data to keep, no programs where it could not be kept from them; files and diagnostics go on (R086)', async () => {
    const policy = Policy.parse({ version: 1, rules: open.rules, files: { restricted: ['/patients'] } })
    for (const access of ['application', 'os'] as const) {
      const proven = await prove({ request: { access } })
      expect(refusal(proven, { policy, whyNotCovered: () => 'open' })).toMatchObject({ code: 'access.restricted-open', details: { reason: 'open' } })
      expect(refusal(proven, { policy, open: 1, openPrograms: 1 })).toMatchObject({ code: 'access.restricted-open', details: { reason: 'others' } })
      expect(refusal(proven, { policy })).toBeNull()
      expect(refusal(proven, { policy: open, open: 1, openPrograms: 1, whyNotCovered: () => 'open' })).toBeNull()
    }
    for (const access of ['diagnostics', 'files'] as const) {
      expect(refusal(await prove({ request: { access } }), { policy, openPrograms: 1, whyNotCovered: () => 'open' })).toBeNull()
    }
  })

  test('a ticket for a person who may not meet patient data opens diagnostics alone, whatever the main server signed (R072)', async () => {
    const limits = { ...allLimits, patientData: false }
    for (const access of ['files', 'application', 'os'] as const) {
      expect(refusal(await prove({ request: { access }, ticket: { limits } }))).toMatchObject({ code: 'access.patient-data' })
    }
    expect(refusal(await prove({ request: { access: 'diagnostics' }, ticket: { limits } }))).toBeNull()
  })

  test('more requests within an hour than the policy allows are refused before anything rings (threat T6)', async () => {
    const memory = freshMemory()
    const nowMs = now * 1_000
    for (const minutesAgo of [59, 30, 1]) take(memory, await prove(), nowMs - minutesAgo * 60_000)
    expect(refusal(await prove(), { memory })).toMatchObject({ code: 'access.rate-limited', details: { max: 3, minutes: 1 } })
    expect(refusal(await prove(), { memory, nowMs: nowMs + 60_000 })).toBeNull()
  })

  test('a clock that was set back does not forget the requests of the hour', async () => {
    const memory = freshMemory()
    for (const _ of [1, 2, 3]) take(memory, await prove(), now * 1_000 + 86_400_000)
    expect(refusal(await prove(), { memory })).toMatchObject({ code: 'access.rate-limited' })
  })

  test('a device takes four at a time', async () => {
    expect(refusal(await prove(), { open: 4 })).toMatchObject({ code: 'access.too-many-open' })
  })

  test('the default policy asks for everything, and for the code to be typed where the device itself is opened (R080, R081)', () => {
    expect(defaultPolicy.rules).toEqual({ diagnostics: 'ask', files: 'ask', application: 'ask-typed', os: 'ask-typed' })
    expect(defaultPolicy).toMatchObject({ requestsPerHour: 3, instantPickup: false, connectivity: 'on' })
  })
})
