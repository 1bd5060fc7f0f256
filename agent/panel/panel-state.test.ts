import { describe, expect, test } from 'vitest'
import { type DeviceId, newId, type RequestId } from '../../shared/ids.ts'
import type { AgentToPanel, PanelRequest } from '../../shared/panel.ts'
import { emptyPanel, type PanelEvent, reducePanel } from './panel-state.ts'

const device = { id: newId<DeviceId>('dev'), name: 'CT Suite 3', model: 'NV 520', customer: 'Lakeside Hospital', site: 'Main building' }
const hello: AgentToPanel = { type: 'hello', device, separated: true, network: 'none', clockOffSeconds: 0, connectivity: 'ok', policy: null }
const request = (requestId = newId<RequestId>('req')): PanelRequest => ({
  requestId,
  specialist: 'Elena Marchetti',
  employer: 'Norvane Service',
  country: 'CA',
  access: 'os',
  serviceKind: 'support',
  reason: 'The console reacts slowly',
  caseId: '48213',
  minutes: 30,
  maxBytes: null,
  code: '048213',
  triesLeft: 3,
  askedMs: 1,
  answerBeforeMs: 2,
})
const opened = (requestId: RequestId): AgentToPanel => ({
  type: 'session.opened',
  session: {
    requestId,
    specialist: 'Elena Marchetti',
    access: 'os',
    reason: 'r',
    caseId: 'c',
    startedMs: 1,
    endsMs: 2,
    used: null,
    asksTime: null,
    asksRestricted: null,
    restrictedOpen: false,
    approvedBy: 'person',
    interrupted: false,
    probed: null,
  },
})
const after = (...events: PanelEvent[]) => events.reduce((state, event) => reducePanel(state, event, 5_000), emptyPanel)

describe('what the panel knows', () => {
  test('a session whose connection is interrupted says so until it is back', () => {
    const requestId = newId<RequestId>('req')
    const broken = after(opened(requestId), { type: 'session.changed', requestId, change: { interrupted: true } })
    expect(broken.sessions[0]?.interrupted).toBe(true)
    expect(reducePanel(broken, { type: 'session.changed', requestId, change: { interrupted: false } }, 6_000).sessions[0]?.interrupted).toBe(false)
  })

  test('a question waits until it is closed, and then says how', () => {
    const one = request()
    expect(after(hello, { type: 'request.asked', request: one }).waiting).toEqual([one])
    const closed = after(hello, { type: 'request.asked', request: one }, { type: 'request.closed', requestId: one.requestId, outcome: 'no-answer' })
    expect(closed.waiting).toEqual([])
    expect(closed.last).toEqual({ requestId: one.requestId, specialist: 'Elena Marchetti', outcome: 'no-answer', atMs: 5_000 })
  })

  test('a question that comes again, with fewer tries, keeps its place', () => {
    const [first, second] = [request(), request()]
    const state = after(
      { type: 'request.asked', request: first },
      { type: 'request.asked', request: second },
      { type: 'request.asked', request: { ...first, triesLeft: 2 } },
    )
    expect(state.waiting.map((one) => [one.requestId, one.triesLeft])).toEqual([
      [first.requestId, 2],
      [second.requestId, 3],
    ])
  })

  test('a move that goes on is one line, and at most 100 short lines are kept', () => {
    const id = newId<RequestId>('req')
    const move = (text: string, bytes: number, done: boolean): PanelEvent => ({
      type: 'session.moved',
      requestId: id,
      move: { kind: 'sent', text, bytes, done, atMs: 1 },
    })
    const one = after(opened(id), move('a.bin', 10, false), move('b.bin', 1, true), move('a.bin', 99, true)).sessions[0]
    expect(one?.moves.map(({ id: at, text, bytes, done }) => [at, text, bytes, done])).toEqual([
      [1, 'a.bin', 99, true],
      [2, 'b.bin', 1, true],
    ])
    const many = after(opened(id), ...Array.from({ length: 500 }, (_, at) => move(`f${at}`, 1, true))).sessions[0]
    expect(many?.moves).toHaveLength(100)
    expect(many?.moves.at(-1)?.id).toBe(500)
    expect(after(opened(id), move('x'.repeat(5_000), 1, true)).sessions[0]?.moves[0]?.text).toHaveLength(200)
  })

  test('a session that the agent tells again after a reconnection keeps its moves', () => {
    const id = newId<RequestId>('req')
    const moved: PanelEvent = { type: 'session.moved', requestId: id, move: { kind: 'exec', text: 'uptime', bytes: null, done: true, atMs: 1 } }
    expect(after(opened(id), moved, opened(id)).sessions[0]?.moves).toHaveLength(1)
  })

  test('an agent that is gone leaves nothing that could be pressed', () => {
    const id = newId<RequestId>('req')
    const state = after(hello, { type: 'request.asked', request: request() }, opened(id), { type: 'agent.gone' })
    expect(state).toMatchObject({ agent: 'absent', waiting: [], sessions: [], last: { requestId: id, outcome: 'agent-stopped' } })
    expect(after(hello, opened(id), { type: 'session.ended', requestId: id, cause: 'person' })).toMatchObject({ sessions: [], last: { outcome: 'person' } })
  })
})
