import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLinkWorld, type LinkWorld, type TestPath } from '../../test/support/link-world.ts'
import { createInbox } from './link-inbox.ts'

const windowBytes = 16_384
/** A frame in flight, and what Node's own streams hold on the way in. */
const slackBytes = 262_144 + 2 * 65_536

function expectOrder({ ends: { client, agent } }: LinkWorld): void {
  expect([client.wrong, agent.wrong]).toEqual([null, null])
  expect(client.read).toBeLessThanOrEqual(agent.written)
  expect(agent.read).toBeLessThanOrEqual(client.written)
}

async function expectAllArrives(world: LinkWorld): Promise<void> {
  const { client, agent } = world.ends
  for (const end of [client, agent]) end.hold(false)
  for (let step = 0; step < 200 && (client.read < agent.written || agent.read < client.written); step += 1) await world.clock.advance(125)
  expect({ toClient: client.read, toAgent: agent.read }).toEqual({ toClient: agent.written, toAgent: client.written })
  expectOrder(world)
}

/** Both ends measure a long way over this path; an octet each way. */
async function lengthen({ ends: { client, agent }, clock }: LinkWorld, path: TestPath): Promise<void> {
  path.stall('back')
  client.write(1)
  agent.write(1)
  await clock.advance(750)
  path.stall('none')
  await clock.advance(250)
}

