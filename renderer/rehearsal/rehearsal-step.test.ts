import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { type DeviceId, newId, type RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress, SessionView, Transfer } from '@gantry/shared/ipc.ts'
import { describe, expect, test } from 'vitest'
import { createCommandWatch } from '../session/terminal/command-watch.ts'
import { type Facts, practiceDevice, rehearsalLevel, viewOf } from './rehearsal-step.ts'

const deviceId = newId<DeviceId>('dev')
const [requestId, other] = [newId<RequestId>('req'), newId<RequestId>('req')]
const request = (part: Partial<RequestProgress> = {}) => ({ requestId, device: { id: deviceId }, state: 'asking', failure: null, ...part }) as RequestProgress
const session = (part: Partial<SessionView> = {}) => ({ requestId, device: { id: deviceId }, state: 'open', ...part }) as SessionView
const fetched = { requestId, direction: 'get', state: 'done', verified: true } as Transfer
const nothing: Facts = { requests: [], sessions: [], transfers: [], commands: new Set() }
const view = (facts: Partial<Facts>, earlier: RequestId[] = []) => viewOf({ deviceId, earlier: new Set(earlier) }, { ...nothing, ...facts })
const inSession = { requests: [request({ state: 'open' })], sessions: [session()] }
const commands = new Set([requestId])

describe('how far a rehearsal is follows from what has happened (R075)', () => {
  test.each<[string, Partial<Facts>, string | null, string[]]>([
    ['nothing yet', {}, 'ask', []],
    ['asked', { requests: [request()] }, 'answer', ['ask']],
    ['allowed, not joined', { requests: [request({ state: 'approved' })] }, 'answer', ['ask']],
    ['in session', inSession, 'command', ['ask', 'answer']],
    ['a command ran', { ...inSession, commands }, 'file', ['ask', 'answer', 'command']],
    ['a file came before any command', { ...inSession, transfers: [fetched] }, 'command', ['ask', 'answer', 'file']],
    ['both', { ...inSession, commands, transfers: [fetched] }, 'end', ['ask', 'answer', 'command', 'file']],
    [
      'ended after both',
      { sessions: [session({ state: 'ended' })], requests: [request({ state: 'ended' })], commands, transfers: [fetched] },
      null,
      ['ask', 'answer', 'command', 'file', 'end'],
    ],
    ['the request is listed no more', { sessions: [session()] }, 'command', ['ask', 'answer']],
  ])('%s', (_what, facts, step, done) => {
    expect(view(facts)).toMatchObject({ step, stopped: null })
    expect([...view(facts).done].sort()).toEqual(done.sort())
  })

  test.each<[string, Partial<Facts>]>([
    ['a file that is on its way', { transfers: [{ ...fetched, state: 'running', verified: false }] }],
    ['a file that went to the device', { transfers: [{ ...fetched, direction: 'put' }] }],
    ['a file of another session', { transfers: [{ ...fetched, requestId: other }] }],
    ['a command in another session', { commands: new Set([other]) }],
  ])('%s ticks nothing', (_what, facts) => {
    expect([...view({ ...inSession, ...facts }).done]).toEqual(['ask', 'answer'])
  })

  test('a refusal, and a session that ended too early, begin anew and say why', () => {
    expect(view({ requests: [request({ state: 'refused', failure: { code: 'access.refused' } })] })).toMatchObject({
      step: 'ask',
      stopped: 'refused',
      done: new Set(),
    })
    expect(view({ requests: [request({ state: 'expired' })] })).toMatchObject({ step: 'ask', stopped: 'refused' })
    expect(view({ sessions: [session({ state: 'ended' })], commands })).toMatchObject({ step: 'ask', stopped: 'ended' })
    const again = { requests: [request({ state: 'refused' }), request({ requestId: other })] }
    expect(view(again)).toMatchObject({ step: 'answer', stopped: null, requestId: other })
  })

  test('another device, and what was over before it began, do not count', () => {
    expect(view({ sessions: [session({ device: { id: newId('dev') } as SessionView['device'] })] })).toMatchObject({ step: 'ask' })
    expect(view({ sessions: [session({ state: 'ended' })], commands, transfers: [fetched] }, [requestId])).toMatchObject({ step: 'ask', stopped: null })
  })
})

describe('what a rehearsal is done with', () => {
  const device = (part: Partial<DeviceRow>) => ({ id: deviceId, practice: true, levels: ['os'], ...part }) as DeviceRow
  test('a practice device that is open to the person; without one there is none', () => {
    expect(practiceDevice([device({ practice: false }), device({ levels: [] })])).toBeNull()
    expect(practiceDevice([device({ practice: false }), device({})])?.practice).toBe(true)
  })

  test('a level with a terminal, and one whose code is compared before one whose code is typed', () => {
    const rules = (os: 'ask' | 'ask-typed' | 'deny', application: 'ask' | 'ask-typed' | 'deny') =>
      ({ diagnostics: 'allow', files: 'ask', application, os }) as const
    const levels = ['diagnostics', 'files', 'application', 'os'] as DeviceRow['levels']
    expect(rehearsalLevel({ levels, rules: rules('ask', 'ask') })).toBe('os')
    expect(rehearsalLevel({ levels, rules: rules('ask-typed', 'ask') })).toBe('application')
    expect(rehearsalLevel({ levels, rules: rules('ask-typed', 'ask-typed') })).toBe('os')
    expect(rehearsalLevel({ levels, rules: rules('deny', 'deny') })).toBeUndefined()
    expect(rehearsalLevel({ levels: ['files'], rules: null })).toBeUndefined()
  })

  test('a command is a line that was typed, sent, and answered: not a prompt, not Enter alone, not what is only typed', () => {
    let ran = 0
    const watch = createCommandWatch(() => {
      ran += 1
    })
    watch.printed('welcome\r\n$ ')
    watch.typed('\r')
    watch.printed('\r\n$ ')
    for (const key of 'uptime') watch.typed(key)
    watch.printed('uptime')
    expect(ran).toBe(0)
    watch.typed('\r')
    expect(ran).toBe(0)
    watch.printed('\r\n 10:02 up 3 days\r\n$ ')
    watch.printed('\r\n')
    expect(ran).toBe(1)
  })
})
