import type { Serve } from '@gantry/shared/contract.ts'
import type { Result } from '@gantry/shared/errors.ts'
import { type CallOutput, calls, type EventName, type EventPayload, events } from '@gantry/shared/ipc.ts'
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron'
import { judgeInput } from './input-size.ts'
import { isOurSender } from './sender.ts'

/**
 * Answers the window. Whoever else asks gets nothing, not even an error code; an input of more than `maxInputSize`, or one that is no plain data, is refused
 * before anybody reads it (`contract.too-large`, `contract.bad-input`). Terminals of a page that is gone (reloaded, crashed) are closed, since nobody can see
 * them any more.
 */
export function hostCalls(ipcMain: Pick<IpcMain, 'handle'>, answer: Serve<undefined>, window: () => WebContents | null): { pageGone: () => void } {
  const terminals = new Set<string>()
  for (const name of Object.keys(calls)) {
    ipcMain.handle(`call:${name}`, async (event: IpcMainInvokeEvent, ...inputs: unknown[]): Promise<Result<unknown>> => {
      if (!isOurSender(event, window())) throw new Error(`call:${name} from a foreign frame`)
      const [input] = inputs
      const verdict = inputs.length > 1 ? 'not-plain' : judgeInput(input)
      if (verdict === 'too-large') return { ok: false, failure: { code: 'contract.too-large', details: { name } } }
      if (verdict === 'not-plain') return { ok: false, failure: { code: 'contract.bad-input', details: { name, field: 'input' } } }
      const result = await answer(name, input, undefined)
      if (name === 'terminal.open' && result.ok) terminals.add((result.value as CallOutput<'terminal.open'>).terminalId)
      return result
    })
  }
  return {
    pageGone() {
      for (const terminalId of terminals) void answer('terminal.close', { terminalId }, undefined)
      terminals.clear()
    },
  }
}

type Subscribe = <N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void) => () => void

export function hostEvents(on: Subscribe, window: () => WebContents | null): void {
  for (const name of Object.keys(events) as EventName[]) on(name, (payload) => window()?.send(`event:${name}`, payload))
}
