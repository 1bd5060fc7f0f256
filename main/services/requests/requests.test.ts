import { AppError } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { matchingCode } from '@gantry/shared/node/matching-code.ts'
import { generateSigningKey, newNonce, verifyJws } from '@gantry/shared/node/signing.ts'
import { type AnswerPayload, type CompactJws, type Hash, WithdrawalPayload } from '@gantry/shared/ticket.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientWorld, startClientWorld } from '../../../test/support/client-world.ts'
import { hostKeyLine } from '../../../test/support/host-key.ts'
import { createServices } from '../create-services.ts'
import type { Asked, Services } from '../services.ts'

let world: ClientWorld
let services: Services
let progress: RequestProgress[]

function openServices(): Promise<Services> {
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const noBrowser = () => Promise.reject(new Error('no browser in this test'))
  return createServices({
    ...{ profileDir: world.profileDir, mainServer: world.origin, ca: world.ca, secretStore: world.store, about },
    openBrowser: noBrowser,
    party: 'desktop',
  })
}

beforeEach(async () => {
  world = await startClientWorld()
  progress = []
  services = await openServices()
  services.on('request.changed', (one) => progress.push(one))
})
afterEach(async () => {
  await services.close()
  await world.close()
})

const ask = (change = {}): Promise<Asked> =>
  services.requests.ask({
    ...{ deviceId: world.device.id, access: 'os', serviceKind: 'support', reason: 'The console reacts slowly', caseId: '48213', minutes: 30, ...change },
  })
const pickedUp = (rule: 'allow' | 'ask' | 'ask-typed' = 'ask', draw: Hash = newNonce()): AnswerPayload['answer'] => ({
  kind: 'picked-up',
  rule,
  draw,
  hostKey: world.device.hostKey,
})
const asking = (): AnswerPayload['answer'] => ({ kind: 'asking', answerBefore: Math.floor(Date.now() / 1000) + 120 })
const approved = (by: 'policy' | 'person', hostKey = world.device.hostKey): AnswerPayload['answer'] => ({ kind: 'approved', by, hostKey })
const code = (asked: Asked): Promise<string> =>
  asked.session.then(
    () => 'a session',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )
const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 5))
}
const last = () => progress.at(-1)

