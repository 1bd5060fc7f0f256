/**
 * One of a thing that takes time to make and of which each use needs a fresh one, ready before somebody waits for it. One that could not be made is no spare: whoever takes then makes one, and
 * meets the failure.
 */
export type Spare<T> = {
  take(): Promise<T>
  /** Makes the next one, unless there is one. */
  fill(): void
  close(): void
}

export function keepSpare<T>(make: () => Promise<T>, drop: (one: T) => void): Spare<T> {
  let spare: Promise<T | null> | null = null
  let closed = false
  return {
    async take() {
      const ready = spare
      spare = null
      return (await ready) ?? make()
    },
    fill() {
      if (!closed) spare ??= make().catch(() => null)
    },
    close() {
      closed = true
      void spare?.then((one) => one && drop(one))
      spare = null
    },
  }
}
