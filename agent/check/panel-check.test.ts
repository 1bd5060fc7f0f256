import { expect, test } from 'vitest'
import type { AgentToPanel, PanelToAgent } from '../../shared/panel.ts'
import { judgeClock, type Passport } from '../../shared/passport.ts'
import { attachPanelCheck } from './panel-check.ts'

const passport = (verdict: Passport['verdict']): Passport => {
  return { version: 1, madeAt: '2026-11-20T14:06:00.000Z', device: 'CT', proxy: null, hosts: [], clock: judgeClock(0), verdict }
}

function open() {
  const told: (Passport['verdict'] | null)[] = []
  const runs: { end: (passport: Passport) => void; progress: (passport: Passport) => void; signal: AbortSignal }[] = []
  const state = { allowed: true, press: (_: PanelToAgent) => {} }
  attachPanelCheck({
    panel: {
      tell: (message: AgentToPanel) => message.type === 'network.checked' && told.push(message.passport?.verdict ?? null),
      onPress: (listener) => {
        state.press = listener
        return () => undefined
      },
    },
    allowed: () => state.allowed,
    run: (signal, progress) =>
      new Promise((resolve, reject) => {
        runs.push({ end: resolve, progress, signal })
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
    onFailed: () => undefined,
    signal: new AbortController().signal,
  })
  return { told, runs, state, press: (run: boolean) => state.press({ type: 'network.check', run }) }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('R017: the panel’s button runs one check at a time, tells how far it is, and shows the result until it is put away', async () => {
  const { told, runs, press } = open()
  press(true)
  press(true)
  expect(runs).toHaveLength(1)
  runs[0]?.progress(passport('running'))
  runs[0]?.end(passport('open'))
  await turn()
  expect(told).toEqual(['running', 'open'])
  press(false)
  expect(told.at(-1)).toBeNull()
})

test('a check that was stopped says nothing more, also when another one was started at once', async () => {
  const { told, runs, press } = open()
  press(true)
  press(false)
  expect(runs[0]?.signal.aborted).toBe(true)
  press(true)
  runs[0]?.progress(passport('closed'))
  await turn()
  runs[1]?.end(passport('limited'))
  await turn()
  expect(told).toEqual([null, 'limited'])
})

test('R008: where connectivity is off nothing is asked', () => {
  const { runs, state, press } = open()
  state.allowed = false
  press(true)
  expect(runs).toEqual([])
})
