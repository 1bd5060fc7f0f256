import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import { addressGroup, createOpeningLimits } from './opening-limits.ts'
import { createPairing, type Met, type Seat } from './pairing.ts'

type TestSeat = Seat & { closed: string[]; met: boolean }

function seat(change: Partial<Seat> = {}): TestSeat {
  const closed: string[] = []
  return { ticketId: 'tkt_a', side: 'client', leg: 'control-1', epoch: 1, link: 'none', ...change, closed, met: false, close: (code) => closed.push(code) }
}

function create(limits: { maxLegs?: number; maxLegsPerTicket?: number } = {}) {
  const met: Met<TestSeat>[] = []
  const onMet = (pair: Met<TestSeat>) => {
    pair.client.met = true
    pair.agent.met = true
    met.push(pair)
  }
  return { met, pairing: createPairing<TestSeat>({ pairTimeoutMs: 60_000, maxLegs: 100, maxLegsPerTicket: 100, ...limits, onMet }) }
}

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'none'
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

describe('pairing', () => {
  test('holds no more legs than it may, of one ticket or in all', () => {
    const { pairing } = create({ maxLegs: 3, maxLegsPerTicket: 2 })
    const giveBack = pairing.take(seat())
    pairing.take(seat({ leg: 'files-1' }))
    expect(codeOf(() => pairing.take(seat({ leg: 'files-2' })))).toBe('leg.busy')
    pairing.take(seat({ ticketId: 'tkt_b' }))
    expect(codeOf(() => pairing.take(seat({ ticketId: 'tkt_c' })))).toBe('leg.busy')
    giveBack()
    pairing.take(seat({ ticketId: 'tkt_c' }))
    pairing.closeAll('leg.draining')
    expect(pairing.counts()).toEqual({ waiting: 0, pairs: 0, seats: 0 })
  })

  test('drains: those that wait go, those that are joined stay until they are over or their turn to move has come', async () => {
    const { pairing, met } = create()
    const waiting = seat({ leg: 'files-1' })
    const [client, agent] = [seat(), seat({ side: 'agent' })]
    for (const one of [waiting, client, agent]) pairing.take(one)
    let drained = false
    const draining = pairing.drain(60_000).then(() => {
      drained = true
    })
    expect([waiting.closed, client.closed, agent.closed]).toEqual([['leg.draining'], [], []])
    expect(codeOf(() => pairing.take(seat({ leg: 'files-2' })))).toBe('leg.draining')
    await Promise.resolve()
    expect(drained).toBe(false)
    met[0]?.leave()
    await draining
  })

  test('drains evenly: one session after the other with all its legs, the last before the time is over', async () => {
    vi.useFakeTimers()
    try {
      const { pairing } = create()
      const seats = [1, 2, 3, 4].flatMap((session) => {
        const both = (leg: string) => (['client', 'agent'] as const).map((side) => seat({ ticketId: `tkt_${session}`, leg, side }))
        return [...both('control-1'), ...both('files-1')]
      })
      for (const one of seats) pairing.take(one)
      const drained = vi.fn()
      void pairing.drain(10_000).then(drained)
      const gone = () => seats.filter(({ closed }) => closed.length > 0).length
      const seen: number[] = []
      for (let second = 1; second <= 10; second++) {
        await vi.advanceTimersByTimeAsync(1_000)
        seen.push(gone())
      }
      expect(seen).toEqual([0, 4, 4, 8, 8, 12, 12, 16, 16, 16])
      expect(seats.every(({ closed }) => closed.join() === 'leg.draining')).toBe(true)
      expect(drained).toHaveBeenCalledOnce()
    } finally {
      vi.useRealTimers()
    }
  })

  test('whatever comes in whatever order: both sides of one leg are joined, nobody twice, and nothing is left behind', () => {
    const move = fc.record({
      ticketId: fc.constantFrom('tkt_a', 'tkt_b'),
      side: fc.constantFrom('client' as const, 'agent' as const),
      leg: fc.constantFrom('control-1', 'files-1'),
      epoch: fc.integer({ min: 1, max: 4 }),
      link: fc.constantFrom('none' as const, 1 as const),
      afterwards: fc.constantFrom('stay', 'leave', 'end a pair'),
    })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        const { pairing, met } = create()
        const live = new Set<TestSeat>()
        for (const { afterwards, ...rest } of moves) {
          const one = seat(rest)
          const rivals = [...live].filter(
            (other) => other.ticketId === one.ticketId && other.side === one.side && other.leg === one.leg && other.closed.length === 0,
          )
          const code = codeOf(() => {
            const giveBack = pairing.take(one)
            live.add(one)
            if (afterwards === 'leave') {
              giveBack()
              if (!one.met) live.delete(one)
            }
          })
          if (rivals.some((other) => other.epoch >= one.epoch)) expect(code).toBe('leg.refused')
          if (code === 'none') expect(rivals.every((other) => other.closed.join() === 'leg.replaced')).toBe(true)
          if (afterwards === 'end a pair') {
            const over = met.find(({ client }) => live.has(client) && client.closed.length === 0)
            over?.leave()
            for (const ended of over ? [over.client, over.agent] : []) live.delete(ended)
          }
        }
        for (const { client, agent } of met) {
          expect([client.side, agent.side, client.ticketId, client.leg, client.link]).toEqual(['client', 'agent', agent.ticketId, agent.leg, agent.link])
        }
        const all = met.flatMap(({ client, agent }) => [client, agent])
        expect(new Set(all).size).toBe(all.length)
        pairing.closeAll('leg.draining')
        expect(pairing.counts()).toEqual({ waiting: 0, pairs: 0, seats: 0 })
        for (const one of live) expect(one.closed).toHaveLength(1)
      }),
      { numRuns: 500 },
    )
  })
})

describe('places of what is not admitted yet', () => {
  test('are limited by address and in all, and come back', () => {
    const limits = createOpeningLimits({ maxOpening: 3, maxOpeningPerAddress: 2 })
    expect(['a', 'a', 'a', 'b', 'c'].map((address) => limits.enter(address))).toEqual([true, true, false, true, false])
    limits.leave('a')
    expect(['c', 'a'].map((address) => limits.enter(address))).toEqual([true, false])
  })

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('count %s as %s', (address, group) => {
    expect(addressGroup(address)).toBe(group)
  })
})
