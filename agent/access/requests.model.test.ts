import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type DeliveryId, newId } from '../../shared/ids.ts'
import { generateSigningKey, newNonce } from '../../shared/node/signing.ts'
import type { LevelRule } from '../../shared/profile.ts'
import { type Case, makeCase, rosters, World } from '../../test/support/access-world.ts'

/**
 * R065, goal D15: whatever the order in which deliveries, presses, crashes, clocks and policies come, a session opens only when every condition holds. The rules
 * are told a second time here and in `World`, as what the outside can see, and each opened session is held against them at the very step at which it opened.
 */
let cases: Case[]

beforeAll(async () => {
  const stranger = generateSigningKey()
  cases = [
    await makeCase(true),
    await makeCase(true, { request: { access: 'diagnostics' } }),
    await makeCase(true, { request: { access: 'files' } }),
    await makeCase(false, { signers: { ticket: stranger } }),
    await makeCase(false, { signers: { support: stranger } }),
    await makeCase(false, { request: { deviceId: newId('dev') } }),
  ]
})

type Step = { name: string; run: (world: World) => Promise<string | null> }

/** Each step returns the request whose session it may open, or null; one that opened without being named there breaks the property. */
const step = {
  deliver: (at: number, again: boolean): Step => ({
    name: `deliver ${at}${again ? ' under another id' : ''}`,
    async run(world) {
      const one = cases[at] as Case
      const permitted = world.mayPickUp(one) && world.rule(one) === 'allow'
      await world.requests.receive(again ? { ...one.delivery, id: newId<DeliveryId>('dlv') } : one.delivery)
      return permitted ? one.request.id : null
    },
  }),
  reveal: (at: number, right: boolean): Step => ({
    name: `reveal ${at} ${right ? 'right' : 'wrong'}`,
    async run(world) {
      const { request, nonce } = cases[at] as Case
      world.requests.reveal({ id: newId('dlv'), kind: 'reveal', requestId: request.id, nonce: right ? nonce : newNonce() })
      return null
    },
  }),
  press: (at: number, allow: boolean, typed: 'right' | 'wrong' | 'nothing'): Step => ({
    name: `press ${at} ${allow ? 'allow' : 'refuse'} ${typed}`,
    async run(world) {
      const one = cases[at] as Case
      const shown = world.shown.get(one.request.id)
      const code = typed === 'nothing' ? null : typed === 'right' ? world.code(one) : '999 999'
      // Who compares sees what the specialist reads out; a device that went on with another number than the committed one shows something else.
      const said = shown?.code === null ? typed === 'right' : typed === 'right' || (typed === 'nothing' && shown?.code === world.code(one))
      const inTime = shown !== undefined && world.clock.now() <= shown.answerBeforeMs
      if (world.panelThere) for (const listener of [...world.listeners]) listener({ type: 'request.answered', requestId: one.request.id, allow, code })
      return shown && allow && said && inTime && world.panelThere && world.auditWorks && one.valid ? one.request.id : null
    },
  }),
  cancel: (at: number, end: boolean): Step => ({
    name: `${end ? 'end' : 'cancel'} ${at}`,
    async run(world) {
      const { request } = cases[at] as Case
      if (end) world.requests.end(request.id, 'case-closed')
      else world.requests.cancel(request.id)
      return null
    },
  }),
  wait: (seconds: number): Step => ({
    name: `wait ${seconds} s`,
    async run(world) {
      await world.clock.advance(seconds * 1_000)
      return null
    },
  }),
  set: (name: string, change: (world: World) => void): Step => ({
    name,
    async run(world) {
      change(world)
      return null
    },
  }),
  crash: (): Step => ({
    name: 'crash',
    async run(world) {
      await world.crash().catch(() => undefined)
      return null
    },
  }),
}