describe('the link (R025, goal D1)', () => {
  test('carries both ways over one path', async () => {
    const world = createLinkWorld()
    await world.connect('east')
    world.ends.client.write(100_000)
    world.ends.agent.write(70_000)
    await expectAllArrives(world)
  })

  test('goes on over the path that stands by when the other is cut, without a lost or doubled octet', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    await world.connect('west')
    const { client, agent } = world.ends
    expect([client.link.state().carrier, agent.link.state().carrier]).toEqual(['east', 'east'])
    client.write(5_000)
    agent.write(5_000)
    east.move()
    east.cut()
    await world.settle()
    expect(client.link.state()).toEqual({ carrier: 'west', standby: [], interrupted: false })
    await expectAllArrives(world)
  })

  test('doubts a path that answers no more and uses the other, also where only one direction is dead', async () => {
    for (const direction of ['both', 'there', 'back'] as const) {
      const world = createLinkWorld()
      const east = await world.connect('east')
      await world.connect('west')
      east.stall(direction)
      world.ends.client.write(1)
      world.ends.agent.write(1)
      await world.clock.advance(2_000)
      expect(world.ends.client.link.state().carrier).toBe('west')
      expect([world.ends.client.read, world.ends.agent.read]).toEqual([1, 1])
    }
  })

  test('a path that was only slow is well again, and what came twice is read once', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    await world.connect('west')
    east.stall('both')
    world.ends.client.write(3_000)
    await world.clock.advance(3_000)
    world.ends.client.write(3_000)
    east.stall('none')
    await world.clock.advance(1_000)
    expect(world.ends.client.link.state()).toEqual({ carrier: 'west', standby: ['east'], interrupted: false })
    await expectAllArrives(world)
  })

  test('over a long way a few octets go over both paths, and what the one that carries has lost is there (D24)', async () => {
    for (const isLong of [true, false]) {
      const world = createLinkWorld()
      const east = await world.connect('east')
      await world.connect('west')
      const { client, agent } = world.ends
      if (isLong) await lengthen(world, east)
      east.stall('both')
      client.write(3)
      client.write(40)
      await world.settle()
      expect(client.link.state()).toEqual({ carrier: 'east', standby: ['west'], interrupted: false })
      expect(agent.read).toBe(isLong ? 44 : 0)
      client.write(5_000)
      await world.settle()
      expect(agent.read).toBe(isLong ? 44 : 0)
      await expectAllArrives(world)
    }
  })

  test('a path that has stalled for seconds is doubted as soon as the first time', async () => {
    const world = createLinkWorld()
    const [east, west] = [await world.connect('east'), await world.connect('west')]
    const { link } = world.ends.client
    const until = async (name: string) => {
      for (let step = 0; step < 16 && link.state().carrier !== name; step += 1) await world.clock.advance(125)
      expect(link.state().carrier).toBe(name)
    }
    east.stall('back')
    world.ends.client.write(10)
    await until('west')
    await world.clock.advance(4_000)
    east.stall('none')
    await world.clock.advance(125)
    west.stall('back')
    world.ends.client.write(10)
    await until('east')
    east.stall('back')
    west.stall('none')
    world.ends.client.write(10)
    await until('west')
    await expectAllArrives(world)
  })

  test('waits without any path and goes on with the next one; says that it is interrupted meanwhile', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    east.cut()
    world.ends.client.write(2_000)
    await world.clock.advance(300_000)
    expect(world.ends.client.link.state()).toEqual({ carrier: null, standby: [], interrupted: true })
    await world.connect('east')
    expect(world.ends.client.link.state().interrupted).toBe(false)
    await expectAllArrives(world)
  })

  test('five minutes of silence are none for a NAT that forgets after 60 s: something is said on every path', async () => {
    const world = createLinkWorld()
    const paths = [await world.connect('east'), await world.connect('west')]
    await world.clock.advance(60_000)
    for (const path of paths) {
      let said = 0
      path.tamper((octets) => {
        said += octets.length
        return octets
      })
      await world.clock.advance(55_000)
      expect(said).toBeGreaterThan(0)
    }
    expect(world.ends.client.link.state()).toEqual({ carrier: 'east', standby: ['west'], interrupted: false })
  })

  test('a reader that does not read stops the writer at the window, and no path is taken for dead', async () => {
    const world = createLinkWorld()
    await world.connect('east')
    const { client, agent } = world.ends
    agent.hold(true)
    for (let written = 0; written < 3_000_000; written += 30_000) client.write(30_000)
    await world.clock.advance(30_000)
    expect(client.link.keptBytes).toBeLessThanOrEqual(windowBytes + slackBytes)
    expect(agent.link.readableLength).toBeLessThanOrEqual(windowBytes + slackBytes)
    expect(client.link.state().interrupted).toBe(false)
    await expectAllArrives(world)
  })

  test('holds no more than the window either where a reader does not read and paths come and go', async () => {
    const world = createLinkWorld()
    const { client, agent } = world.ends
    agent.hold(true)
    for (let round = 0; round < 40; round += 1) {
      const path = await world.connect('east')
      for (let write = 0; write < 10; write += 1) client.write(30_000)
      await world.clock.advance(500)
      path.cut()
      await world.settle()
    }
    expect(agent.link.destroyed).toBe(false)
    expect(client.written).toBeLessThanOrEqual(2 * (windowBytes + slackBytes))
    await world.connect('west')
    await expectAllArrives(world)
  })

  test('an acknowledgement that was lost with its path is said again', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    await world.connect('west')
    const { client, agent } = world.ends
    east.stall('back')
    client.write(1_000)
    await world.settle()
    expect([agent.read, client.link.keptBytes]).toEqual([1_000, 1_000])
    await world.clock.advance(3_000)
    expect(client.link.state().carrier).toBe('west')
    expect(client.link.keptBytes).toBe(0)
  })

  test('ends each direction by itself, and is over when both have ended', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    const { client, agent } = world.ends
    client.write(40_000)
    client.link.end()
    await world.clock.advance(500)
    expect([agent.ended, agent.read, client.ended]).toEqual([true, 40_000, false])
    agent.write(50_000)
    agent.link.end()
    await world.clock.advance(500)
    expect([client.ended, client.read, client.link.destroyed, agent.link.destroyed]).toEqual([true, 50_000, true, true])
    await expect.poll(() => east.left.destroyed && east.right.destroyed).toBe(true)
  })

  test('the end of a direction arrives also when the path dies with it', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    world.ends.client.write(100)
    await world.settle()
    east.stall('both')
    world.ends.client.link.end()
    await world.settle()
    east.cut()
    await world.connect('west')
    await world.clock.advance(500)
    expect([world.ends.agent.ended, world.ends.client.link.writableFinished]).toEqual([true, true])
  })

  test('one that is destroyed takes the other along', async () => {
    const world = createLinkWorld()
    await world.connect('east')
    world.ends.client.link.destroy()
    await world.clock.advance(500)
    expect(world.ends.agent.link.destroyed).toBe(true)
    expect(world.ends.agent.states.some(({ interrupted }) => interrupted)).toBe(false)
    expect(await world.ends.agent.link.attach(world.paths[0]?.right as never, {} as never).catch(() => 'refused')).toBe('refused')
  })

  test('a path that breaks a rule is closed, the link goes on', async () => {
    const world = createLinkWorld()
    const east = await world.connect('east')
    await world.connect('west')
    east.tamper((octets) => Buffer.alloc(octets.length, 0xff))
    world.ends.client.write(1_000)
    await world.clock.advance(3_000)
    expect(world.ends.client.link.state().carrier).toBe('west')
    await expectAllArrives(world)
  })
})

