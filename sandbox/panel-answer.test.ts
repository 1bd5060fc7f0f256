import type { RequestId } from '@gantry/shared/ids.ts'
import type { PanelInput, PanelRequest, PanelState } from '@gantry/shared/panel.ts'
import { sandboxEn } from '@gantry/shared/words/sandbox.en.ts'
import { describe, expect, test } from 'vitest'
import { answerRequest, describePanel, endSession } from './panel-answer.ts'

const requestId = (letter: string) => `req_${letter.repeat(20)}` as RequestId
const request = (change: Partial<PanelRequest> = {}): PanelRequest => ({
  requestId: requestId('a'),
  specialist: 'Elena Marchetti-Roy',
  employer: 'Norvane support',
  country: 'CA',
  access: 'os',
  serviceKind: 'support',
  reason: 'Console reacts slowly',
  caseId: '48213',
  minutes: 30,
  maxBytes: null,
  code: '482917',
  triesLeft: 3,
  askedMs: 1_000,
  answerBeforeMs: 121_000,
  ...change,
})
const empty: PanelState = {
  device: null,
  agent: 'connected',
  separated: true,
  network: 'none',
  clockOffSeconds: 0,
  connectivity: 'ok',
  policy: null,
  waiting: [],
  sessions: [],
  last: null,
  check: null,
}

/** A device that answers to what is pressed as `react` says; time goes on by 100 ms with each look. */
function device(
  start: PanelState,
  react: (input: PanelInput, state: PanelState) => PanelState,
  later: (nowMs: number, state: PanelState) => PanelState = (_, state) => state,
) {
  let state = start
  let nowMs = 0
  const pressed: PanelInput[] = []
  return {
    pressed,
    person: {
      state: async () => state,
      input: async (input: PanelInput) => {
        pressed.push(input)
        state = react(input, state)
      },
      pause: async () => {
        nowMs += 100
        state = later(nowMs, state)
      },
      now: () => nowMs,
    },
  }
}

const close =
  (outcome: string) =>
  (_input: PanelInput, state: PanelState): PanelState => ({
    ...state,
    waiting: state.waiting.slice(1),
    last: { requestId: state.waiting[0]?.requestId ?? requestId('z'), specialist: 'Elena', outcome, atMs: 0 },
  })
const answer = { allow: true, code: null, next: false, timeoutMs: 1_000, codeNeeded: 'type the code' }

describe('the panel command', () => {
  test('answers the request that has waited longest', async () => {
    const { person, pressed } = device({ ...empty, waiting: [request({ requestId: requestId('b'), askedMs: 2_000 }), request()] }, (input, state) => ({
      ...state,
      waiting: state.waiting.filter((one) => one.requestId !== (input.type === 'answer' ? input.requestId : '')),
    }))
    expect(await answerRequest(person, answer)).toBe('approved')
    expect(pressed).toEqual([{ type: 'answer', requestId: requestId('a'), allow: true, code: null }])
  })

  test('with --next waits for a request that comes later', async () => {
    const { person } = device(empty, close('approved'), (nowMs, state) => (nowMs === 500 ? { ...state, waiting: [request()] } : state))
    expect(await answerRequest(person, { ...answer, next: true })).toBe('approved')
  })

  test('without --next, or when none comes in time, says that nothing waits', async () => {
    const { person } = device(empty, close('approved'))
    await expect(answerRequest(person, answer)).rejects.toMatchObject({ code: 'panel.nothing-waiting' })
    await expect(answerRequest(person, { ...answer, next: true })).rejects.toMatchObject({ code: 'panel.nothing-waiting' })
  })

  test('R080: cannot vouch for a code that has to be typed in', async () => {
    const { person, pressed } = device({ ...empty, waiting: [request({ code: null })] }, close('approved'))
    await expect(answerRequest(person, answer)).rejects.toMatchObject({ code: 'usage.bad' })
    expect(pressed).toEqual([])
  })

  test('R080: a wrong code is a refusal, also where a person could try again', async () => {
    const { person, pressed } = device({ ...empty, waiting: [request({ code: null })] }, (_input, state) => {
      const [first] = state.waiting
      if (first && first.triesLeft > 1) return { ...state, waiting: [{ ...first, triesLeft: first.triesLeft - 1 }] }
      return close('code-wrong')(_input, state)
    })
    expect(await answerRequest(person, { ...answer, code: '111111' })).toBe('code-wrong')
    expect(pressed).toHaveLength(3)
  })

  test('ends what is open, and sees that it is gone', async () => {
    const session = {
      requestId: requestId('s'),
      specialist: 'Elena',
      access: 'os' as const,
      reason: 'r',
      caseId: 'c',
      startedMs: 0,
      endsMs: 1,
      used: null,
      asksTime: null,
      asksRestricted: null,
      restrictedOpen: false,
      approvedBy: 'person' as const,
      interrupted: false,
      probed: null,
      moves: [],
    }
    const { person, pressed } = device({ ...empty, sessions: [session] }, (_input, state) => ({ ...state, sessions: [] }))
    expect(await endSession(person, 1_000)).toBe('ended')
    expect(pressed).toEqual([{ type: 'end', requestId: requestId('s') }])
    await expect(endSession(person, 1_000)).rejects.toMatchObject({ code: 'panel.nothing-waiting' })
  })

  test('R119: shows who asks, from where, why, for which case, what for and how long', () => {
    const lines = describePanel({ ...empty, waiting: [request({ reason: 'slow\u001b[2Jconsole' })] }, sandboxEn).join('\n')
    for (const part of ['Elena Marchetti-Roy', 'Norvane support', 'CA', '48213', 'os', '30 min', '482 917']) expect(lines).toContain(part)
    expect(lines).toContain('slow\ufffd[2Jconsole')
  })
})
