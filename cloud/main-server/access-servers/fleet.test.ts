import type { BeatPayload } from '@gantry/shared/access-api.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { generateSigningKey, type SigningKey, sha256, signJws } from '@gantry/shared/node/signing.ts'
import { describe, expect, test } from 'vitest'
import type { ListedServer } from '../listed-servers.ts'
import { createFleet } from './fleet.ts'

const keys = { east: generateSigningKey(), west: generateSigningKey() }
const thisServer = sha256('a main server')
const calm = { legs: 2, maxLegs: 100, pairs: 1, cpu: 0.1, loop: 0.1 }

function listed(name: 'east' | 'west', change: Partial<ListedServer> = {}): ListedServer {
  return { name, site: name, host: '192.0.2.1', port: 443, region: `ca-${name}`, weight: 1, key: keys[name].publicJwk, ...change } as ListedServer
}

function world(list = [listed('east'), listed('west')]) {
  const clock = { ms: 1_800_000_000_000 }
  const events: NewAuditEvent[] = []
  const audit = { broken: false }
  const append = (event: NewAuditEvent) => {
    if (audit.broken) throw new AppError('audit.unavailable')
    events.push(event)
  }
  const fleet = createFleet({ list, isThisServer: (to) => to === thisServer, append, now: () => clock.ms })
  const beat = (name: 'east' | 'west', change: Partial<BeatPayload> = {}, key: SigningKey = keys[name]) => {
    const { site, host, port, region } = listed(name)
    const payload = { version: 1, to: thisServer, server: { name, site, host, port }, region, atMs: clock.ms, draining: false, load: calm, ...change }
    return signJws('beat', payload, key)
  }
  const hear = async (name: 'east' | 'west', change: Partial<BeatPayload> = {}) => fleet.hear(await beat(name, change))
  const codeOf = async (jws: Promise<string>) =>
    fleet.hear(await jws).then(
      () => 'heard',
      (error: unknown) => (error instanceof AppError ? [error.code, error.details?.field].filter(Boolean).join(' ') : String(error)),
    )
  const up = () => fleet.candidates().map(({ ref, doubtful }) => `${ref.name}${doubtful ? '?' : ''}`)
  const pass = (ms: number) => {
    clock.ms += ms
    fleet.lookForSilence()
  }
  const kinds = () => events.filter(({ kind }) => kind !== 'access-server.listed').map(({ kind, data }) => `${kind.slice(14)} ${data?.name}`)
  return { fleet, beat, hear, codeOf, up, pass, kinds, events, clock, audit }
}

describe('an access server registers itself by its beats', () => {
  test('after a start those on the list are possible, behind those that have spoken, and out when they never speak (D2)', async () => {
    const { hear, up, pass, kinds } = world()
    expect(up()).toEqual(['east?', 'west?'])
    await hear('west')
    expect(up()).toEqual(['east?', 'west'])
    pass(6_000)
    await hear('west')
    pass(1_000)
    expect(up()).toEqual(['west'])
    expect(kinds()).toEqual(['up west', 'lost east'])
  })

  test('one that misses three beats is out, and in again with its next one (R025)', async () => {
    const { hear, up, pass, kinds } = world()
    await hear('east')
    await hear('west')
    for (let count = 0; count < 4; count++) {
      pass(2_000)
      await hear('west')
    }
    expect(up()).toEqual(['west'])
    pass(1_000)
    await hear('east')
    expect(up()).toEqual(['east', 'west'])
    expect(kinds()).toEqual(['up east', 'up west', 'lost east', 'up east'])
  })

  test('one that dies while this server’s clock is set back is out all the same (D14)', async () => {
    const { hear, up, pass } = world()
    await hear('east')
    await hear('west')
    pass(-3_600_000)
    expect(up()).toEqual(['east', 'west'])
    pass(7_000)
    expect(up()).toEqual([])
  })

  test('one that drains gets no new ticket from that beat on, and says so once', async () => {
    const { hear, up, pass, kinds } = world()
    await hear('east')
    await hear('west')
    for (let count = 0; count < 3; count++) {
      pass(1_000)
      await hear('east', { draining: true })
    }
    expect(up()).toEqual(['west'])
    expect(kinds()).toEqual(['up east', 'up west', 'draining east'])
  })

  test('one whose thread or places are nearly used up is doubtful, not out', async () => {
    const { hear, up, pass } = world()
    await hear('east', { load: { ...calm, loop: 0.97 } })
    await hear('west', { load: { ...calm, legs: 95 } })
    expect(up()).toEqual(['east?', 'west?'])
    pass(2_000)
    await hear('east')
    expect(up()).toEqual(['east', 'west?'])
  })

  test('what cannot be audited does not happen', async () => {
    const { codeOf, beat, up, audit, clock } = world()
    audit.broken = true
    expect(await codeOf(beat('east'))).toBe('audit.unavailable')
    expect(up()).toEqual(['east?', 'west?'])
    audit.broken = false
    clock.ms += 1
    expect(await codeOf(beat('east'))).toBe('heard')
  })
})

