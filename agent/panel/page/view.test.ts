import { describe, expect, test } from 'vitest'
import { policyFaults } from '../../../shared/device-policy.ts'
import { type DeviceId, newId, type RequestId } from '../../../shared/ids.ts'
import type { PanelRequest, PanelState } from '../../../shared/panel.ts'
import { panelEn } from '../../../shared/words/panel.en.ts'
import { panelFr } from '../../../shared/words/panel.fr.ts'
import { bytesText, countdown, countryName, readable, viewKey, viewOf } from './view.ts'

const device = { id: newId<DeviceId>('dev'), name: 'CT Suite 3', model: 'NV 520', customer: 'Lakeside Hospital', site: 'Main building' }
const base: PanelState = { device, agent: 'connected', separated: true, connectivity: 'ok', waiting: [], sessions: [], last: null, check: null }
const request = (askedMs: number): PanelRequest => ({
  requestId: newId<RequestId>('req'),
  specialist: 'Elena Marchetti',
  employer: 'Norvane Service',
  country: 'CA',
  access: 'os',
  serviceKind: 'support',
  reason: 'The console reacts slowly',
  caseId: '48213',
  minutes: 30,
  code: null,
  triesLeft: 3,
  askedMs,
  answerBeforeMs: askedMs + 120_000,
})
const session = {
  requestId: newId<RequestId>('req'),
  specialist: 'Elena Marchetti',
  access: 'os' as const,
  reason: 'r',
  caseId: 'c',
  startedMs: 1,
  endsMs: 2,
  approvedBy: 'person' as const,
  interrupted: false,
  probed: null,
  moves: [],
}
const looking = { connected: true, nowMs: 100_000, dismissedMs: 0 }

describe('what the panel shows', () => {
  test('a policy that cannot be gone by comes before all other rest, in words for each fault (R047)', () => {
    const policy = { from: 'closed', fault: 'older', serial: 2, owner: 'ab', switchedOff: false } as unknown as NonNullable<PanelState['policy']>
    expect(viewOf({ ...base, policy, connectivity: 'off' }, looking)).toEqual({ name: 'idle', reason: 'closed' })
    expect(viewOf({ ...base, policy: { ...policy, fault: null } }, looking)).toEqual({ name: 'idle', reason: 'ready' })
    for (const words of [panelEn, panelFr]) expect(new Set(policyFaults.map((fault) => words.fault[fault])).size).toBe(policyFaults.length)
  })

  test('the oldest question first, and a running session stays in reach beside it', () => {
    const [early, late] = [request(1), request(2)]
    const view = viewOf({ ...base, waiting: [late, early], sessions: [session] }, looking)
    expect(view).toEqual({ name: 'request', request: early, more: 1, live: [session] })
  })

  test('a session before what has ended, and closing words until they are read or old', () => {
    const last = { requestId: session.requestId, specialist: 'Elena Marchetti', outcome: 'person', atMs: 50_000 }
    expect(viewOf({ ...base, sessions: [session], last }, looking).name).toBe('live')
    expect(viewOf({ ...base, last }, looking)).toEqual({ name: 'ended', last })
    expect(viewOf({ ...base, last }, { ...looking, dismissedMs: 60_000 }).name).toBe('idle')
    expect(viewOf({ ...base, last }, { ...looking, nowMs: 500_000 }).name).toBe('idle')
  })

  test('nothing that could be pressed once the agent or the screen’s host is gone', () => {
    const state = { ...base, waiting: [request(1)], sessions: [session] }
    expect(viewOf({ ...state, agent: 'absent' }, looking)).toEqual({ name: 'idle', reason: 'absent' })
    expect(viewOf(state, { ...looking, connected: false })).toEqual({ name: 'idle', reason: 'absent' })
  })

  test('a question that changes in nothing but its tries is not drawn anew', () => {
    const one = request(1)
    const key = (triesLeft: number) => viewKey(viewOf({ ...base, waiting: [{ ...one, triesLeft }] }, looking))
    expect(key(3)).toBe(key(2))
  })

  test('text from elsewhere shows what it hides', () => {
    expect(readable('report.\u202egpj')).toBe('report.\ufffdgpj')
    expect(readable('a\nb\u0000\u200b')).toBe('a\ufffdb\ufffd\ufffd')
    expect(readable('Élodie 5 µs 你好')).toBe('Élodie 5 µs 你好')
  })

  test('time and sizes as each language writes them', () => {
    expect([countdown(78_000, 0), countdown(2_472_000, 0), countdown(7_500_000, 0), countdown(0, 5_000)]).toEqual(['1:18', '41:12', '2:05:00', '0:00'])
    expect(bytesText(38_200_000, panelEn.bytes, panelEn.locale)).toBe('38.2 MB')
    expect(bytesText(38_200_000, panelFr.bytes, panelFr.locale)).toBe('38,2 Mo')
    expect(countryName('XX', 'en')).not.toBe('')
  })

  test('no plural is left to chance', () => {
    for (const { request: words, live } of [panelEn, panelFr]) {
      expect(words.minutes(1, 'c')).not.toContain('minutes')
      expect(words.more(1)).not.toBe(words.more(2))
      expect(live.others(1)).not.toBe(live.others(2))
    }
  })
})
