import { type ChildProcess, fork } from 'node:child_process'

/**
 * What measures runs in a process of its own, and the one that asks sleeps meanwhile. Calls and answers go over Node's own channel between parent and child.
 */
// biome-ignore lint/suspicious/noExplicitAny: inputs differ by name, and `call` gives each its own type
export type WorkerCalls = Record<string, (input: any) => unknown>
export type Worker<C extends WorkerCalls> = {
  pid: number
  call<N extends keyof C & string>(name: N, input: Parameters<C[N]>[0]): Promise<Awaited<ReturnType<C[N]>>>
  stop(): Promise<void>
}
type Call = { id: number; name: string; input: unknown }
type Answer = { id: number; value?: unknown; error?: string }

export function serveCalls(calls: WorkerCalls): void {
  process.on('message', async ({ id, name, input }: Call) => {
    const send = (answer: Answer) => process.send?.(answer)
    try {
      const call = calls[name]
      if (!call) throw new Error(`no call ${name}`)
      send({ id, value: await call(input) })
    } catch (error) {
      send({ id, error: error instanceof Error ? `${error.message}\n${JSON.stringify(error)}\n${error.stack}` : String(error) })
    }
  })
  process.once('disconnect', () => process.exit())
}

/** `file` is a name in this folder. */
export function startWorker<C extends WorkerCalls>(file: string, { flags = [] }: { flags?: string[] } = {}): Worker<C> {
  const child = fork(new URL(file, import.meta.url), { execArgv: flags, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let calls = 0
  child.on('message', ({ id, value, error }: Answer) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(value)
    else one?.reject(new Error(error))
  })
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${signal ?? code}`))
  })
  return {
    pid: child.pid ?? 0,
    call: (name, input) =>
      new Promise((resolve, reject) => {
        calls += 1
        waiting.set(calls, { resolve: resolve as (value: unknown) => void, reject })
        child.send({ id: calls, name, input })
      }),
    stop: () => stopChild(child),
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.disconnect()
  await gone
}
