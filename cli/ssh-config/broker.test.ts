import { PassThrough } from 'node:stream'
import { AppError } from '@gantry/shared/errors.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { describe, expect, test } from 'vitest'
import { type Broker, type BrokerEnd, BrokerOver, type BrokerSession, createBroker, type Member } from './broker.ts'

/** A device that answers when the test says so, and a clock that stands still until then. */
function createStage() {
  const questions: {
    signal: AbortSignal
    pin?: string | undefined
    onProgress: (progress: RequestProgress) => void
    answer: PromiseWithResolvers<BrokerSession>
  }[] = []
  const waits: { ms: number; signal: AbortSignal; over: PromiseWithResolvers<void> }[] = []
  const ended = Promise.withResolvers<BrokerEnd>()
  const broker = createBroker({
    ask(options) {
      const answer = Promise.withResolvers<BrokerSession>()
      questions.push({ ...options, answer })
      return answer.promise
    },
    wait(ms, signal) {
      const over = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => over.reject(signal.reason))
      waits.push({ ms, signal, over })
      return over.promise
    },
  })
  const session: BrokerSession = { openLeg: async () => new PassThrough(), ended: ended.promise }
  return { broker, questions, waits, session, ended }
}

function createMember() {
  const controller = new AbortController()
  const seen: RequestProgress[] = []
  const member: Member = { signal: controller.signal, onProgress: (progress) => void seen.push(progress) }
  const leave = (broker: Broker) => {
    controller.abort(new AppError('access.cancelled'))
    broker.leave(member)
  }
  return { member, seen, leave }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )

describe('one printed configuration is one session', () => {
  test('eight connections that come at once ask the device once and all get in', async () => {
    const { broker, questions, session } = createStage()
    const joined = Array.from({ length: 8 }, () => broker.join(createMember().member))
    questions[0]?.answer.resolve(session)
    expect((await Promise.all(joined)).length).toBe(8)
    expect(questions.length).toBe(1)
  })

  test('who comes first brings the PIN of the support key, and nobody who comes later is asked for it', async () => {
    const { broker, questions, session } = createStage()
    const first = broker.join({ ...createMember().member, pin: '739-201' })
    const second = broker.join(createMember().member)
    questions[0]?.answer.resolve(session)
    await Promise.all([first, second])
    expect(questions.map(({ pin }) => pin)).toEqual(['739-201'])
  })

  test('the ninth is refused, and has its place once another has left', async () => {
    const { broker, questions, session } = createStage()
    const members = Array.from({ length: 8 }, createMember)
    const joined = members.map(({ member }) => broker.join(member))
    const ninth = createMember()
    expect(await codeOf(broker.join(ninth.member))).toBe('session.too-many-connections')
    questions[0]?.answer.resolve(session)
    await Promise.all(joined)
    members[3]?.leave(broker)
    expect(await codeOf(broker.join(ninth.member))).toBe('none')
  })

  test('a refusal reaches all that wait, and the broker is over', async () => {
    const { broker, questions } = createStage()
    const both = [broker.join(createMember().member), broker.join(createMember().member)]
    questions[0]?.answer.reject(new AppError('access.refused'))
    expect(await Promise.all(both.map(codeOf))).toEqual(['access.refused', 'access.refused'])
    expect(await broker.finished).toEqual({ cause: null, failure: { code: 'access.refused' } })
    await expect(broker.join(createMember().member)).rejects.toBeInstanceOf(BrokerOver)
  })

  test('who comes while the device is asked sees at once how far it is', async () => {
    const { broker, questions } = createStage()
    void broker.join(createMember().member).catch(() => undefined)
    const progress = { state: 'asking', code: '482193' } as RequestProgress
    questions[0]?.onProgress(progress)
    const late = createMember()
    void broker.join(late.member).catch(() => undefined)
    expect(late.seen).toEqual([progress])
  })
})

describe('leaving', () => {
  test('the request is withdrawn when the last that waits is gone, not before', async () => {
    const { broker, questions } = createStage()
    const [first, second] = [createMember(), createMember()]
    const joined = [first, second].map(({ member }) => codeOf(broker.join(member)))
    first.leave(broker)
    expect(questions[0]?.signal.aborted).toBe(false)
    second.leave(broker)
    expect(questions[0]?.signal.aborted).toBe(true)
    expect(await Promise.all(joined)).toEqual(['access.cancelled', 'access.cancelled'])
  })

  test('the session ends 60 s after the last connection closed', async () => {
    const { broker, questions, session, waits } = createStage()
    const only = createMember()
    const joined = broker.join(only.member)
    questions[0]?.answer.resolve(session)
    await joined
    expect(waits.length).toBe(0)
    only.leave(broker)
    expect(waits.map(({ ms }) => ms)).toEqual([60_000])
    waits[0]?.over.resolve()
    expect(await broker.finished).toEqual({ cause: 'specialist', failure: null })
  })

  test('a connection within those 60 s joins without a new question, and the minute begins anew', async () => {
    const { broker, questions, session, waits } = createStage()
    const [first, second] = [createMember(), createMember()]
    const joined = broker.join(first.member)
    questions[0]?.answer.resolve(session)
    await joined
    first.leave(broker)
    await broker.join(second.member)
    expect(waits[0]?.signal.aborted).toBe(true)
    expect(questions.length).toBe(1)
    second.leave(broker)
    expect(waits[1]?.signal.aborted).toBe(false)
  })

  test('leaving twice counts once', async () => {
    const { broker, questions, session, waits } = createStage()
    const [first, second] = [createMember(), createMember()]
    const joined = [broker.join(first.member), broker.join(second.member)]
    questions[0]?.answer.resolve(session)
    await Promise.all(joined)
    first.leave(broker)
    first.leave(broker)
    expect(waits.length).toBe(0)
  })
})

describe('the end comes from elsewhere', () => {
  test('the person at the device ends the session: the cause is known, and nobody can join', async () => {
    const { broker, questions, session, ended } = createStage()
    const joined = broker.join(createMember().member)
    questions[0]?.answer.resolve(session)
    await joined
    ended.resolve({ cause: 'person', failure: null })
    expect(await broker.finished).toEqual({ cause: 'person', failure: null })
    await expect(broker.join(createMember().member)).rejects.toBeInstanceOf(BrokerOver)
  })

  test('a sandbox that stops withdraws what is being asked', async () => {
    const { broker, questions } = createStage()
    const joined = codeOf(broker.join(createMember().member))
    broker.stop()
    expect(questions[0]?.signal.aborted).toBe(true)
    questions[0]?.answer.reject(new AppError('access.cancelled'))
    expect(await joined).toBe('access.cancelled')
  })
})
