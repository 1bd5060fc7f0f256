import { AppError } from '@gantry/shared/errors.ts'
import type { Console } from './console.ts'

/** Ctrl-C: the first asks the work to stop and says what it does, the second leaves at once. */
export type Interrupt = {
  signal: AbortSignal
  /** What the next Ctrl-C will be said to do. */
  onFirst(sentence: string): void
  close(): void
}

export function listenForInterrupt(console: Console, leave: () => void = () => process.exit(130)): Interrupt {
  const controller = new AbortController()
  let sentence = console.words.progress.leaving
  const interrupt = () => {
    if (controller.signal.aborted) return leave()
    console.say(sentence)
    controller.abort(new AppError('access.cancelled'))
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  return {
    signal: controller.signal,
    onFirst(next) {
      sentence = next
    },
    close() {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', interrupt)
    },
  }
}
