import type { Passport } from '@gantry/shared/passport.ts'
import type { PanelLink } from '../panel-link.ts'

export type PanelCheckWith = {
  panel: Pick<PanelLink, 'tell' | 'onPress'>
  /** False while not a packet may leave. */
  allowed: () => boolean
  run: (signal: AbortSignal, onProgress: (passport: Passport) => void) => Promise<Passport>
  onFailed: (error: unknown) => void
  signal: AbortSignal
}

/** The button of the front panel: one check at a time, told as it goes, and put away when somebody says so. */
export function attachPanelCheck({ panel, allowed, run, onFailed, signal }: PanelCheckWith): void {
  let running: AbortController | null = null
  const put = (passport: Passport | null) => panel.tell({ type: 'network.checked', passport })
  const start = async () => {
    const cancel = new AbortController()
    running = cancel
    try {
      put(
        await run(AbortSignal.any([signal, cancel.signal]), (passport) => {
          if (!cancel.signal.aborted) put(passport)
        }),
      )
    } catch (error) {
      if (cancel.signal.aborted || signal.aborted) return
      put(null)
      onFailed(error)
    } finally {
      if (running === cancel) running = null
    }
  }
  panel.onPress((press) => {
    if (press.type !== 'network.check') return
    if (!press.run) {
      running?.abort()
      running = null
      put(null)
    } else if (!running && allowed()) void start()
  })
}
