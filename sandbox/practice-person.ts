import type { PanelInput, PanelState } from '@gantry/shared/panel.ts'
import type { PanelView } from './panel-desk.ts'

/** How long somebody takes who reads what the panel shows, and then presses. */
const answerMs = 3_000

type Panel = Pick<PanelView, 'state' | 'input'> & { subscribe(listener: () => void): () => void }
type Clock = { setTimeout(doing: () => void, ms: number): NodeJS.Timeout; clearTimeout(timer: NodeJS.Timeout): void }

/**
 * The simulated person in front of the practice device. It is here, outside of the device, and presses what a person could press: agent and panel know nothing of it, and
 * no setting of theirs answers by itself. A request is allowed where the panel shows the code to compare; where it has to be typed in, nobody has told it, and the
 * request rings until its time is over. Returns what ends it.
 */
export function standAtPanel(view: Panel, clock: Clock = globalThis): () => void {
  const seen = new Map<string, NodeJS.Timeout>()
  const look = () => {
    for (const mark of asksOf(view.state()).keys()) {
      // Once each: what was pressed may take a moment to show.
      if (!seen.has(mark))
        seen.set(
          mark,
          clock.setTimeout(() => press(mark), answerMs),
        )
    }
  }
  const press = (mark: string) => {
    const input = asksOf(view.state()).get(mark)
    if (input) view.input(input)
  }
  const unsubscribe = view.subscribe(look)
  look()
  return () => {
    unsubscribe()
    for (const timer of seen.values()) clock.clearTimeout(timer)
  }
}

/** What is asked at the panel now, and the answer to it. */
function asksOf({ waiting, sessions }: PanelState): Map<string, PanelInput> {
  const requests = waiting
    .filter(({ code }) => code !== null)
    .map(({ requestId }) => [requestId, { type: 'answer' as const, requestId, allow: true, code: null }] as const)
  const inSession = sessions.flatMap(({ requestId, asksTime, asksRestricted }) => [
    ...(asksTime ? [[`${requestId} time ${asksTime.askedMs}`, { type: 'time' as const, requestId, allow: true }] as const] : []),
    ...(asksRestricted ? [[`${requestId} restricted ${asksRestricted.askedMs}`, { type: 'restricted' as const, requestId, allow: true }] as const] : []),
  ])
  return new Map<string, PanelInput>([...requests, ...inSession])
}