/** The good ones come oftener, or hardly a run would get far. */
const anyCase = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 4, 5)
const anyRule = fc.constantFrom<LevelRule>('allow', 'ask', 'ask-typed', 'deny')
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(anyCase, fc.boolean()).map(([at, again]) => step.deliver(at, again)) },
  { weight: 6, arbitrary: fc.tuple(anyCase, fc.integer({ min: 0, max: 4 })).map(([at, luck]) => step.reveal(at, luck > 0)) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(anyCase, fc.integer({ min: 0, max: 4 }), fc.constantFrom('right', 'wrong', 'nothing'))
      .map(([at, luck, typed]) => step.press(at, luck > 0, typed as 'right')),
  },
  { weight: 1, arbitrary: fc.tuple(anyCase, fc.boolean()).map(([at, end]) => step.cancel(at, end)) },
  { weight: 1, arbitrary: fc.constantFrom(1, 61, 121, 400).map(step.wait) },
  { weight: 1, arbitrary: fc.constant(step.crash()) },
  {
    weight: 2,
    arbitrary: fc.tuple(anyRule, anyRule).map(([os, rest]) =>
      step.set(`rules os ${os}, rest ${rest}`, (world) => {
        world.policy = { ...world.policy, rules: { os, diagnostics: rest, files: rest, application: rest } }
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('good', 'expired', 'without', 'none').map((name) =>
      step.set(`roster ${name}`, (world) => {
        world.roster = name === 'none' ? null : rosters[name as 'good']
      }),
    ),
  },
  { weight: 1, arbitrary: fc.boolean().map((works) => step.set(`audit ${works}`, (world) => Object.assign(world, { auditWorks: works }))) },
  { weight: 1, arbitrary: fc.boolean().map((there) => step.set(`panel ${there}`, (world) => Object.assign(world, { panelThere: there }))) },
)

async function play(steps: Step[]): Promise<World> {
  const world = new World()
  for (const one of steps) {
    const before = world.opened.length
    const permitted = await one.run(world)
    await world.clock.advance(0)
    const fresh = world.opened.slice(before)
    if (fresh.some((id) => id !== permitted) || fresh.length > 1) throw new Error(`opened without being allowed, at: ${one.name}`)
    if (new Set(world.opened).size !== world.opened.length) throw new Error(`opened twice, at: ${one.name}`)
    for (const id of fresh) requireWritten(world, id)
  }
  return world
}

/** Write first, then act: the whole way to this session is in the audit before it opens. */
function requireWritten({ events }: World, id: string): void {
  const kinds = events.filter((event) => event.requestId === id).map((event) => event.kind)
  const way = kinds.filter((kind) => kind !== 'access.refused')
  if (!['access.requested access.picked-up access.approved', 'access.requested access.picked-up access.asked access.approved'].includes(way.join(' '))) {
    throw new Error(`not all was written: ${way.join(' ')}`)
  }
}

describe('the way to a session', () => {
  test('in the right order, a session does open: by policy, by a compared code, by a typed one', async () => {
    const rules = (rule: LevelRule) =>
      step.set('rules', (world) => {
        world.policy = { ...world.policy, rules: { os: rule, diagnostics: rule, files: rule, application: rule } }
      })
    const opened = async (...steps: Step[]) => (await play(steps)).opened.length
    expect(await opened(rules('allow'), step.deliver(0, false))).toBe(1)
    expect(await opened(rules('ask'), step.deliver(0, false), step.reveal(0, true), step.press(0, true, 'nothing'))).toBe(1)
    expect(await opened(rules('ask-typed'), step.deliver(0, false), step.reveal(0, true), step.press(0, true, 'wrong'), step.press(0, true, 'right'))).toBe(1)
    expect(await opened(rules('allow'), step.deliver(0, false), step.deliver(0, true), step.crash(), step.deliver(0, true))).toBe(1)
  })

  test('no order of 10,000 leads to a session without all conditions (R065)', { timeout: 180_000 }, async () => {
    const sessions = { policy: 0, person: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 24, size: 'max' }), async (steps) => {
        const { events } = await play(steps)
        for (const { kind, data } of events) if (kind === 'access.approved') sessions[data?.by as 'policy'] += 1
      }),
      { numRuns: 10_000 },
    )
    // A property that never meets a session would prove nothing.
    expect(sessions.policy).toBeGreaterThan(100)
    expect(sessions.person).toBeGreaterThan(100)
  })
})
