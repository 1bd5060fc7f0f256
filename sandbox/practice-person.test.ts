import { newId, type RequestId } from '@gantry/shared/ids.ts'
import type { PanelInput, PanelState } from '@gantry/shared/panel.ts'
import { describe, expect, test } from 'vitest'
import { standAtPanel } from './practice-person.ts'

const requestId = newId<RequestId>('req')
const waits = (code: string | null) => ({ requestId, code }) as PanelState['waiting'][number]

/** A panel whose time goes on when it is told to. */
function openPanel() {
  const pressed: PanelInput[] = []
  const timers = new Map<number, () => void>()
  let [listener, last] = [() => undefined as unknown, 0]
  let state = { waiting: [], sessions: [] } as unknown as PanelState
  const clock = {
    setTimeout(doing: () => void, ms: number) {
      expect(ms).toBe(3_000)
      timers.set(++last, doing)
      return last as unknown as NodeJS.Timeout
    },
    clearTimeout: (timer: NodeJS.Timeout) => void timers.delete(timer as unknown as number),
  }
  const view = {
    state: () => state,
    input: (input: PanelInput) => void pressed.push(input),
    subscribe(listen: () => void) {
      listener = listen
      return () => {
        listener = () => undefined
      }
    },
  }
  const leave = standAtPanel(view, clock)
  return {
    pressed,
    leave,
    show(part: Partial<PanelState>) {
      state = { ...state, ...part }
      listener()
    },
    threeSecondsLater() {
      const due = [...timers.values()]
      timers.clear()
      for (const doing of due) doing()
    },
  }
}

describe('the simulated person at the practice device', () => {
  test('allows what rings, three seconds later and once', () => {
    const panel = openPanel()
    panel.show({ waiting: [waits('482917')] })
    panel.show({ waiting: [waits('482917')] })
    expect(panel.pressed).toEqual([])
    panel.threeSecondsLater()
    panel.show({ waiting: [waits('482917')] })
    panel.threeSecondsLater()
    expect(panel.pressed).toEqual([{ type: 'answer', requestId, allow: true, code: null }])
  })

  test('presses nothing where the code has to be typed in, or the request was taken back meanwhile, or the sandbox stops', () => {
    const panel = openPanel()
    panel.show({ waiting: [waits(null)] })
    panel.threeSecondsLater()
    panel.show({ waiting: [waits('482917')] })
    panel.show({ waiting: [] })
    panel.threeSecondsLater()
    panel.show({ waiting: [{ ...waits('482917'), requestId: newId<RequestId>('req') }] })
    panel.leave()
    panel.threeSecondsLater()
    expect(panel.pressed).toEqual([])
  })

  test('gives more time and opens what is shut, where a session asks', () => {
    const panel = openPanel()
    const asks = { requestId, asksTime: { minutes: 15, askedMs: 1 }, asksRestricted: { paths: ['/patients'], askedMs: 2 } } as PanelState['sessions'][number]
    panel.show({ sessions: [asks] })
    panel.threeSecondsLater()
    expect(panel.pressed).toEqual([
      { type: 'time', requestId, allow: true },
      { type: 'restricted', requestId, allow: true },
    ])
  })
})
