import type { DeviceId } from '@gantry/shared/ids.ts'

/** Held polls: who waits for news of a device. Nothing is kept here; what is to be delivered lies in the database. */
export type Waiters = {
  /** Resolves when the device is woken, after `holdMs`, or when the signal aborts. */
  wait(deviceId: DeviceId, holdMs: number, signal: AbortSignal): Promise<void>
  wake(deviceId: DeviceId): void
  wakeAll(): void
}

export function createWaiters(): Waiters {
  const waiting = new Map<DeviceId, Set<() => void>>()
  return {
    wait: (deviceId, holdMs, signal) =>
      new Promise((resolve) => {
        const own = waiting.get(deviceId) ?? new Set()
        waiting.set(deviceId, own)
        const stop = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', stop)
          own.delete(stop)
          if (own.size === 0 && waiting.get(deviceId) === own) waiting.delete(deviceId)
          resolve()
        }
        const timer = setTimeout(stop, holdMs)
        own.add(stop)
        signal.addEventListener('abort', stop)
        if (signal.aborted) stop()
      }),
    wake(deviceId) {
      for (const stop of [...(waiting.get(deviceId) ?? [])]) stop()
    },
    wakeAll() {
      for (const own of [...waiting.values()]) for (const stop of [...own]) stop()
    },
  }
}
