import fc from 'fast-check'
import { newNonce } from '../../../shared/node/signing.ts'
import type { LevelRule } from '../../../shared/profile.ts'
import { rosters, type World } from '../access-world.ts'
import type { SshKey, WrongWay } from './access-desk.ts'
import { Breach, letRefusalsPass, openPolicy } from './conditions.ts'
import { History } from './history.ts'
import { type Facts, goodFacts, type MainDesk } from './main-desk.ts'
import { type Kind, kinds } from './requests.ts'

type Step = { name: string; run: (history: History) => unknown }
type One = History['asked'][number]

const step = (name: string, run: Step['run']): Step => ({ name, run })
/** The newest request, or one further back. */
const about = (name: string, back: number, run: (history: History, one: One) => unknown): Step =>
  step(`${name} of ${back} before`, (history) => {
    const one = history.asked.at(-1 - back)
    return one && run(history, one)
  })

/** What those who mean well do next. Without it hardly any history of 60 steps would come near a shell. */
/** One step is one thing that one part does or one message that arrives. */
const goOn = step('go on', async (history) => {
  if (history.net.length > 0) return history.deliver([0], false)
  if (history.hasToPost()) return history.post()
  const one = history.asked.at(-1)
  if (!one || isOver(history, one)) {
    if (history.nowMs - history.mfaAtMs > 600_000) history.signIn(0)
    return history.heard ? history.ask('os') : history.poll()
  }
  if (history.device.shown.has(one.request.id)) return history.press(one, true, 'right')
  if (history.isJoined(one)) return history.offer(['session', 'support'])
  if (history.sessionOf(one)) {
    await history.admit(one, 'agent')
    return history.admit(one, 'client')
  }
  if (history.hasDrawn(one) && !one.revealed) {
    one.revealed = true
    return history.reveal(one, one.nonce)
  }
  history.poll()
})

/** Operator and customer want it to work. */
const setRight = step('all is set right', async (history) => {
  history.change({ policy: openPolicy, roster: rosters.good, auditWorks: true, panelThere: true, clockOff: 0 })
  await history.set(goodFacts)
})

function isOver({ shells, device, nowMs }: History, { request, ticket }: One): boolean {
  const entry = device.disk.value.entries.find(({ requestId }) => requestId === request.id)
  const done = entry !== undefined && ['refused', 'cancelled', 'expired', 'ended'].includes(entry.state)
  return ticket === null || done || shells.includes(request.id) || nowMs > request.issuedAt * 1_000 + 300_000
}

