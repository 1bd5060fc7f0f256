import { describe, expect, test } from 'vitest'
import { defaultPolicy } from '../../shared/device-policy.ts'
import { AppError } from '../../shared/errors.ts'
import { newId } from '../../shared/ids.ts'
import { newNonce } from '../../shared/node/signing.ts'
import type { LevelRule } from '../../shared/profile.ts'
import { type Case, makeCase, now, rosters, trust, World } from '../../test/support/access-world.ts'
import { allLimits } from '../../test/support/people.ts'
import { grantOf, newRunning } from './running.ts'
import { proveSignatures } from './signatures.ts'

const one = await makeCase(true)

function world(rule: LevelRule = 'ask'): World {
  const made = new World()
  made.policy = { ...made.policy, rules: { diagnostics: rule, files: rule, application: rule, os: rule } }
  return made
}
const answersTo = ({ answers }: World, { request }: Case) =>
  answers.filter((answer) => answer.requestId === request.id).map((answer) => (answer.kind === 'refused' ? `refused ${answer.code}` : answer.kind))
const reveal = async (on: World, { request, nonce }: Case, as = nonce) => {
  on.requests.reveal({ id: newId('dlv'), kind: 'reveal', requestId: request.id, nonce: as })
  await on.clock.advance(0)
}
const press = async (on: World, { request }: Case, allow: boolean, code: string | null = null) => {
  for (const listener of on.listeners) listener({ type: 'request.answered', requestId: request.id, allow, code })
  await on.clock.advance(0)
}
const ask = async (on: World, which = one) => {
  await on.requests.receive(which.delivery)
  await on.clock.advance(0)
  await reveal(on, which)
}
const open = async (on: World, which = one) => {
  await ask(on, which)
  await press(on, which, true)
  expect(on.opened).toEqual([which.request.id])
}

