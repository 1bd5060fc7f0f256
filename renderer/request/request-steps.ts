import { isFinal } from '@gantry/shared/access-request.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'

export type StepKey = 'signed' | 'checked' | 'picked-up' | 'answer' | 'joined'
/** `atMs` is when the step was reached, `sinceMs` when the one before it was. */
export type Step = { key: StepKey; state: 'done' | 'now' | 'next' | 'stopped'; atMs: number | null; sinceMs: number }

const order: StepKey[] = ['signed', 'checked', 'picked-up', 'answer', 'joined']
const reachedBy: Record<StepKey, RequestProgress['steps'][number]['name']> = {
  signed: 'signed',
  checked: 'checked',
  'picked-up': 'picked-up',
  answer: 'approved',
  joined: 'joined',
}

/** The way of a request, from the steps that it has reached: what is done, what is going on now, what is still to come, where it stopped. */
export function stepsOf({ steps, state, failure }: RequestProgress): Step[] {
  const startMs = steps[0]?.atMs ?? 0
  const isOver = failure !== null || (isFinal(state) && state !== 'ended')
  let sinceMs = startMs
  let isCurrent = true
  return order.map((key) => {
    const atMs = steps.find(({ name }) => name === reachedBy[key])?.atMs ?? null
    const step: Step = { key, state: atMs !== null ? 'done' : !isCurrent ? 'next' : isOver ? 'stopped' : 'now', atMs, sinceMs }
    if (atMs === null) isCurrent = false
    else sinceMs = atMs
    return step
  })
}
