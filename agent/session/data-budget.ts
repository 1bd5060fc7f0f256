import type { Life } from './life.ts'

/** What may move in a session. Above it the session ends at once; what is in memory then is no more than a block of a file. */
export type DataBudget = { take(bytes: number): void; bytes(): number; stop(): void }
export type DataBudgetOptions = {
  maxBytes: number | null
  life: Pick<Life, 'end'>
  /** At most once a second, and once more at the end. */
  onUsed(used: { bytes: number; maxBytes: number }): void
}

const tellEveryMs = 1_000

export function createDataBudget({ maxBytes, life, onUsed }: DataBudgetOptions): DataBudget {
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    timer = undefined
    if (maxBytes !== null) onUsed({ bytes: Math.min(bytes, maxBytes), maxBytes })
  }
  return {
    bytes: () => bytes,
    take(count) {
      if (count <= 0) return
      bytes += count
      if (maxBytes === null) return
      timer ??= setTimeout(tell, tellEveryMs).unref()
      if (bytes > maxBytes) life.end('budget')
    },
    stop() {
      if (timer) tell()
      clearTimeout(timer)
    },
  }
}