describe('an access request (R077-R080)', () => {
  test('is signed by the specialist key and the support key, and names a fresh session key', async () => {
    const asked = await ask()
    const [created] = world.created
    // R088: what it runs on, in its own word.
    expect(created?.input.posture).toMatchObject({ version: '0.1.0', diskEncryption: expect.stringMatching(/^(on|off|unknown)$/) })
    expect(created?.payload).toMatchObject({ id: asked.requestId, access: 'os', reason: 'The console reacts slowly', minutes: 30 })
    expect(created?.input.request.signatures).toHaveLength(2)
    expect(progress.map((one) => one.steps.at(-1)?.name)).toEqual(['signed', 'checked'])
    expect(last()?.passed).toEqual(['mfa-fresh', 'assigned'])
  })

  test('by a clock that is wrong is not made: it would be refused as old, or not made yet (D14)', async () => {
    for (const [offMs, seconds] of [
      [600_000, -600],
      [-34_560_000_000, 34_560_000],
    ] as const) {
      world.clockOffMs = offMs
      await expect(ask()).rejects.toMatchObject({ code: 'access.clock-off', details: { seconds, of: 'computer' } })
    }
    expect(world.created).toEqual([])
    world.clockOffMs = 119_000
    await ask()
    expect(world.created).toHaveLength(1)
  })

  test('reveals its nonce only after the device has drawn its own, and shows the code that the device works out too', async () => {
    const asked = await ask()
    const draw = newNonce()
    expect(world.revealed).toEqual([])
    await world.answer(asked.requestId, pickedUp('ask', draw))
    await until(() => last()?.code !== null)
    const [created, nonce] = [world.created[0], world.revealed[0]]
    if (!created || !nonce) throw new Error('nothing was revealed')
    const expected = matchingCode({
      ticket: created.ticketText as CompactJws,
      sessionKey: created.payload.sessionKey,
      hostKey: world.device.hostKey,
      c: nonce,
      d: draw,
    })
    expect(last()).toMatchObject({ code: expected, typed: false, state: 'picked-up' })
    await world.answer(asked.requestId, asking())
    await until(() => last()?.state === 'asking')
    expect(last()?.answerBeforeMs).toBeGreaterThan(Date.now())
  })

  test('ends with the reason that the device signed', async () => {
    const asked = await ask()
    await world.answer(asked.requestId, pickedUp())
    await world.answer(asked.requestId, asking())
    await world.answer(asked.requestId, { kind: 'refused', code: 'access.no-answer' })
    expect(await code(asked)).toBe('access.no-answer')
    expect(last()).toMatchObject({ state: 'refused', failure: { code: 'access.no-answer' } })
  })

  test('is found again by asking when the stream of updates was cut', async () => {
    const asked = await ask()
    await until(() => world.listeners() > 0)
    world.cutUpdates()
    await world.answer(asked.requestId, pickedUp())
    await until(() => last()?.code !== null)
    await until(() => world.listeners() > 0)
  })

  test('can be cancelled at any point, and the main server is told', async () => {
    const asked = await ask()
    await world.answer(asked.requestId, pickedUp('ask-typed'))
    await until(() => last()?.typed === true)
    await asked.cancel()
    expect(await code(asked)).toBe('access.cancelled')
    await until(() => world.cancelled.includes(asked.requestId))
    expect(last()?.state).toBe('cancelled')
  })

  test('is withdrawn in the specialist’s own signed words, also one that another process made (R062)', async () => {
    const asked = await ask()
    await asked.cancel()
    await until(() => world.withdrawals.length === 1)
    const { requestId: other } = await ask()
    const second = await openServices()
    await second.requests.cancel(other).finally(() => second.close())
    const { specialist } = world.people
    const expected = { type: 'withdrawal', schema: WithdrawalPayload, key: specialist.publicJwk, failure: 'access.signature-bad' } as const
    const said = await Promise.all(world.withdrawals.map((one) => verifyJws(one, expected)))
    expect(said[0]).toMatchObject({ requestId: asked.requestId, specialistId: world.people.person.specialistId, kind: 'cancel' })
    expect(said.find((one) => one.requestId === other)).toMatchObject({ kind: 'cancel' })
  })

  test('refuses a reason of ten megabytes before anything is signed', async () => {
    await expect(ask({ reason: 'x'.repeat(10_000_000) })).rejects.toMatchObject({ code: 'access.reason-too-long' })
    expect(world.created).toEqual([])
  })

  test('refuses a reason that could read differently at the device', async () => {
    await expect(ask({ reason: 'safe \u202e gnihtyna' })).rejects.toMatchObject({ code: 'contract.bad-input', details: { field: 'reason' } })
  })

  test('says that the keys are missing before it asks anybody', async () => {
    world.store.values.delete('support-key')
    await expect(ask()).rejects.toMatchObject({ code: 'auth.keys-missing' })
    world.store.values.set('support-key', world.store.values.get('specialist-key') ?? '')
    await expect(ask()).rejects.toMatchObject({ code: 'auth.keys-missing' })
    expect(world.created).toEqual([])
  })

  test('takes the main server’s refusal with its code', async () => {
    world.handlers = {
      ...world.handlers,
      'access-request.create': () => Promise.reject(new AppError('access.not-entitled', { details: { endsOn: '2026-01-31' } })),
    }
    await expect(ask()).rejects.toMatchObject({ code: 'access.not-entitled', details: { endsOn: '2026-01-31' } })
    expect(last()).toMatchObject({ state: 'refused', failure: { code: 'access.not-entitled' } })
  })

  test('says when the sign-in has expired', async () => {
    world.token = 'another'
    await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^(auth|server)\./) })
    expect(services.signIn.state().phase).not.toBe('signed-out')
  })
})

describe('the main server’s word alone opens nothing (R062, R078)', () => {
  const forged = generateSigningKey()
  const bad: [string, (requestId: RequestId) => Promise<void> | void][] = [
    ['an answer under another key', (id) => world.answer(id, pickedUp(), {}, forged)],
    ['an answer to another ticket', (id) => world.answer(id, pickedUp(), { ticketHash: newNonce() })],
    ['an answer of another request', (id) => world.answer(id, pickedUp(), { requestId: 'req_aaaaaaaaaaaaaaaaaaaa' as RequestId })],
    ['an approval that nothing led to', (id) => world.answer(id, approved('person'))],
    ['an approval by policy where a person must be asked', (id) => world.answer(id, pickedUp()).then(() => world.answer(id, approved('policy')))],
    ['an approval by a person who was not asked', (id) => world.answer(id, pickedUp()).then(() => world.answer(id, approved('person')))],
    ['a second draw', (id) => world.answer(id, pickedUp()).then(() => world.answer(id, pickedUp()))],
  ]
  test.each(bad)('%s', async (_, misdeed) => {
    const asked = await ask()
    await misdeed(asked.requestId)
    expect(await code(asked)).toBe('device.answer-bad')
    await until(() => world.cancelled.includes(asked.requestId))
  })

  test('a host key that changes between the answers', async () => {
    const asked = await ask()
    await world.answer(asked.requestId, pickedUp('allow'))
    await world.answer(asked.requestId, approved('policy', hostKeyLine(forged)))
    expect(await code(asked)).toBe('device.host-key-wrong')
  })

  test('a state without the device’s signature changes nothing', async () => {
    const asked = await ask()
    world.change(asked.requestId, { state: 'approved' })
    await world.answer(asked.requestId, pickedUp())
    await until(() => last()?.state === 'picked-up')
    expect(progress.some((one) => one.state === 'approved')).toBe(false)
  })

  test('a ticket under another key', async () => {
    world.ticketKey = forged
    await expect(ask()).rejects.toMatchObject({ code: 'ticket.bad' })
  })
})
