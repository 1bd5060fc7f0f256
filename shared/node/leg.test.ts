import { createServer } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { type LegWorld, startLegWorld } from '../../test/support/access-server.ts'
import { AppError } from '../errors.ts'
import type { AccessServerRef } from '../ticket.ts'
import { createDialler } from './dial.ts'
import { type LegOptions, openLeg, openLegWithFallback, parseAnswerHead, parseVerdict } from './leg.ts'
import { readUntil } from './read-until.ts'

const worlds: LegWorld[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

async function start(...args: Parameters<typeof startLegWorld>): Promise<LegWorld> {
  const world = await startLegWorld(...args)
  worlds.push(world)
  return world
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof AppError ? error.code : error
  }
}

async function options(world: LegWorld, side: LegOptions['side'], ticket?: Awaited<ReturnType<LegWorld['ticket']>>): Promise<LegOptions> {
  const { text, payload } = ticket ?? (await world.ticket())
  const key = side === 'client' ? world.sessionKey : world.deviceKey
  return { dial: createDialler({ ca: world.ca }), ticket: text, ticketId: payload.id, side, leg: 'control-1', epoch: 1, key }
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('opening a leg', () => {
  test('keeps the bytes that come right behind the verdict, and says which server carries them', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const client = openLeg({ ...(await options(world, 'client', ticket)), server: world.ref })
    const agent = await openLeg({ ...(await options(world, 'agent', ticket)), server: world.ref })
    agent.write('SSH-2.0-first\r\n')
    const leg = await client
    expect(leg.remote).toEqual(world.ref)
    expect((await readUntil(leg, '\r\n', { maxBytes: 100 })).toString()).toBe('SSH-2.0-first')
    agent.destroy()
    leg.destroy()
  })

  test('ends with the reason of its signal, at whatever step it is', async () => {
    const world = await start()
    const reason = new AppError('access.cancelled')
    for (const afterMs of [0, 5, 60]) {
      const controller = new AbortController()
      const opening = codeOf(openLeg({ ...(await options(world, 'client')), server: world.ref, signal: controller.signal }))
      setTimeout(() => controller.abort(reason), afterMs)
      expect(await opening).toBe('access.cancelled')
    }
  })

  test('goes to the fallback when the first server is away, for both ends', async () => {
    const world = await start()
    const dead: AccessServerRef = { ...world.ref, name: 'south-1', port: await closedPort() }
    const ticket = await world.ticket({ accessServer: dead, fallback: world.ref })
    const ends = await Promise.all(
      (['client', 'agent'] as const).map(async (side) => openLegWithFallback([dead, world.ref], await options(world, side, ticket))),
    )
    expect(ends.map(({ remote }) => remote.name)).toEqual(['north-1', 'north-1'])
    for (const end of ends) end.destroy()
  })

  test('meets the other end also when only one of them can reach the first server', async () => {
    const first = await start({ pairTimeoutMs: 300 })
    const second = await start({ pairTimeoutMs: 300 }, { name: 'south-1', keys: first.keys })
    const ticket = await first.ticket({ fallback: second.ref })
    const dead = { ...first.ref, port: await closedPort() }
    const client = openLegWithFallback([first.ref, second.ref], await options(first, 'client', ticket))
    const agent = openLegWithFallback([dead, second.ref], await options(first, 'agent', ticket))
    const ends = await Promise.all([client, agent])
    expect(ends.map(({ remote }) => remote.name)).toEqual(['south-1', 'south-1'])
    for (const end of ends) end.destroy()
  })

  test('does not go to the fallback with a ticket that is no good', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const bad = { ...(await options(world, 'client', ticket)), ticket: `${ticket.text.slice(0, -8)}AAAAAAAA` }
    expect(await codeOf(openLegWithFallback([world.ref, world.ref], bad))).toBe('ticket.bad')
  })

  test('says in the end why no server would do', async () => {
    const world = await start({ pairTimeoutMs: 50 })
    expect(await codeOf(openLegWithFallback([world.ref], await options(world, 'client')))).toBe('leg.peer-missing')
    const dead = { ...world.ref, port: await closedPort() }
    expect(await codeOf(openLegWithFallback([dead], await options(world, 'client')))).toBe('server.unreachable')
    expect(await codeOf(openLegWithFallback([], await options(world, 'client')))).toBe('server.unreachable')
  })
})

/** Runs a parser; whatever it is given, it throws `server.answer-bad` or gives a value. */
function answered<T>(parse: () => T): T | null {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'server.answer-bad') throw error
    return null
  }
}

describe('what a stranger in place of the server may send (fuzz)', () => {
  test('a verdict is one of the two shapes or none', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ ok: fc.boolean(), failure: fc.record({ code: fc.string(), details: fc.jsonValue() }) }).map((value) => JSON.stringify(value)),
    )
    fc.assert(
      fc.property(text, (line) => {
        const verdict = answered(() => parseVerdict(Buffer.from(line)))
        if (verdict) expect([true, false]).toContain(verdict.ok)
      }),
      { numRuns: 2_000 },
    )
    expect(answered(() => parseVerdict(Buffer.from('{"ok":true}')))).toEqual({ ok: true })
    expect(answered(() => parseVerdict(Buffer.from('{"ok":true,"more":1}')))).toBe(null)
  })

  test('a head is a status with headers or none', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `HTTP/1.1 101 X\r\n${text}`),
        ),
        (head) => {
          const answer = answered(() => parseAnswerHead(head))
          if (answer) expect(answer.status).toBeGreaterThanOrEqual(100)
        },
      ),
      { numRuns: 2_000 },
    )
    expect(answered(() => parseAnswerHead('HTTP/1.1 101 Switching Protocols\r\nGantry-Nonce:  abc '))).toEqual({
      status: 101,
      headers: new Map([['gantry-nonce', 'abc']]),
    })
  })
})
