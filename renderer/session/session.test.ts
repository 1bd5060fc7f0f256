import { describe, expect, test } from 'vitest'
import { asking, events, session } from '../../test/window/support/fixtures.ts'
import { withSteps } from './activity/request-events.ts'
import { lastSwitch, threadOfSession } from './network.ts'
import { panesOf } from './session-panes.tsx'
import { merged } from './session-store.ts'
import { marksOf, urgencyOf } from './timeline.ts'

describe('a session on its screen', () => {
  test('each level has the panes of those before it and its own', () => {
    expect(panesOf('diagnostics')).toEqual(['report', 'activity'])
    expect(panesOf('files')).toEqual(['files', 'activity'])
    expect(panesOf('application')).toEqual(['terminal', 'files', 'activity'])
    expect(panesOf('os')).toEqual(['terminal', 'files', 'activity'])
  })

  test('events that were listed and told meanwhile stand once each, in their order', () => {
    const [first, second, third] = events
    expect(
      merged(
        [first, third].filter((one) => one !== undefined),
        [second, third].filter((one) => one !== undefined),
      ),
    ).toEqual([first, second, third])
  })

  test('the way to the session stands before its events, and an event that came stands for its step', () => {
    const steps = [...asking.steps, { name: 'approved' as const, atMs: session.startedMs - 5_000 }]
    const own = events.filter(({ kind }) => kind === 'terminal.opened')
    const kinds = withSteps(own, { ...asking, steps: steps.map((step) => ({ ...step, atMs: session.startedMs - 9_000 })) }).map(({ kind }) => kind)
    expect(kinds).toEqual(['access.requested', 'access.picked-up', 'access.approved', 'terminal.opened'])
    expect(withSteps(events, { ...asking, steps })).toHaveLength(events.length)
  })

  test('a change of server is news for ten minutes; a broken hop is drawn where it is known to break', () => {
    const at = Date.parse('2026-11-20T14:00:00Z')
    const event = { ...(events[0] as (typeof events)[number]), kind: 'link.switched' as const, at: new Date(at).toISOString() }
    expect(lastSwitch([...events, event], at + 599_000)).toEqual({ atMs: at })
    expect(lastSwitch([...events, event], at + 600_000)).toBeNull()
    expect(threadOfSession(session)).toMatchObject({ tone: 'live', hops: ['solid', 'solid', 'solid'] })
    const broken = (code: string) => threadOfSession({ network: { state: 'interrupted', standby: false, sinceMs: at, failure: { code } } }).hops
    expect(broken('server.unreachable')).toEqual(['dim', 'solid', 'solid'])
    expect(broken('leg.peer-missing')).toEqual(['solid', 'dim', 'solid'])
  })

  test('marks lie along the granted time; what came before the first byte lies at its start', () => {
    const marks = marksOf(events, session.startedMs, session.endsMs)
    expect(marks[0]).toMatchObject({ kind: 'consent', share: 0 })
    expect(marks.find(({ event }) => event.kind === 'file.sent')).toMatchObject({ kind: 'square' })
    expect(marks.every(({ share }) => share >= 0 && share <= 1)).toBe(true)
  })

  test('the time left turns amber, then red; a short session does not start in amber', () => {
    const hour = 3_600_000
    expect(urgencyOf(41 * 60_000, hour)).toBe('calm')
    expect(urgencyOf(10 * 60_000, hour)).toBe('soon')
    expect(urgencyOf(2 * 60_000, hour)).toBe('now')
    expect(urgencyOf(8 * 60_000, 15 * 60_000)).toBe('calm')
  })
})
