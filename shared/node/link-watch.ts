import { judgePath, type LinkClock, lateMs, type PathLife, tickMs } from './link-timing.ts'

/** Looks at the paths of a link as often as there is reason to: often while something moves, seldom else. */
export type LinkWatch = {
  /** Something moves: look soon whether it arrives. */
  wake(): void
  stop(): void
}
export type WatchOptions<P extends PathLife> = {
  clock: LinkClock
  paths(): Iterable<P>
  carries(path: P): boolean
  /** Whether something waits for its acknowledgement. */
  waits(): boolean
  ask(path: P): void
  doubt(path: P): void
  close(path: P): void
}

export function watchPaths<P extends PathLife>({ clock, paths, carries, waits, ask, doubt, close }: WatchOptions<P>): LinkWatch {
  let movedMs = clock.now()
  let dueMs = Number.POSITIVE_INFINITY
  let cancel = () => {}
  let isStopped = false

  const schedule = (ms: number) => {
    const atMs = clock.now() + ms
    if (dueMs <= atMs || isStopped) return
    cancel()
    dueMs = atMs
    cancel = clock.after(ms, look)
  }
  const look = () => {
    const now = clock.now()
    const slept = now - dueMs > lateMs
    dueMs = Number.POSITIVE_INFINITY
    const active = now - movedMs < tickMs.activeFor || waits()
    let [isBusy, isAny] = [active, false]
    for (const path of [...paths()]) {
      // Where this process itself stood still, nobody had the time to answer.
      if (slept && path.askedMs !== null) path.askedMs = now
      const verdict = judgePath(path, { now, active, carries: carries(path) })
      if (verdict === 'ask') path.askedMs = now
      if (verdict === 'doubt') path.doubtedMs = now
      if (verdict !== 'well') ({ ask, doubt, close })[verdict](path)
      isAny = true
      isBusy ||= path.askedMs !== null || path.doubtedMs !== null
    }
    if (isAny) schedule(isBusy ? tickMs.active : tickMs.idle)
  }
  return {
    wake() {
      movedMs = clock.now()
      schedule(tickMs.active)
    },
    stop() {
      isStopped = true
      cancel()
    },
  }
}
