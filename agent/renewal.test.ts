import { expect, test } from 'vitest'
import { type DeviceId, newId } from '../shared/ids.ts'
import { type Ca, certificateHash, createCa, createCertificateRequest, issueDeviceCertificate } from '../shared/node/certificates.ts'
import { generateSigningKey, type SigningKey } from '../shared/node/signing.ts'
import type { Hash } from '../shared/ticket.ts'
import type { Enrolment } from './identity.ts'
import { silentLog } from './log.ts'
import { createRenewal } from './renewal.ts'

// R066: a device's certificate is renewed at two thirds of its life; whatever goes wrong leaves the one that works.

const dayMs = 86_400_000
const beganMs = Date.parse('2026-01-01T00:00:00Z')
const keys = { device: generateSigningKey(), host: generateSigningKey(), audit: generateSigningKey() }
const deviceId = newId<DeviceId>('dev')
const certify = async (ca: Ca, key: SigningKey, id: DeviceId, now: number) => issueDeviceCertificate(ca, await createCertificateRequest(key, 'x'), id, { now })

async function createWorld() {
  const ca = await createCa('Test devices', generateSigningKey(), beganMs - dayMs)
  const first = await certify(ca, keys.device, deviceId, beganMs)
  const world = {
    ca,
    first,
    kept: first,
    keptCa: ca.certificatePem,
    /** What the authority has listed. */
    listed: [] as Hash[],
    nowMs: beganMs,
    elapsedMs: 0,
    asked: 0,
    full: false,
    audited: [] as string[],
    answer: () => certify(ca, keys.device, deviceId, world.nowMs),
    deviceCa: undefined as string | undefined,
    look: (): Promise<void> => look(world.nowMs, AbortSignal.timeout(5_000)),
  }
  const look = createRenewal({
    identity: {
      keys,
      enrolment: () => ({ deviceId, certificate: world.kept, deviceCa: world.keptCa }) as Enrolment,
      renew({ certificate, deviceCa }) {
        if (world.full) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
        world.kept = certificate
        world.keptCa = deviceCa
      },
    },
    async call() {
      world.asked += 1
      return { certificate: await world.answer(), deviceCa: world.deviceCa } as never
    },
    deviceCas: () => world.listed,
    audit: { note: ({ kind }) => void world.audited.push(kind) },
    clock: { elapsed: () => world.elapsedMs },
    log: silentLog,
  })
  return world
}

test('is asked for at two thirds of its life by the main server’s time, not before', async () => {
  const world = await createWorld()
  world.nowMs = beganMs + 243 * dayMs
  await world.look()
  expect(world.asked).toBe(0)
  world.nowMs = beganMs + 244 * dayMs
  await world.look()
  expect(world.asked).toBe(1)
  expect(world.kept).not.toBe(world.first)
  expect(world.audited).toEqual(['device.renewed'])
  world.elapsedMs += dayMs
  await world.look()
  expect(world.asked).toBe(1)
})

test.each<[string, (world: Awaited<ReturnType<typeof createWorld>>) => void]>([
  ['for another key', (world) => (world.answer = () => certify(world.ca, generateSigningKey(), deviceId, world.nowMs))],
  ['for another device', (world) => (world.answer = () => certify(world.ca, keys.device, newId<DeviceId>('dev'), world.nowMs))],
  ['of a CA that was not pinned', (world) => (world.answer = async () => certify(await createCa('Test devices'), keys.device, deviceId, world.nowMs))],
  ['that is over', (world) => (world.answer = () => certify(world.ca, keys.device, deviceId, beganMs - 500 * dayMs))],
  ['that is none', (world) => (world.answer = async () => 'nothing')],
  ['that never comes', (world) => (world.answer = () => Promise.reject(new Error('cut')))],
  ['that the disk has no room for', (world) => (world.full = true)],
])('a certificate %s leaves the one before; it asks again after an hour', async (_what, spoil) => {
  const world = await createWorld()
  const right = world.answer
  world.nowMs = beganMs + 300 * dayMs
  spoil(world)
  await world.look()
  await world.look()
  expect(world).toMatchObject({ asked: 1, kept: world.first, audited: [] })
  Object.assign(world, { answer: right, full: false, elapsedMs: 3_600_000 })
  await world.look()
  expect(world.asked).toBe(2)
  expect(world.kept).not.toBe(world.first)
})

test('one that the main server finds young enough is kept without a word', async () => {
  const world = await createWorld()
  world.nowMs = beganMs + 300 * dayMs
  world.answer = async () => world.first
  await world.look()
  expect(world).toMatchObject({ asked: 1, kept: world.first, audited: [] })
})

test('a CA that the authority has listed is followed at once, however young the certificate; one that a main server names alone is not', async () => {
  const world = await createWorld()
  const next = await createCa('Test devices', generateSigningKey(), beganMs - dayMs)
  Object.assign(world, { nowMs: beganMs + dayMs, deviceCa: next.certificatePem, answer: () => certify(next, keys.device, deviceId, world.nowMs) })
  world.listed = [certificateHash(world.ca.certificatePem)]
  await world.look()
  expect(world).toMatchObject({ asked: 0, kept: world.first })

  // Due, and offered one of a CA that only the main server knows.
  world.nowMs = beganMs + 300 * dayMs
  await world.look()
  expect(world).toMatchObject({ asked: 1, kept: world.first, audited: [] })

  Object.assign(world, {
    nowMs: beganMs + dayMs,
    elapsedMs: 3_600_000,
    listed: [certificateHash(next.certificatePem), certificateHash(world.ca.certificatePem)],
  })
  await world.look()
  expect(world).toMatchObject({ asked: 2, keptCa: next.certificatePem, audited: ['device.renewed'] })
  expect(world.kept).not.toBe(world.first)
  world.elapsedMs += 3_600_000
  await world.look()
  expect(world.asked).toBe(2)
})
