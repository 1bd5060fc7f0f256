import { Worker } from 'node:worker_threads'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { DigestAnswer, DigestOrder } from './digest-thread.ts'

/** The agent's end of the digest thread: started with the first large file, ended with the session. */
export type Digester = {
  /** A file that is followed from its first octet. The descriptor stays open until `finish` has resolved. */
  follow(fd: number): Following
  close(): Promise<void>
}
export type Following = {
  /** Octets 0 to `upTo` are there. */
  advance(upTo: number): void
  /** Null when the file was shorter, or the thread is gone. */
  finish(upTo: number): Promise<Hash | null>
  /** Not wanted any more. Resolves when the thread has let go of the descriptor. */
  drop(): Promise<null>
}

export function createDigester(): Digester {
  const waiting = new Map<number, (sha256: Hash | null) => void>()
  let thread: Worker | null = null
  let lastId = 0
  let closed = false

  const fail = () => {
    thread = null
    for (const resolve of waiting.values()) resolve(null)
    waiting.clear()
  }
  const start = () => {
    const worker = new Worker(new URL('./digest-thread.ts', import.meta.url))
    worker.on('message', ({ id, sha256 }: DigestAnswer) => {
      waiting.get(id)?.(sha256 as Hash | null)
      waiting.delete(id)
    })
    worker.on('error', fail)
    worker.on('exit', fail)
    // A thread that only waits keeps no process alive.
    worker.unref()
    return worker
  }
  const order = (message: DigestOrder) => {
    thread ??= start()
    thread.postMessage(message)
  }
  return {
    follow(fd) {
      lastId += 1
      const id = lastId
      const answer = (last: Omit<DigestOrder, 'id' | 'fd'>): Promise<Hash | null> => {
        if (closed) return Promise.resolve(null)
        const { promise, resolve } = Promise.withResolvers<Hash | null>()
        waiting.set(id, resolve)
        order({ id, fd, ...last })
        return promise
      }
      return {
        advance(upTo) {
          if (!closed) order({ id, fd, upTo, end: false, drop: false })
        },
        finish: (upTo) => answer({ upTo, end: true, drop: false }),
        drop: () => answer({ upTo: 0, end: true, drop: true }).then(() => null),
      }
    },
    async close() {
      closed = true
      await thread?.terminate()
    },
  }
}
