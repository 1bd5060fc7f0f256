import type { Serve } from '@gantry/shared/contract.ts'
import { type CallOutput, calls, type EventName, type EventPayload, events } from '@gantry/shared/ipc.ts'
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron'
import { isOurPage } from './page-protocol.ts'

/**
 * Answers the window. Every call names its sender: a frame that is not our page gets nothing, not even an error code. Terminals of a page that is gone
 * (reloaded, crashed) are closed, since nobody can see them any more.
 */
export function hostCalls(ipcMain: Pick<IpcMain, 'handle'>, answer: Serve<undefined>): { pageGone: () => void } {
  const terminals = new Set<string>()
  for (const name of Object.keys(calls)) {
    ipcMain.handle(`call:${name}`, async (event: IpcMainInvokeEvent, input: unknown) => {
      if (!isOurPage(event.senderFrame)) throw new Error(`call:${name} from a foreign frame`)
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

export function hostEvents(on: Subscribe, contents: () => WebContents | null): () => void {
  const stops = (Object.keys(events) as EventName[]).map((name) => on(name, (payload) => contents()?.send(`event:${name}`, payload)))
  return () => {
    for (const stop of stops) stop()
  }
}
