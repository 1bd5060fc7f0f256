import type { RequestId } from '@gantry/shared/ids.ts'
import type { EventPayload } from '@gantry/shared/ipc.ts'
import type { On } from '../../api.ts'
import { createStore, type Store } from '../../ui/store.ts'

type Closed = EventPayload<'terminal.closed'>
export type TerminalView = { data(text: string): void; closed(how: Closed): void }
export type TerminalHub = {
  attach(terminalId: string, view: TerminalView): () => void
  /** Sessions in whose terminal a line was typed and answered. */
  commands: Store<ReadonlySet<RequestId>>
  ran(requestId: RequestId): void
}

/**
 * Brings a terminal's output to its pane. Output can arrive before the answer to `terminal.open`, which names the terminal: it waits here. It cannot
 * grow, since the device is held back after 100,000 characters that were not drawn.
 */
export function openTerminalHub(on: On): TerminalHub {
  const views = new Map<string, TerminalView>()
  const waiting = new Map<string, { texts: string[]; closed: Closed | null }>()
  const wait = (terminalId: string) => {
    const known = waiting.get(terminalId) ?? { texts: [], closed: null }
    waiting.set(terminalId, known)
    return known
  }
  on('terminal.data', ({ terminalId, data }) => {
    const view = views.get(terminalId)
    if (view) view.data(data)
    else wait(terminalId).texts.push(data)
  })
  on('terminal.closed', (how) => {
    const view = views.get(how.terminalId)
    if (view) view.closed(how)
    else wait(how.terminalId).closed = how
  })
  const commands = createStore<ReadonlySet<RequestId>>(new Set())
  return {
    commands,
    ran: (requestId) => commands.change((all) => (all.has(requestId) ? all : new Set([...all, requestId]))),
    attach(terminalId, view) {
      views.set(terminalId, view)
      const missed = waiting.get(terminalId)
      waiting.delete(terminalId)
      for (const text of missed?.texts ?? []) view.data(text)
      if (missed?.closed) view.closed(missed.closed)
      return () => {
        views.delete(terminalId)
      }
    },
  }
}
