import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeyedSaid, KeyedTask } from './keyed-task.ts'

/** `hear` resolves once the client has said so, and rejects with its failure. */
type Client = { child: ChildProcess; said: KeyedSaid[]; hear(step: string): Promise<void>; kill(): Promise<void> }

/** Works in the folder `home`, where its log is added to when it is killed. */
export function startKeyedClient(task: KeyedTask, home: string, env: Record<string, string>): Client {
  const program = [process.execPath, '--no-warnings', join(import.meta.dirname, 'keyed-client.ts')]
  // A crash dump would lie where it works.
  const child = spawn('/bin/sh', ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...program], { cwd: home, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const log: string[] = []
  child.stderr.on('data', (chunk: Buffer) => log.push(String(chunk)))
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(task)}\n`)
  const said: KeyedSaid[] = []
  const waiting = new Map<string, PromiseWithResolvers<void>>()
  const place = (step: string) => {
    const one = waiting.get(step) ?? Promise.withResolvers<void>()
    waiting.set(step, one)
    return one
  }
  createInterface(child.stdout).on('line', (line) => {
    const one = JSON.parse(line) as KeyedSaid
    said.push(one)
    if ('failure' in one) for (const { reject } of waiting.values()) reject(new Error(one.failure))
    else place('step' in one ? one.step : 'code' in one ? 'code' : 'secrets').resolve()
  })
  const gone = once(child, 'exit')
  return {
    ...{ child, said },
    hear: (step) =>
      Promise.race([
        place(step).promise,
        gone.then(() => Promise.reject(new Error(`it ended: ${log.join('')}`))),
        sleep(90_000).then(() => Promise.reject(new Error(`no ${step}`))),
      ]),
    async kill() {
      child.kill('SIGKILL')
      await gone
      writeFileSync(join(home, 'own.log'), log.join(''), { flag: 'a' })
    },
  }
}
