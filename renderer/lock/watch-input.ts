import type { Call } from '../api.ts'

const kinds = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const
const everyMs = 5_000

/** Tells the main process that somebody is there, every five seconds at most. Only the person's own events count, not those that a page makes. */
export function watchInput(call: Call, now: () => number = Date.now): void {
  let toldMs = Number.NEGATIVE_INFINITY
  const note = (event: Event) => {
    if (!event.isTrusted || now() - toldMs < everyMs) return
    toldMs = now()
    call('lock.touch', {}).catch(() => undefined)
  }
  for (const kind of kinds) window.addEventListener(kind, note, { capture: true, passive: true })
}