describe('an access request at the device', () => {
  test('is picked up, asked, approved and opened, each step said and written down (architecture 2)', async () => {
    const on = world()
    await ask(on)
    expect(on.shown.get(one.request.id)).toMatchObject({ code: on.code(one), triesLeft: 3, specialist: 'Elena Marchetti', minutes: 30 })
    expect(on.opened).toEqual([])
    await press(on, one, true)
    expect(answersTo(on, one)).toEqual(['picked-up', 'asking', 'approved'])
    expect(on.events.map((event) => event.kind)).toEqual(['access.requested', 'access.picked-up', 'access.asked', 'access.approved'])
    on.sessions[0]?.end('specialist')
    await on.clock.advance(0)
    expect(on.requests.busy()).toBe(false)
    expect(on.disk.value.entries[0]?.state).toBe('ended')
  })

  test('whose typed text is private stays so: the reason is in no public part (R096)', async () => {
    const on = world()
    await ask(on)
    expect(JSON.stringify(on.events.map(({ private: _, ...event }) => event))).not.toContain('The console reacts slowly')
    expect(on.events[0]?.private).toMatchObject({ reason: 'The console reacts slowly' })
  })

  test('stays in the device’s audit as the person and the vendor signed it, so that both signatures can be checked years later (R062)', async () => {
    const on = world()
    await ask(on)
    const { request, certificate, ticket } = one.delivery
    expect(on.events[0]).toMatchObject({ kind: 'access.requested', private: { request: JSON.stringify(request), certificate, ticket } })
  })

  test('is refused when the revealed number is not the committed one, and never asked', async () => {
    const on = world()
    await on.requests.receive(one.delivery)
    await on.clock.advance(0)
    await reveal(on, one, newNonce())
    expect(answersTo(on, one)).toEqual(['picked-up', 'refused access.commitment-bad'])
    expect(on.shown.size).toBe(0)
  })

  test('that nobody reveals for, or nobody answers, is refused in time (R084)', async () => {
    const silent = world()
    await silent.requests.receive(one.delivery)
    await silent.clock.advance(60_000)
    expect(answersTo(silent, one)).toEqual(['picked-up', 'refused access.expired'])
    const alone = world()
    await ask(alone)
    await alone.clock.advance(119_999)
    expect(answersTo(alone, one)).toEqual(['picked-up', 'asking'])
    await alone.clock.advance(1)
    expect(answersTo(alone, one)).toEqual(['picked-up', 'asking', 'refused access.no-answer'])
    const shorter = world()
    shorter.policy = { ...shorter.policy, answerSeconds: 30 }
    await ask(shorter)
    await shorter.clock.advance(30_000)
    expect(answersTo(shorter, one)).toEqual(['picked-up', 'asking', 'refused access.no-answer'])
  })

  test('without a panel is refused before it is picked up', async () => {
    const on = world()
    on.panelThere = false
    await on.requests.receive(one.delivery)
    await on.clock.advance(3_000)
    expect(answersTo(on, one)).toEqual(['refused access.panel-missing'])
  })

  test('without an audit store is refused, and so is one whose yes cannot be written down (goal D28)', async () => {
    const never = world('allow')
    never.auditWorks = false
    await never.requests.receive(one.delivery)
    expect(answersTo(never, one)).toEqual(['refused audit.unavailable'])
    const late = world()
    await ask(late)
    late.auditWorks = false
    await press(late, one, true)
    expect(answersTo(late, one)).toEqual(['picked-up', 'asking', 'refused audit.unavailable'])
    expect(late.opened).toEqual([])
  })

  test('that is cancelled leaves the panel and gets no further answer', async () => {
    const on = world()
    await ask(on)
    void on.requests.cancel(one.request.id)
    await on.clock.advance(0)
    expect(answersTo(on, one)).toEqual(['picked-up', 'asking'])
    expect(on.shown.size).toBe(0)
    await press(on, one, true)
    expect(on.opened).toEqual([])
    expect(on.disk.value.entries[0]?.state).toBe('cancelled')
  })

  test('that comes twice gets one answer: the first one stands', async () => {
    const on = world()
    await open(on)
    await on.requests.receive({ ...one.delivery, id: newId('dlv') })
    expect(answersTo(on, one)).toEqual(['picked-up', 'asking', 'approved'])
    expect(on.events.at(-1)).toMatchObject({ kind: 'access.refused', data: { code: 'ticket.spent' } })
    expect(on.opened).toHaveLength(1)
  })
})