describe('what a hostile path can make an end keep (D23)', () => {
  test('a window of octets, and no endless row of single ones', () => {
    const inbox = createInbox(windowBytes, () => true)
    expect(inbox.put(0, Buffer.alloc(windowBytes + 1))).toBe('beyond')
    const patient = createInbox(1_000_000, () => true)
    let at = 0
    while (at < 1_000_000 && patient.put(at, Buffer.alloc(1)) === 'fresh') at += 1
    expect(at).toBe(65_536)
  })
})

/** What can happen to a link, at random. */
const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('client writes', 'agent writes'),
      octets: fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20_000 })),
    }),
  },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('some of it arrives'), times: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('time passes'), ms: fc.integer({ min: 1, max: 3_000 }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('a path comes'), name: fc.constantFrom('east', 'west') }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('a path is cut'), which: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('a path stalls'), which: fc.nat(7), how: fc.constantFrom('there', 'back', 'both', 'none') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('client holds', 'agent holds', 'client reads on', 'agent reads on') }) },
)
type Happening = { what: string; octets?: number; times?: number; ms?: number; name?: string; which?: number; how?: 'there' | 'back' | 'both' | 'none' }

async function happen(world: LinkWorld, { what, octets = 0, times = 0, ms = 0, name = '', which = 0, how = 'none' }: Happening): Promise<void> {
  const { client, agent } = world.ends
  const path = world.paths[which % Math.max(1, world.paths.length)]
  if (what === 'client writes') client.write(octets)
  else if (what === 'agent writes') agent.write(octets)
  else if (what === 'some of it arrives') for (let time = 0; time < times; time += 1) for (const one of world.paths) one.move()
  else if (what === 'time passes') await world.clock.advance(ms)
  else if (what === 'a path comes') await world.connect(name)
  else if (what === 'a path is cut') path?.cut()
  else if (what === 'a path stalls') path?.stall(how)
  else (what.startsWith('client') ? client : agent).hold(what.endsWith('holds'))
}

describe('the link over wires that drop, cut, delay, split and join (goal D1)', () => {
  const histories = Number(process.env.GANTRY_HISTORIES ?? 1_000)

  test(`${histories} histories: never a lost, doubled or reordered octet, never more memory than the window`, { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 40 }), fc.integer(), fc.boolean(), async (history, seed, isLong) => {
        let chance = seed >>> 0
        const random = () => {
          chance = (Math.imul(chance, 1_664_525) + 1_013_904_223) >>> 0
          return chance / 2 ** 32
        }
        const world = createLinkWorld({ windowBytes, random })
        const east = await world.connect('east')
        if (isLong) await lengthen(world, east)
        for (const one of history) {
          await happen(world, one)
          expectOrder(world)
          for (const { link } of [world.ends.client, world.ends.agent]) expect(link.keptBytes).toBeLessThanOrEqual(windowBytes + slackBytes)
        }
        for (const path of world.paths) path.cut()
        await world.settle()
        await world.connect('west')
        await expectAllArrives(world)
        for (const { link } of [world.ends.client, world.ends.agent]) link.destroy()
      }),
      { numRuns: histories },
    )
  })
})
