import { EndCause } from '@gantry/shared/access-request.ts'

/** How long a session is: it ends once, for one cause. */
export type Life = {
  signal: AbortSignal
  end(cause: EndCause): void
  /** Called with the cause before the signal is aborted. */
  beforeEnd(tell: (cause: EndCause) => void): void
  cause(): EndCause
}

/** Follows `outside`, whose reason is an `EndCause`. Close it when the session is over. */
export function createLife(outside: AbortSignal): Life & { close(): void } {
  const controller = new AbortController()
  const tellers: ((cause: EndCause) => void)[] = []
  let ended: EndCause | null = null
  const end = (cause: EndCause) => {
    if (ended) return
    ended = cause
    for (const tell of tellers) tell(cause)
    controller.abort(cause)
  }
  // Whoever ends a session says why; anything else is this program stopping.
  const stop = () => end(EndCause.safeParse(outside.reason).data ?? 'agent-stopped')
  if (outside.aborted) stop()
  else outside.addEventListener('abort', stop, { once: true })
  return {
    signal: controller.signal,
    end,
    beforeEnd: (tell) => void tellers.push(tell),
    cause: () => ended ?? 'agent-stopped',
    close: () => outside.removeEventListener('abort', stop),
  }
}
