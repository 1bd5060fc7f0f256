import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NewDeviceEvent } from '../shared/audit.ts'
import { newId } from '../shared/ids.ts'
import type { LicencesPayload } from '../shared/licences.ts'
import { generateSigningKey, signJws } from '../shared/node/signing.ts'
import { openLicences } from './licences.ts'
import { silentLog } from './log.ts'

// R011: what is licensed is the main server's newest word, by the device's own calendar.

const [ticketKey, stranger] = [generateSigningKey(), generateSigningKey()]
const deviceId = newId('dev') as LicencesPayload['deviceId']
const dayMs = 86_400_000
let stateDir: string
let events: NewDeviceEvent[]
let lost: string[]
let nowMs: number
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'licences-'))
  events = []
  lost = []
  nowMs = Date.parse('2027-03-01T12:00:00Z')
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const licensedFile = () => join(stateDir, 'licensed.json')
const open = () =>
  openLicences({
    ...{ stateDir, deviceId, ticketKeys: () => [ticketKey.publicJwk], licensedFile: licensedFile(), log: silentLog },
    clock: { now: () => nowMs, elapsed: () => nowMs, sleep: async () => undefined },
    onLost: (what) => lost.push(what),
    audit: (event) => events.push(event),
  })
const reports = { feature: 'dose-reports', name: 'Dose reports', from: '2027-01-01', until: '2027-03-31' }
const sync = { feature: 'protocol-sync', name: 'Protocol sync', from: '2027-03-10', until: '2027-12-31' }
const signed = (number: number, subscriptions = [reports, sync], change: Partial<LicencesPayload> = {}, key = ticketKey) =>
  signJws('licences', { version: 1, deviceId, number, subscriptions, ...change }, key)
const told = () => events.map(({ kind, data }) => `${kind} ${data?.code ?? data?.features}`)

describe('licensed features', () => {
  test('begin and end with their days, are told as they change, and outlive a restart', async () => {
    const first = open()
    expect([first.number(), first.features()]).toEqual([0, []])
    await first.accept(await signed(4))
    expect([first.number(), first.features()]).toEqual([4, ['dose-reports']])
    nowMs += 15 * dayMs
    const again = open()
    expect(again.features()).toEqual(['dose-reports', 'protocol-sync'])
    nowMs += 20 * dayMs
    expect(again.features()).toEqual(['protocol-sync'])
    expect(told()).toEqual(['licences.changed dose-reports', 'licences.changed dose-reports protocol-sync', 'licences.changed protocol-sync'])
    expect(JSON.parse(readFileSync(licensedFile(), 'utf8'))).toEqual({ features: ['protocol-sync'] })
    expect(statSync(licensedFile()).mode & 0o777).toBe(0o644)
  })

  test('a renewal takes the place of what was there, and taken back they are gone', async () => {
    const licences = open()
    await licences.accept(await signed(4, [reports]))
    await licences.accept(await signed(5, [{ ...reports, until: '2028-03-31' }]))
    nowMs += 60 * dayMs
    expect(licences.features()).toEqual(['dose-reports'])
    await licences.accept(await signed(6, []))
    expect(licences.features()).toEqual([])
  })

  test.each<[string, () => Promise<string>]>([
    ['under another key', () => signed(9, [sync], {}, stranger)],
    ['of another device', () => signed(9, [sync], { deviceId: newId('dev') as never })],
    ['of before', () => signed(3, [sync])],
    ['that is none', async () => 'a.b.c'],
    ['of another kind', () => signJws('bulletin', { version: 1, deviceId, number: 9, subscriptions: [sync] }, ticketKey)],
  ])('a word %s changes nothing, and is told once', async (_, bad) => {
    const licences = open()
    await licences.accept(await signed(4, [reports]))
    const jws = await bad()
    for (let count = 0; count < 3; count++) await licences.accept(jws)
    expect([licences.number(), licences.features()]).toEqual([4, ['dose-reports']])
    expect(events.filter(({ kind }) => kind === 'licences.refused')).toHaveLength(1)
  })

  test('that cannot be read are none until they come again', async () => {
    await open().accept(await signed(4))
    for (const name of ['licences.json', 'licences.json.copy']) writeFileSync(join(stateDir, name), '{')
    const licences = open()
    expect([licences.number(), licences.features(), lost.includes('licences.json')]).toEqual([0, [], true])
    await licences.accept(await signed(4))
    expect(licences.features()).toEqual(['dose-reports'])
  })

  test('are written anew for the device’s software after a start, and after the disk refused it', async () => {
    const licences = open()
    mkdirSync(licensedFile())
    await licences.accept(await signed(4))
    expect(licences.features()).toEqual(['dose-reports'])
    rmSync(licensedFile(), { recursive: true })
    licences.features()
    expect(JSON.parse(readFileSync(licensedFile(), 'utf8'))).toEqual({ features: ['dose-reports'] })
    rmSync(licensedFile())
    open().features()
    expect(existsSync(licensedFile())).toBe(true)
  })

  test('nobody’s file is written before there was a word', () => {
    open().features()
    expect(existsSync(licensedFile())).toBe(false)
  })
})