describe('the person’s profile, as the ticket repeats it', () => {
  test('a ticket that says so is asked for at a device whose rule would let it in, and no answer is a refusal (R084, D16)', async () => {
    const escalated = await makeCase(true, { ticket: { ask: true } })
    const on = world('allow')
    await ask(on, escalated)
    expect(on.shown.get(escalated.request.id)).toMatchObject({ specialist: 'Elena Marchetti', country: 'CA', reason: 'The console reacts slowly' })
    expect(on.opened).toEqual([])
    await on.clock.advance(120_000)
    expect(answersTo(on, escalated)).toEqual(['picked-up', 'asking', 'refused access.no-answer'])
    const refused = world('allow')
    await ask(refused, escalated)
    await press(refused, escalated, false)
    expect(answersTo(refused, escalated)).toEqual(['picked-up', 'asking', 'refused access.refused'])
    const plain = world('allow')
    await ask(plain)
    expect(plain.opened).toEqual([one.request.id])
  })

  test('a ticket that says so loosens nothing: typed stays typed, and denied stays denied', async () => {
    const escalated = await makeCase(true, { ticket: { ask: true } })
    const typed = world('ask-typed')
    await ask(typed, escalated)
    await press(typed, escalated, true)
    expect(typed.opened).toEqual([])
    const denied = world('deny')
    await ask(denied, escalated)
    expect(answersTo(denied, escalated)).toEqual(['refused access.policy-denied'])
  })

  test('a session gets the narrower of the device’s policy and the profile, in each dimension (R073)', async () => {
    const profiles = { toDevice: true, fromDevice: true, maxFileBytes: 500 }
    const files = { ...profiles, paths: null, restricted: [] }
    const granted = async (policy: Partial<typeof files>, profile: Partial<typeof files>) => {
      const { delivery } = await makeCase(true, { ticket: { limits: { ...allLimits, files: { ...profiles, ...profile }, actions: ['diagnostics.collect'] } } })
      const proven = await proveSignatures(delivery, trust, now)
      const running = newRunning({ proven, rule: 'ask', ticketText: delivery.ticket, payload: delivery.request.payload })
      return grantOf(running, { ...defaultPolicy, files: { ...files, ...policy } }).policy
    }
    expect(await granted({}, {})).toMatchObject({ files, actions: ['diagnostics.collect'] })
    for (const way of ['toDevice', 'fromDevice'] as const) {
      expect((await granted({ [way]: false }, {})).files).toEqual({ ...files, [way]: false })
      expect((await granted({}, { [way]: false })).files).toEqual({ ...files, [way]: false })
    }
    expect((await granted({ maxFileBytes: 400 }, {})).files.maxFileBytes).toBe(400)
    expect((await granted({}, { maxFileBytes: 300 })).files.maxFileBytes).toBe(300)
    const { delivery } = await makeCase(true)
    const running = newRunning({
      proven: await proveSignatures(delivery, trust, now),
      rule: 'ask',
      ticketText: delivery.ticket,
      payload: delivery.request.payload,
    })
    expect(grantOf(running, { ...defaultPolicy, actions: ['diagnostics.collect'] }).policy.actions).toEqual(['diagnostics.collect'])
    expect(grantOf(running, { ...defaultPolicy, actions: [] }).policy.actions).toEqual([])
  })
})

describe('a session at the device', () => {
  test('ends by the person’s press, by the main server’s word, by a cancel and by the policy, each with its cause', async () => {
    const ends: [string, (on: World) => void][] = [
      ['person', (on) => [...on.listeners].forEach((listener) => void listener({ type: 'session.end', requestId: one.request.id }))],
      ['revoked', (on) => on.requests.end(one.request.id, 'revoked')],
      ['specialist', (on) => on.requests.cancel(one.request.id)],
      ['policy', (on) => on.requests.enforce({ ...on.policy, connectivity: 'off' })],
      ['policy', (on) => on.requests.enforce({ ...on.policy, rules: { ...on.policy.rules, os: 'deny' } })],
      ['policy', (on) => on.requests.enforce({ ...on.policy, hours: { timeZone: 'UTC', open: [] } })],
      [
        'revoked',
        (on) => {
          on.roster = rosters.without
          on.requests.enforce(on.policy)
        },
      ],
      ['agent-stopped', (on) => void on.requests.stop()],
    ]
    for (const [cause, end] of ends) {
      const on = world()
      await open(on)
      end(on)
      expect(on.sessions[0]?.signal.reason).toBe(cause)
    }
  })

  test('goes on under a roster that is out of date, or is not there; what waits for an answer is refused when its person’s keys are taken back (R087)', async () => {
    const on = world()
    await open(on)
    for (const roster of [null, rosters.expired]) {
      on.roster = roster
      on.requests.enforce(on.policy)
      expect(on.sessions[0]?.signal.aborted).toBe(false)
    }
    const waits = world()
    await ask(waits)
    waits.roster = { ...rosters.good, specialists: rosters.good.specialists.map((entry) => ({ ...entry, supportKey: entry.specialistKey })) }
    waits.requests.enforce(waits.policy)
    await waits.clock.advance(0)
    expect(answersTo(waits, one).at(-1)).toBe('refused access.certificate-bad')
  })

  test('goes on under a policy that would only ask again, and another person’s End does not reach it', async () => {
    const on = world()
    await open(on)
    on.requests.enforce({ ...on.policy, rules: { ...on.policy.rules, os: 'ask-typed' } })
    for (const listener of on.listeners) listener({ type: 'session.end', requestId: newId('req') })
    void on.requests.end(newId('req'), 'revoked')
    expect(on.sessions[0]?.signal.aborted).toBe(false)
  })

  test('goes on while the main server is away; on the operating system of a strict device it ends after a minute', async () => {
    for (const [access, strict, ends] of [
      ['os', true, true],
      ['os', false, false],
      ['application', true, false],
    ] as const) {
      const which = access === 'os' ? one : await makeCase(true, { request: { access } })
      const on = world()
      on.policy = { ...on.policy, strict }
      await open(on, which)
      on.requests.silent(59_999)
      expect(on.sessions[0]?.signal.aborted).toBe(false)
      on.requests.silent(60_000)
      expect(on.sessions[0]?.signal.aborted).toBe(ends)
      if (ends) expect(on.sessions[0]?.signal.reason).toBe('policy')
    }
  })

  test('that never began is told as expired with the reason of its dial', async () => {
    const on = world()
    await open(on)
    on.sessions[0]?.fail(new AppError('leg.peer-missing'))
    await on.clock.advance(0)
    expect(on.events.at(-1)).toMatchObject({ kind: 'access.expired', data: { code: 'leg.peer-missing' } })
    expect(on.requests.busy()).toBe(false)
  })
})

