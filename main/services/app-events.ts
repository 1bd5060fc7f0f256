import { EventEmitter } from 'node:events'
import type { EventName, EventPayload } from '@gantry/shared/ipc.ts'
import type { ServiceLog } from './services.ts'

/** Tells whoever listens what changed. A listener that throws is logged and harms nobody else. */
export type Emit = <N extends EventName>(name: N, payload: EventPayload<N>) => void
export type AppEvents = { emit: Emit; on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): () => void; clear(): void }

export function createAppEvents(log: ServiceLog): AppEvents {
  const emitter = new EventEmitter()
  emitter.setMaxListeners(0)
  return {
    emit: (name, payload) => {
      emitter.emit(name, payload)
    },
    on(name, listener) {
      const guarded = (payload: EventPayload<typeof name>) => {
        try {
          listener(payload)
        } catch (error) {
          log.error('a listener failed', { event: name, error: error instanceof Error ? error.name : 'unknown' })
        }
      }
      emitter.on(name, guarded)
      return () => emitter.off(name, guarded)
    },
    clear: () => emitter.removeAllListeners(),
  }
}
