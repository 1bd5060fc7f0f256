import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Candidate, chooseRoute, describeRoute, type Route } from './route.ts'

function server(name: string, change: Partial<Omit<Candidate, 'ref'>> & { site?: string } = {}): Candidate {
  const { site = name, ...rest } = change
  return { ref: { name, site, host: '192.0.2.1', port: 443 }, region: 'ca-east', weight: 1, spent: 0, doubtful: false, ...rest }
}
const names = (route: Route | null) => route && [route.accessServer.name, route.fallback?.name]
const none = new Map<string, number>()

type Play = { servers: Candidate[]; tickets: number; endsAfter: (ticket: number) => number; reweigh?: { at: number; weights: Record<string, number> } }

/** Hands out tickets one after the other; a session ends `endsAfter` tickets later. Returns how many each server got, in the order of `servers`. */
function play({ servers, tickets, endsAfter, reweigh }: Play): number[] {
  const open: { name: string; until: number }[] = []
  const got = new Map(servers.map(({ ref }) => [ref.name, 0]))
  for (let ticket = 0; ticket < tickets; ticket++) {
    if (reweigh?.at === ticket) {
      for (const one of servers) Object.assign(one, { weight: reweigh.weights[one.ref.name] })
      for (const name of got.keys()) got.set(name, 0)
    }
    const sessionsAt = new Map<string, number>()
    for (const { name, until } of open) if (until > ticket) sessionsAt.set(name, (sessionsAt.get(name) ?? 0) + 1)
    const name = chooseRoute(servers, sessionsAt, null)?.accessServer.name ?? ''
    open.push({ name, until: ticket + endsAfter(ticket) })
    got.set(name, (got.get(name) ?? 0) + 1)
    for (const one of servers) if (one.ref.name === name) one.spent += 1 / one.weight
  }
  return [...got.values()]
}

describe('how new sessions are spread (R029)', () => {
  test.each([
    ['each is over before the next begins', () => 0],
    ['all stay', () => 1_000],
    ['they end after as many others as chance says', (ticket: number) => (ticket * 7_919) % 61],
  ])('of 1,000 over two healthy equals each gets 45 to 55 %% when %s', (_how, endsAfter) => {
    for (const share of play({ servers: [server('a'), server('b')], tickets: 1_000, endsAfter })) {
      expect(share).toBeGreaterThanOrEqual(450)
      expect(share).toBeLessThanOrEqual(550)
    }
  })

  test('a weight counts from the next ticket on, whether sessions are long or short', () => {
    for (const endsAfter of [() => 0, () => 40]) {
      const shares = play({ servers: [server('a'), server('b')], tickets: 1_300, endsAfter, reweigh: { at: 300, weights: { a: 3, b: 1 } } })
      expect(shares[0]).toBeGreaterThanOrEqual(720)
      expect(shares[0]).toBeLessThanOrEqual(780)
    }
  })

  test('two who ask in turn, one of whom is quicker, do not each keep to a server of their own', () => {
    const [a, b] = [server('a'), server('b')]
    const got = new Map([
      ['a', 0],
      ['b', 0],
    ])
    let slow = 'b'
    for (let ticket = 0; ticket < 1_000; ticket++) {
      // The slow one's session is still there whenever the quick one asks; every fourth ticket is the slow one's.
      const isSlow = ticket % 4 === 3
      const name = chooseRoute([a, b], isSlow ? none : new Map([[slow, 1]]), null)?.accessServer.name ?? ''
      if (isSlow) slow = name
      got.set(name, (got.get(name) ?? 0) + 1)
      for (const one of [a, b]) if (one.ref.name === name) one.spent += 1
    }
    expect(got.get('a')).toBeGreaterThanOrEqual(450)
    expect(got.get('a')).toBeLessThanOrEqual(550)
  })

  test('the one with the fewest sessions for its weight comes first, whose turn it is or not', () => {
    const sessions = new Map([
      ['a', 5],
      ['b', 1],
      ['c', 3],
    ])
    expect(names(chooseRoute([server('a'), server('b', { spent: 9 }), server('c')], sessions, null))).toEqual(['b', 'c'])
    expect(names(chooseRoute([server('a', { weight: 10 }), server('b'), server('c')], sessions, null))).toEqual(['a', 'b'])
  })

  test('one that is busy, or has not been heard of yet, is named only where nothing better is there', () => {
    expect(names(chooseRoute([server('a', { doubtful: true }), server('b', { spent: 50 })], none, null))).toEqual(['b', 'a'])
    expect(names(chooseRoute([server('a', { doubtful: true })], none, null))).toEqual(['a', undefined])
  })
})

describe('sites and regions', () => {
  const fleet = [
    server('ca-1', { region: 'ca-east', site: 'Laval' }),
    server('ca-2', { region: 'ca-east', site: 'Laval' }),
    server('us-1', { region: 'us-east', site: 'Newark' }),
    server('uk-1', { region: 'uk', site: 'Reading' }),
  ]

  test('the fallback stands at another site, where there is one (R026)', () => {
    expect(names(chooseRoute(fleet, none, null))).toEqual(['ca-1', 'us-1'])
    expect(names(chooseRoute(fleet.slice(0, 2), none, null))).toEqual(['ca-1', 'ca-2'])
    expect(names(chooseRoute(fleet.slice(0, 1), none, null))).toEqual(['ca-1', undefined])
  })

  test('the nearest region comes first, in the order of the customer’s list, and a busy one is passed over', () => {
    expect(names(chooseRoute(fleet, none, { near: ['uk', 'us-east'], only: false }))).toEqual(['uk-1', 'us-1'])
    const busy = fleet.map((one) => (one.ref.name === 'uk-1' ? { ...one, doubtful: true } : one))
    expect(names(chooseRoute(busy, none, { near: ['uk', 'us-east'], only: false }))).toEqual(['us-1', 'ca-1'])
  })

  test('a pinned customer’s session is never outside its regions, neither first nor as fallback, whatever the rest looks like (R056)', () => {
    const region = fc.constantFrom('ca-east', 'ca-west', 'us-east', 'uk', 'jp')
    const any = fc.record({ region, weight: fc.constantFrom(1, 2), spent: fc.nat(50), doubtful: fc.boolean(), site: fc.constantFrom('A', 'B', 'C') })
    fc.assert(
      fc.property(
        fc.array(any, { maxLength: 8 }),
        fc.uniqueArray(region, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(30), { maxLength: 8 }),
        (all, near, loads) => {
          const servers = all.map((one, place) => server(`s${place}`, one))
          const route = chooseRoute(servers, new Map(loads.map((load, place) => [`s${place}`, load])), { near, only: true })
          const allowed = servers.filter((one) => near.some((region) => region === one.region))
          expect(route === null).toBe(allowed.length === 0)
          if (!route) return
          expect<string[]>(near).toContain(route.region)
          expect(route.fallback === null).toBe(allowed.length === 1)
          if (route.fallbackRegion) expect<string[]>(near).toContain(route.fallbackRegion)
          expect(route.fallback?.name).not.toBe(route.accessServer.name)
          const otherSite = allowed.some(({ ref }) => ref.site !== route.accessServer.site)
          if (otherSite) expect(route.fallback?.site).not.toBe(route.accessServer.site)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('the audit names both by name, site and region', () => {
    const route = chooseRoute(fleet, none, null)
    expect(route && describeRoute(route)).toEqual({
      accessServer: 'ca-1',
      site: 'Laval',
      region: 'ca-east',
      fallback: 'us-1',
      fallbackSite: 'Newark',
      fallbackRegion: 'us-east',
    })
  })
})
