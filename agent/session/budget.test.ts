import { afterEach, describe, expect, test, vi } from 'vitest'
import { connect, exec, sessionChannel, startTestSession, type TestSession } from '../../test/support/agent-session.ts'

const minuteMs = 60_000
let session: TestSession
afterEach(async () => {
  vi.useRealTimers()
  await session.close()
})
const kinds = () => session.audited().map(({ event }) => event.kind)
const audited = (kind: string) => session.audited().find(({ event }) => event.kind === kind)?.event
const changes = () => session.panel.flatMap((message) => (message.type === 'session.changed' ? [message.change] : []))
const asked = () => changes().findLast(({ asksTime }) => asksTime)?.asksTime
const opened = () => {
  const [first] = session.panel
  if (first?.type !== 'session.opened') throw new Error('not opened')
  return first.session
}
const press = (allow: boolean, requestId = session.requestId) => session.press({ type: 'time.answered', requestId, allow })

describe('more time is a new question, and the session stays up', () => {
  test('the person says yes: the panel, the client and the audit have the new end, and the session lasts until then', async () => {
    session = startTestSession({ minutes: 0.05 })
    const client = await connect(session)
    const calls = await sessionChannel(client)
    const asking = calls.call('time.ask', { minutes: 15 })
    await expect.poll(asked).toMatchObject({ minutes: 15 })
    expect((await exec(client, 'echo still here')).stdout.toString()).toBe('still here\n')
    press(true)
    const { endsAt } = await asking
    expect(endsAt).toBe(opened().endsMs + 15 * minuteMs)
    expect(changes().at(-1)).toEqual({ endsMs: endsAt })
    expect((await calls.call('session.describe', {})).endsAt).toBe(endsAt)
    expect(audited('session.prolonged')).toMatchObject({ actor: { kind: 'person' }, data: { minutes: 15, by: 'person' } })
    // The first end has come by then.
    await new Promise((resolve) => setTimeout(resolve, opened().endsMs - Date.now() + 500))
    expect((await exec(client, 'echo and now')).stdout.toString()).toBe('and now\n')
  })

  test('a no leaves it as it is, and stands for a while: nobody is asked until they press yes by habit (T6)', async () => {
    session = startTestSession({ minutes: 30 })
    const calls = await sessionChannel(await connect(session))
    const asking = calls.call('time.ask', { minutes: 15 })
    await expect.poll(asked).toBeTruthy()
    press(false)
    await expect(asking).rejects.toMatchObject({ code: 'access.refused' })
    expect((await calls.call('session.describe', {})).endsAt).toBe(opened().endsMs)
    expect(audited('time.refused')).toMatchObject({ actor: { kind: 'person' } })
    expect(changes().at(-1)).toEqual({ asksTime: null })
    const before = session.panel.length
    await expect(calls.call('time.ask', { minutes: 5 })).rejects.toMatchObject({ code: 'access.rate-limited', details: { minutes: 5 } })
    expect(session.panel.length).toBe(before)
    expect(kinds()).not.toContain('session.prolonged')
  })

  test('a press for another session, a second question, and an end meanwhile give nothing', async () => {
    session = startTestSession({ minutes: 30 })
    const calls = await sessionChannel(await connect(session))
    const asking = calls.call('time.ask', { minutes: 15 }).catch((error: { code: string }) => error.code)
    await expect.poll(asked).toBeTruthy()
    press(true, 'req_aaaaaaaaaaaaaaaaaaaa' as never)
    session.press({ type: 'request.answered', requestId: session.requestId, allow: true, code: null })
    await expect(calls.call('time.ask', { minutes: 15 })).rejects.toMatchObject({ code: 'session.time-asked' })
    session.end('person')
    expect(await session.done).toBe('person')
    await asking
    expect(kinds()).not.toContain('session.prolonged')
  })

  test('no answer is a no', async () => {
    session = startTestSession({ minutes: 30 })
    const calls = await sessionChannel(await connect(session))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const asking = calls.call('time.ask', { minutes: 15 }).catch((error: { code: string }) => error.code)
    while (!asked()) await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(121_000)
    vi.useRealTimers()
    expect(await asking).toBe('access.no-answer')
    expect(audited('time.refused')).toMatchObject({ actor: { kind: 'agent' }, data: { code: 'access.no-answer' } })
  })

  test('the device’s policy is the limit, before anybody is asked', async () => {
    session = startTestSession({ minutes: 30, policy: { sessionMinutes: 40 } })
    const calls = await sessionChannel(await connect(session))
    await expect(calls.call('time.ask', { minutes: 11 })).rejects.toMatchObject({ code: 'session.time-limit', details: { minutes: 10 } })
    await expect(calls.call('time.ask', { minutes: 481 })).rejects.toMatchObject({ code: 'contract.bad-input' })
    expect(asked()).toBeUndefined()
  })
})

describe('a budget of data', () => {
  test('is counted on both ends’ screens, and above it the session ends: budget', async () => {
    session = startTestSession({ policy: { maxBytes: 3_000_000 } })
    const client = await connect(session)
    client.on('error', () => undefined)
    const calls = await sessionChannel(client)
    const told: unknown[] = []
    calls.onEvent((name, payload) => name === 'used' && told.push(payload))
    expect((await calls.call('session.describe', {})).used).toEqual({ bytes: 0, maxBytes: 3_000_000 })
    expect(opened().used).toEqual({ bytes: 0, maxBytes: 3_000_000 })
    await exec(client, 'head -c 1000000 /dev/zero')
    await expect.poll(() => told.at(-1)).toMatchObject({ maxBytes: 3_000_000 })
    const used = changes().findLast((change) => change.used)?.used
    expect(used?.bytes).toBeGreaterThanOrEqual(1_000_000)
    await exec(client, 'head -c 30000000 /dev/zero').catch(() => undefined)
    expect(await session.done).toBe('budget')
    const ended = audited('session.ended')
    expect(ended).toMatchObject({ cause: 'budget' })
    // What was already on its way when the limit was passed: a window's worth, not the file.
    expect(Number(ended?.data?.bytes)).toBeLessThan(8_000_000)
    expect(changes().findLast((change) => change.used)?.used).toEqual({ bytes: 3_000_000, maxBytes: 3_000_000 })
  })
})
