import { setTimeout as sleep } from 'node:timers/promises'

/** A terminal as whoever types sees it. The same for a `ssh` on a pseudo-terminal and for our services' terminal, and so is all that is measured with it. */
export type Screen = {
  write(keys: string): void
  /** Resolves with the time (`performance.now`) at which the text was seen; looks at what comes from now on. */
  sees(text: string, withinMs?: number): Promise<number>
}

export function createScreen(write: (keys: string) => void, subscribe: (listener: (data: string) => void) => void): Screen {
  let seen = ''
  let look: (atMs: number) => void = () => undefined
  subscribe((data) => {
    const atMs = performance.now()
    seen += data
    look(atMs)
    // Enough to find a word that came in two pieces.
    if (seen.length > 4_096) seen = seen.slice(-64)
  })
  return {
    write,
    sees(text, withinMs = 30_000) {
      seen = ''
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const timer = setTimeout(() => reject(new Error(`waited in vain for ${JSON.stringify(text)}, saw ${JSON.stringify(seen.slice(-200))}`)), withinMs)
      look = (atMs) => {
        if (!seen.includes(text)) return
        clearTimeout(timer)
        look = () => undefined
        resolve(atMs)
      }
      return promise
    },
  }
}

/** What answers each key, the same at both ends: `cat` behind a terminal that passes everything on and echoes nothing itself. */
export async function startEcho(screen: Screen): Promise<void> {
  const ready = screen.sees('ready.')
  screen.write(`stty raw -echo; echo "rea""dy."; exec cat\r`)
  await ready
}

export type Typing = {
  /** So many, or until it is aborted. */
  keys: number
  /** Between an echo and the next key, so that nothing stays warm that would not with a person; drawn evenly from 1 ms to this. */
  upToMs: number
  signal?: AbortSignal
}

/** One key at a time, each waiting for its echo; milliseconds. */
export async function typeKeys(screen: Screen, { keys, upToMs, signal }: Typing): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < keys && !signal?.aborted; index += 1) {
    const key = String.fromCharCode(65 + (index % 26))
    const seen = screen.sees(key)
    const start = performance.now()
    screen.write(key)
    times.push((await seen) - start)
    await sleep(1 + Math.random() * (upToMs - 1))
  }
  return times
}

/** Types, kills a process between two keys, and types on; milliseconds from the kill to the echo of the key after it. Keys that follow must be echoed too. */
export async function resumeAfterKill(screen: Screen, pid: number): Promise<number> {
  await typeKeys(screen, { keys: 20, upToMs: 10 })
  process.kill(pid, 'SIGKILL')
  const [first] = await typeKeys(screen, { keys: 1, upToMs: 2 })
  await typeKeys(screen, { keys: 20, upToMs: 10 })
  return first as number
}
