import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Host, Net } from './world.ts'

/** What a process holds. `fileMb`: of its resident memory what is pages of files, such as its program's. `heapMb`, `outsideMb` (buffers and whatever else hangs on the heap's objects) and `resources` (timers, sockets and the like, by kind) are known where it answers, after a full garbage collection. */
export type Holding = { rssMb: number; fileMb: number; fds: number; heapMb: number | null; outsideMb: number | null; resources: Record<string, number> | null }

/** Before a command: its allocator gives back at once what is free (mallopt(3)). Otherwise resident memory says how far that has spread over the pages, not what is held. */
const givesBack = ['env', 'MALLOC_ARENA_MAX=1', 'MALLOC_MMAP_THRESHOLD_=65536', 'MALLOC_TRIM_THRESHOLD_=65536']

/** Before the command of a process that must never be inspected: it tells what it holds when it is asked by a signal (`tell-on-signal.cjs`), into that folder. */
export const tells = (folder: string) => [...givesBack, `GANTRY_TELL=${folder}`, `NODE_OPTIONS=--require=${join(import.meta.dirname, 'tell-on-signal.cjs')}`]

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

type Told = { memory: NodeJS.MemoryUsage; resources: string[] }

/** Asks through Node's inspector, which the process' own host alone can reach: one such process a host. One that must never be inspected tells by itself, where it was started with `tells`. */
export async function holdingOf(net: Net, host: Host, pid: number): Promise<Holding> {
  const isShut = readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--disable-sigusr1')
  const told = isShut ? await tellOf(pid) : await inspectorOf(net, host, pid)
  const fds = await fewestFdsOf(pid)
  const outside = { rssMb: rssOf(pid), fileMb: rssOf(pid, 'RssFile'), fds }
  if (!told) return { ...outside, heapMb: null, outsideMb: null, resources: null }
  const resources: Record<string, number> = {}
  for (const kind of told.resources) resources[kind] = (resources[kind] ?? 0) + 1
  return { ...outside, heapMb: told.memory.heapUsed / 1_048_576, outsideMb: told.memory.external / 1_048_576, resources }
}

async function inspectorOf(net: Net, host: Host, pid: number): Promise<Told | null> {
  process.kill(pid, 'SIGUSR1')
  const [program, ...argv] = net.on(host, [process.execPath, '--input-type=module', '-e', inside])
  for (let tries = 0; tries < 5; tries += 1) {
    const said = await run(program, argv, { timeout: 20_000 }).catch(() => null)
    if (said) return JSON.parse(said.stdout) as Told
  }
  return null
}

async function tellOf(pid: number): Promise<Told | null> {
  const folder = /(?:^|\0)GANTRY_TELL=([^\0]+)/.exec(readFileSync(`/proc/${pid}/environ`, 'utf8'))?.[1]
  if (!folder) return null
  const file = join(folder, `${pid}.json`)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (let tries = 0; tries < 100 && !existsSync(file); tries += 1) await sleep(100)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Told) : null
}

export function rssOf(pid: number, which: 'VmRSS' | 'RssFile' = 'VmRSS'): number {
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
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