const back = fc.constantFrom(0, 0, 0, 0, 1, 2)
const place = fc.nat(7)
const luck = fc.nat(3).map((drawn) => drawn > 0)
const anySet = fc.constantFrom(...(Object.keys(goodFacts) as (keyof Facts)[])).chain((name) => luck.map((holds) => [name, holds] as const))
const anyChange = fc.oneof(
  fc
    .constantFrom<LevelRule>('ask', 'ask-typed', 'ask', 'ask-typed', 'deny')
    .map((os) => (world: World) => ({ policy: { ...world.policy, rules: { ...world.policy.rules, os } } })),
  luck.map((on) => ({ policy }: World) => ({ policy: { ...policy, connectivity: on ? ('on' as const) : ('off' as const) } })),
  luck.map((own) => ({ policy }: World) => ({ policy: { ...policy, countries: own ? null : ['FR'] } })),
  fc.constantFrom('good', 'good', 'expired', 'without').map((name) => () => ({ roster: rosters[name as 'good'] })),
  luck.map((auditWorks) => () => ({ auditWorks })),
  luck.map((panelThere) => () => ({ panelThere })),
  luck.map((right) => () => ({ clockOff: right ? 0 : 900 })),
)
const wrongAtDevice: Record<string, Parameters<History['change']>[0]> = {
  'the rule for os': { policy: { ...openPolicy, rules: { ...openPolicy.rules, os: 'deny' } } },
  'the off switch': { policy: { ...openPolicy, connectivity: 'off' } },
  'the country': { policy: { ...openPolicy, countries: ['FR'] } },
  'the roster’s age': { roster: rosters.expired },
  'the roster’s people': { roster: rosters.without },
  'the audit': { auditWorks: false },
  'the panel': { panelThere: false },
  'the clock': { clockOff: 900 },
}
/** One thing alone is wrong: a part that does not look at it lets a shell through, which two wrong things would hide. */
const oneWrong = fc.oneof(
  fc.constantFrom(...(Object.keys(goodFacts) as (keyof Facts)[])).map((name) => ({ name, put: (history: History) => history.set({ [name]: false }) })),
  fc.constant({
    name: 'the second factor’s age',
    put(history: History) {
      history.signIn(20)
      return history.ask('os')
    },
  }),
  fc.constantFrom(...Object.entries(wrongAtDevice)).map(([name, part]) => ({ name, put: (history: History) => history.change(part) })),
)
const wrongKeys: SshKey[][] = [['session'], ['support'], ['support', 'session'], ['session', 'session'], ['stranger', 'support'], ['session', 'stranger']]

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 100, arbitrary: fc.constant(goOn) },
  { weight: 4, arbitrary: fc.constant(setRight) },
  {
    weight: 4,
    arbitrary: oneWrong.map(({ name, put }) =>
      step(`all but ${name}`, async (history) => {
        await setRight.run(history)
        await put(history)
      }),
    ),
  },
  // The network.
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.array(place, { minLength: 1, maxLength: 2 }), fc.boolean())
      .map(([places, again]) => step(`deliver ${places}${again ? ', not for the last time' : ''}`, (history) => history.deliver(places, again))),
  },
  { weight: 2, arbitrary: place.map((at) => step(`lose ${at}`, ({ net }) => void net.splice(at % Math.max(1, net.length), 1))) },
  { weight: 2, arbitrary: fc.constant(step('poll', (history) => history.poll())) },
  { weight: 2, arbitrary: fc.constant(step('post', (history) => history.post())) },
  // The workstation.
  { weight: 3, arbitrary: fc.constantFrom<Kind>(...kinds).map((kind) => step(`ask ${kind}`, (history) => history.ask(kind))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 20).map((minutes) => step(`signed in ${minutes} minutes ago`, (history) => history.signIn(minutes))),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(back, luck).map(([at, right]) => about(`reveal ${right}`, at, (history, one) => history.reveal(one, right ? one.nonce : newNonce()))),
  },
  { weight: 1, arbitrary: back.map((at) => about('cancel', at, (history, one) => history.cancel(one))) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(back, fc.constantFrom('client', 'agent'), fc.constantFrom<WrongWay>('key', 'nonce', 'server', null))
      .map(([at, side, wrong]) => about(`leg by ${side}, wrong ${wrong}`, at, (history, one) => history.admit(one, side as 'client', wrong))),
  },
  { weight: 2, arbitrary: fc.constantFrom(...wrongKeys).map((keys) => step(`SSH with ${keys}`, (history) => history.offer(keys))) },
  // The device.
  {
    weight: 3,
    arbitrary: fc
      .tuple(back, luck, fc.constantFrom('right', 'wrong', 'nothing'))
      .map(([at, allow, typed]) => about(`press ${allow} ${typed}`, at, (history, one) => history.press(one, allow, typed as 'right'))),
  },
  { weight: 1, arbitrary: back.map((at) => about('end', at, (history, one) => history.end(one))) },
  { weight: 2, arbitrary: anyChange.map((change) => step('the device changes', (history) => history.change(change(history.device)))) },
  // The main server.
  { weight: 3, arbitrary: anySet.map(([name, holds]) => step(`${name}: ${holds}`, (history) => history.set({ [name]: holds }))) },
  // Crashes and time.
  {
    weight: 1,
    arbitrary: fc.nat(6).map((writes) => step(`device dies after ${writes} writes`, (history) => history.dieAfter(writes))),
  },
  { weight: 1, arbitrary: fc.nat(5).map((writes) => step(`main server dies after ${writes} writes`, (history) => history.crashMain(writes))) },
  { weight: 1, arbitrary: fc.constant(step('access server dies', (history) => history.crashAccessServer())) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(1, 20, 20, 20, 61, 61, 121, 400, 901).map((seconds) => step(`wait ${seconds} s`, (history) => history.wait(seconds))),
  },
)

/** What was played; `breach` is the first shell that should not be, and the steps that led to it. */
export type Told = { histories: number; asked: number; pickedUp: number; sessions: number; shells: number; breach: string | null }

export async function playHistories(desk: MainDesk, { histories, seed }: { histories: number; seed: number }): Promise<Told> {
  const told = { histories: 0, asked: 0, pickedUp: 0, sessions: 0, shells: 0 }
  const property = fc.asyncProperty(fc.array(anyStep, { minLength: 30, maxLength: 60, size: 'max' }), async (steps) => {
    const history = await play(desk, steps)
    told.histories += 1
    told.asked += history.asked.length
    told.pickedUp += history.device.draws.size
    told.sessions += history.device.opened.length
    told.shells += history.shells.length
  })
  const { failed, counterexample, errorInstance } = await fc.check(property, { numRuns: histories, seed, endOnFailure: true })
  if (!failed) return { ...told, breach: null }
  if (!(errorInstance instanceof Breach)) throw errorInstance
  return { ...told, breach: `${errorInstance.message}, by: ${counterexample?.[0].map(({ name }) => name).join(' · ')}` }
}

async function play(desk: MainDesk, steps: Step[]): Promise<History> {
  const history = new History(desk)
  await desk.reset(() => history.nowMs)
  try {
    for (const { run } of steps) {
      await (async () => run(history))().catch(letRefusalsPass)
      await history.settle()
    }
  } finally {
    history.close()
  }
  return history
}
