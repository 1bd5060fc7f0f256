import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { Config as AgentConfig } from '../agent/config.ts'
import { Config as PanelConfig } from '../agent/panel/config.ts'
import { Config as AccessServerConfig } from '../cloud/access-server/config.ts'
import { Config as MainServerConfig } from '../cloud/main-server/config.ts'
import { Seed } from '../cloud/main-server/seed.ts'
import { Policy } from '../shared/device-policy.ts'
import { accessServerConfig, agentConfig, mainServerConfig, panelConfig } from './configs.ts'
import { base32, openCredentials } from './credentials.ts'
import { devicesWithAgent, type Hospital, Model, readHospital, seedFrom } from './hospital.ts'
import { pathsOf } from './state-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'gantry-hospital-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const world = readHospital()
const devices = devicesWithAgent(world.hospital, world.models)
const credentials = openCredentials(join(folder, 'credentials.json'), world.hospital)
const ports = { people: 1_001, agents: 1_002, access1: 1_003, access2: 1_004, panels: 1_005 }
const tls = { cert: '/c.pem', key: '/k.pem' }
const { publicJwk } = generateSigningKey()

describe('the fictitious hospital', () => {
  test('R006, R007: four devices with an agent: three injector models and a software product, each model a data file', () => {
    expect(devices.map(({ model }) => model.kind)).toEqual(['injector', 'injector', 'injector', 'software'])
    expect(new Set(devices.map(({ model }) => model.id)).size).toBe(4)
  })

  test('R006: a model that nobody has seen before needs a data file and no code', () => {
    const unknown = Model.parse({ id: 'nv-999', name: 'NV-999', kind: 'injector', softwareVersion: '0.1' })
    const hospital: Hospital = structuredClone(world.hospital)
    const first = hospital.customers[0]?.sites[0]?.devices[0]
    if (first) first.model = unknown.id
    expect(devicesWithAgent(hospital, [...world.models, unknown])[0]?.model).toEqual(unknown)
  })

  test('the first device asks without a typed code and often; the second is strict', () => {
    const [easy, strict] = devices.map(({ policy }) => Policy.parse(policy))
    expect(easy).toMatchObject({ instantPickup: true, requestsPerHour: 1_000, rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask' } })
    expect(strict).toMatchObject({ instantPickup: false, requestsPerHour: 3, rules: { os: 'ask-typed' } })
  })

  test('the first specialist may do everything on all four devices, and another device is not theirs', () => {
    const [specialist] = world.hospital.specialists
    const profile = world.hospital.profiles.find(({ id }) => id === specialist?.profile)
    const customers = world.hospital.customers.filter(({ id }) => profile?.grants.some((grant) => grant.customers?.includes(id)))
    const theirs = customers.flatMap(({ sites }) => sites.flatMap((site) => site.devices))
    expect(theirs.map(({ id }) => id)).toEqual(devices.map(({ id }) => id))
    expect(world.hospital.customers.flatMap(({ sites }) => sites.flatMap((site) => site.devices)).length).toBeGreaterThan(theirs.length)
  })

  test('the practice device comes when it is asked for, is marked and assigned, and its agent and panel are told what those of any device are', () => {
    const practiced = readHospital(true)
    const file = join(folder, 'practiced.json')
    copyFileSync(join(folder, 'credentials.json'), file)
    const known = openCredentials(file, practiced.hospital)
    // A state that was made without it keeps all its secrets.
    expect(known).toMatchObject({ ...credentials, enrolment: expect.objectContaining(credentials.enrolment) })
    expect(openCredentials(file, practiced.hospital)).toEqual(known)
    const all = devicesWithAgent(practiced.hospital, practiced.models)
    expect(all.filter(({ practice }) => practice)).toEqual(all.slice(4))
    expect(all).toHaveLength(5)
    const seed = Seed.parse(seedFrom(practiced, known))
    const seeded = seed.customers.flatMap(({ sites }) => sites.flatMap((site) => site.devices))
    expect(seeded.filter(({ practice }) => practice).map(({ id }) => id)).toEqual(all.slice(4).map(({ id }) => id))
    const place = { filesRoot: '/f', service: '/s', user: null, menu: ['/m'] }
    const told = { ports, place, enrolmentCode: 'GNT1-A-B', panelSocket: '/p', control: ['/c'], language: 'en' as const }
    const keys = all.map((device) => Object.keys(agentConfig(pathsOf(folder), device, told)))
    expect(keys[4]).toEqual(keys[0])
    // No typed code: nobody could tell it to the simulated person.
    expect(Object.values(Policy.parse(all[4]?.policy).rules)).not.toContain('ask-typed')
  })

  test('what the parts are told fits their own schemas', () => {
    const paths = pathsOf(folder)
    expect(Seed.safeParse(seedFrom(world, credentials)).error).toBeUndefined()
    expect(
      MainServerConfig.safeParse(mainServerConfig(paths, { ports, tls, authorityKey: publicJwk, seedFile: '/seed.json', fleetFile: '/fleet.json' })).error,
    ).toBeUndefined()
    expect(
      AccessServerConfig.safeParse(accessServerConfig(paths, 2, { ports, tls, ticketKey: publicJwk, authorityKey: publicJwk, key: '/beat.pem' })).error,
    ).toBeUndefined()
    expect(PanelConfig.safeParse(panelConfig({ socket: '/tmp/x/panel', account: { uid: 65_533, gid: 65_533 }, language: 'fr' })).error).toBeUndefined()
    const place = { filesRoot: '/f', service: '/s', user: { uid: 65_534, gid: 65_534, name: 'service', home: '/f' }, menu: ['node', 'menu.ts'] }
    for (const device of devices) {
      const config = agentConfig(paths, device, {
        ports,
        place,
        enrolmentCode: 'GNT1-A-B',
        panelSocket: '/tmp/x/panel',
        control: ['node', 'control.ts'],
        language: 'en',
      })
      expect(AgentConfig.safeParse(config).error).toBeUndefined()
    }
  })

  test('its secrets are its own, and stay the same from start to start', () => {
    expect(openCredentials(join(folder, 'credentials.json'), world.hospital)).toEqual(credentials)
    const other = openCredentials(join(folder, 'other.json'), world.hospital)
    expect(other.specialists).not.toEqual(credentials.specialists)
    expect(other.enrolment).not.toEqual(credentials.enrolment)
  })

  test('base 32 is that of RFC 4648, section 10', () => {
    const vectors = { '': '', f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', fooba: 'MZXW6YTB', foobar: 'MZXW6YTBOI' }
    for (const [text, encoded] of Object.entries(vectors)) expect(base32(Buffer.from(text))).toBe(encoded)
  })
})
