import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Host, Net } from './world.ts'

/** What a process holds. `heapMb` and `resources` (timers, sockets and the like, by kind) are known where Node's inspector answers, after a full garbage collection. */
export type Holding = { rssMb: number; fds: number; heapMb: number | null; resources: Record<string, number> | null }

/** Before a command: its allocator gives back at once what is free (mallopt(3)). Otherwise resident memory says how far that has spread over the pages, not what is held. */
export const givesBack = ['env', 'MALLOC_ARENA_MAX=1', 'MALLOC_MMAP_THRESHOLD_=65536', 'MALLOC_TRIM_THRESHOLD_=65536']

const run = promisify(execFile)
const inside = `
const [{ webSocketDebuggerUrl }] = await (await fetch('http://127.0.0.1:9229/json/list')).json()
const socket = new WebSocket(webSocketDebuggerUrl)
await new Promise((resolve) => socket.addEventListener('open', resolve))
let id = 0
const ask = (method, params = {}) => new Promise((resolve) => {
  const own = ++id
  socket.addEventListener('message', function hear({ data }) {
    const said = JSON.parse(data)
    if (said.id === own) { socket.removeEventListener('message', hear); resolve(said.result) }
  })
  socket.send(JSON.stringify({ id: own, method, params }))
})
for (let times = 0; times < 3; times += 1) await ask('HeapProfiler.collectGarbage')
const expression = 'JSON.stringify({ memory: process.memoryUsage(), resources: process.getActiveResourcesInfo() })'
const { result } = await ask('Runtime.evaluate', { expression })
console.log(result.value)
socket.close()
`

/**
 * Signals the process to open its inspector, which its own host alone can reach: one such process a host. One that must never be inspected is only looked at from outside; `givesBack` is for it.
 */
export async function holdingOf(net: Net, host: Host, pid: number): Promise<Holding> {
  const fromOutside = async () => ({ rssMb: rssOf(pid), fds: await fewestFdsOf(pid), heapMb: null, resources: null })
  if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--disable-sigusr1')) return fromOutside()
  process.kill(pid, 'SIGUSR1')
  const [program, ...argv] = net.on(host, [process.execPath, '--input-type=module', '-e', inside])
  for (let tries = 0; tries < 5; tries += 1) {
    const said = await run(program, argv, { timeout: 20_000 }).catch(() => null)
    if (!said) continue
    const { memory, resources } = JSON.parse(said.stdout) as { memory: NodeJS.MemoryUsage; resources: string[] }
    const counted: Record<string, number> = {}
    for (const kind of resources) counted[kind] = (counted[kind] ?? 0) + 1
    return { rssMb: memory.rss / 1_048_576, fds: await fewestFdsOf(pid), heapMb: memory.heapUsed / 1_048_576, resources: counted }
  }
  return fromOutside()
}

export function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

/** Of some looks: a connection comes and goes, one that was left behind stays. */
async function fewestFdsOf(pid: number): Promise<number> {
  const looks: number[] = []
  for (let index = 0; index < 8; index += 1) {
    looks.push(readdirSync(`/proc/${pid}/fd`).length)
    await sleep(250)
  }
  return Math.min(...looks)
}
