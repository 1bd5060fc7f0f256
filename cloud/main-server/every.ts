/** Runs again and again, never twice at once. Returns the function that stops it and waits for a run that is under way. */
export function every(ms: number, act: () => Promise<unknown>, onDefect: (error: unknown) => void): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    running = act()
      .catch(onDefect)
      .finally(() => {
        busy = false
      })
  }, ms)
  return async () => {
    clearInterval(timer)
    await running
  }
}