describe('who may not register (deny unless known)', () => {
  test('another key, another server’s key, a name that is not listed, another kind of signature, another main server', async () => {
    const { codeOf, beat, kinds, clock } = world()
    const stranger = generateSigningKey()
    const forged = beat('east', {}, stranger)
    const unlisted = beat('east', { server: { name: 'north', site: 'east', host: '192.0.2.1', port: 443 } })
    const kind = signJws('admission', JSON.parse(Buffer.from((await beat('east')).split('.')[1] ?? '', 'base64url').toString()), keys.east)
    for (const bad of [forged, beat('east', {}, keys.west), unlisted, kind, beat('east', { to: sha256('another') }), Promise.resolve('a.b.c')]) {
      expect(await codeOf(bad)).toBe('access-server.unknown')
    }
    expect(kinds()).toEqual([])
    expect(await codeOf(beat('east', { atMs: clock.ms + 200_000 }))).toBe('access.clock-off')
  })

  test('the same beat twice, and an older one', async () => {
    const { codeOf, beat, clock } = world()
    const first = beat('east')
    expect(await codeOf(first)).toBe('heard')
    expect(await codeOf(first)).toBe('access-server.unknown')
    expect(await codeOf(beat('east', { atMs: clock.ms - 1 }))).toBe('access-server.unknown')
  })

  test('one that says other facts than the list: its site, its address, its region (R027, R056)', async () => {
    const { codeOf, beat, up } = world()
    const server = { name: 'east', site: 'east', host: '192.0.2.1', port: 443 }
    expect(await codeOf(beat('east', { server: { ...server, site: 'Elsewhere' } }))).toBe('access-server.facts-differ site')
    expect(await codeOf(beat('east', { server: { ...server, host: '198.51.100.9' } }))).toBe('access-server.facts-differ host')
    expect(await codeOf(beat('east', { server: { ...server, port: 8_443 } }))).toBe('access-server.facts-differ port')
    expect(await codeOf(beat('east', { region: 'uk' }))).toBe('access-server.facts-differ region')
    expect(up()).toEqual(['east?', 'west?'])
  })
})

describe('the operator’s list', () => {
  test('a weight counts at once, without a beat; none means no new tickets; one that is gone is gone', async () => {
    const { fleet, hear, up } = world()
    await hear('east')
    await hear('west')
    fleet.relist([listed('east', { weight: 3 }), listed('west')])
    expect(fleet.candidates().map(({ weight }) => weight)).toEqual([3, 1])
    fleet.relist([listed('east', { weight: 0 }), listed('west')])
    expect(up()).toEqual(['west'])
    fleet.relist([listed('west')])
    expect(up()).toEqual(['west'])
    expect(fleet.endpoints(null).map(({ name }) => name)).toEqual(['west'])
  })

  test('one that comes late, or with another key, is not up by its name, and takes its turn with the others', async () => {
    const { fleet, hear, up, pass, clock } = world([listed('west')])
    await hear('west')
    for (let ticket = 0; ticket < 500; ticket++) fleet.noteTicket('west')
    clock.ms += 5_000
    await hear('west')
    pass(5_000)
    fleet.relist([listed('east'), listed('west')])
    expect(up()).toEqual(['west'])
    await hear('east')
    expect(fleet.candidates().map(({ spent }) => spent)).toEqual([500, 500])
    fleet.relist([listed('east', { key: generateSigningKey().publicJwk }), listed('west')])
    expect(up()).toEqual(['west'])
  })

  test('what a device’s firewall must let pass is all that is listed in the customer’s regions, up or not (R027, R056)', () => {
    const { fleet, pass } = world()
    pass(60_000)
    expect(fleet.endpoints(null)).toEqual([
      { name: 'east', site: 'east', host: '192.0.2.1', port: 443 },
      { name: 'west', site: 'west', host: '192.0.2.1', port: 443 },
    ])
    expect(fleet.endpoints(['ca-west', 'uk']).map(({ name }) => name)).toEqual(['west'])
  })
})
