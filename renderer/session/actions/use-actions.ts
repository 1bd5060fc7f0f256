import { type ActionName, actions } from '@gantry/shared/actions.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import { useState } from 'react'
import type { z } from 'zod'
import { call, failureOf } from '../../api.ts'

export type Diagnostics = z.infer<(typeof actions)['diagnostics.collect']['output']>
export type Restarted = z.infer<(typeof actions)['service.restart']['output']>
export type Answer = { action: 'diagnostics.collect'; output: Diagnostics } | { action: 'service.restart'; output: Restarted }
export type ActionRun =
  | { kind: 'idle' }
  | { kind: 'running'; action: ActionName }
  | { kind: 'done'; answer: Answer }
  | { kind: 'failed'; action: ActionName; failure: Failure }
export type ActionsControl = { names: readonly ActionName[]; run: ActionRun; start(action: ActionName, input: unknown): void; clear(): void }

/** What this session's level may ask of the device, and the answer to the last question. */
export function useActions({ requestId, access }: SessionView): ActionsControl {
  const [run, setRun] = useState<ActionRun>({ kind: 'idle' })
  const names = (Object.keys(actions) as ActionName[]).filter((name) => includesLevel(access, actions[name].access))
  return {
    names,
    run,
    clear: () => setRun({ kind: 'idle' }),
    start(action, input) {
      setRun({ kind: 'running', action })
      call('action.run', { requestId, action, input }).then(
        ({ output }) => {
          const parsed = actions[action].output.safeParse(output)
          if (parsed.success) setRun({ kind: 'done', answer: { action, output: parsed.data } as Answer })
          else setRun({ kind: 'failed', action, failure: { code: 'server.answer-bad' } })
        },
        (error) => setRun({ kind: 'failed', action, failure: failureOf(error) }),
      )
    },
  }
}