describe('after a crash', () => {
  test('a request that was waiting is refused, signed, once', async () => {
    const on = world()
    await ask(on)
    await on.crash()
    expect(answersTo(on, one)).toEqual(['picked-up', 'asking', 'refused access.interrupted'])
    await on.crash()
    expect(answersTo(on, one)).toHaveLength(3)
  })

  test('a session that was open is told as ended', async () => {
    const on = world()
    await open(on)
    on.events.push({ kind: 'session.opened', actor: { kind: 'agent' }, requestId: one.request.id })
    await on.crash()
    expect(on.events.at(-1)).toMatchObject({ kind: 'session.ended', cause: 'agent-stopped', requestId: one.request.id })
    expect(on.disk.value.entries[0]?.state).toBe('ended')
  })

  test('a session whose end was written is not ended twice', async () => {
    const on = world()
    await open(on)
    on.events.push({ kind: 'session.opened', actor: { kind: 'agent' }, requestId: one.request.id })
    on.events.push({ kind: 'session.ended', actor: { kind: 'agent' }, requestId: one.request.id, cause: 'person' })
    await on.crash()
    expect(on.events.filter((event) => event.kind === 'session.ended')).toHaveLength(1)
    expect(on.disk.value.entries[0]?.state).toBe('ended')
  })

  test('what cannot be written down is tried again at the next start', async () => {
    const on = world()
    await open(on)
    on.auditWorks = false
    await on.crash()
    expect(on.disk.value.entries[0]?.state).toBe('approved')
    on.auditWorks = true
    await on.crash()
    expect(on.disk.value.entries[0]?.state).toBe('expired')
  })
})

describe('by a clock that is known to be wrong (D14)', () => {
  test('nothing is judged: the refusal names the clock, whatever the times say, and nobody is asked', async () => {
    const on = world('allow')
    on.clockOff = -34_560_000
    await on.requests.receive(one.delivery)
    await on.clock.advance(0)
    expect(answersTo(on, one)).toEqual(['refused access.clock-off'])
    expect(on.answers[0]).toMatchObject({ details: { seconds: -34_560_000, of: 'device' } })
    const late = world('allow')
    await late.clock.advance(3_600_000)
    late.clockOff = 3_600
    await late.requests.receive(one.delivery)
    await late.clock.advance(0)
    expect(answersTo(late, one)).toEqual(['refused access.clock-off'])
    expect(late.opened).toEqual([])
  })
})
