import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * CPU seconds of processes and everything below them, from /proc (proc(5): utime and stime of `stat`, in ticks of 10 ms). OpenSSH starts a process per connection and does not
 * wait for its ProxyCommand, so children are looked at while they live; what one spends after the last look is lost, to the peer's advantage.
 */
const tickSeconds = 0.01
const lookEveryMs = 50

/** Names of processes, each with what is below it; one that is below another comes after it. */
export type Roots = Record<string, number>
export type Seconds = Record<string, number>

export function watchCpu(roots: Roots): () => Seconds {
  const first = new Map<string, number>()
  const last = new Map<string, { name: string; seconds: number }>()
  const look = (isFirst: boolean) => {
    for (const [name, pid] of Object.entries(roots)) {
      for (const one of treeOf(pid)) {
        if (!first.has(one.key)) first.set(one.key, isFirst ? one.seconds : 0)
        last.set(one.key, { name: one.pid === pid ? name : nameOfChild(name, one.command), seconds: one.seconds })
      }
    }
  }
  look(true)
  const timer = setInterval(look, lookEveryMs, false)
  return () => {
    clearInterval(timer)
    look(false)
    const sums: Seconds = {}
    for (const [key, { name, seconds }] of last) sums[name] = (sums[name] ?? 0) + seconds - (first.get(key) ?? 0)
    return sums
  }
}

/** `ssh` below `sftp` is worth a name; a `sshd` below a `sshd` is the same, and so is a process of Node below another, unless it is a root of its own. */
function nameOfChild(root: string, command: string): string {
  return root.startsWith(command) || /^(node|MainThread)/.test(command) ? root : `${command} of ${root}`
}

type Look = { pid: number; key: string; command: string; seconds: number }

function treeOf(pid: number): Look[] {
  const own = lookAt(pid)
  return own ? [own, ...childrenOf(pid).flatMap(treeOf)] : []
}

function childrenOf(pid: number): number[] {
  return (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number)
}

function lookAt(pid: number): Look | null {
  const stat = read(`/proc/${pid}/stat`)
  if (!stat) return null
  const end = stat.lastIndexOf(')')
  const fields = stat.slice(end + 2).split(' ')
  // Fields 14, 15 and 22 of the whole line; a number may be given out again, so the start is part of the key.
  const seconds = (Number(fields[11]) + Number(fields[12])) * tickSeconds
  return { pid, key: `${pid} ${fields[19]}`, command: stat.slice(stat.indexOf('(') + 1, end), seconds }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}

/** Waits until a process and those below it have nothing left to do; resolves with the CPU seconds that this took. A peer's turn must not be spent on our work. */
export async function settled(pid: number): Promise<number> {
  const spent = () => treeOf(pid).reduce((sum, { seconds }) => sum + seconds, 0)
  const first = spent()
  for (let before = first; ; ) {
    await sleep(250)
    const now = spent()
    if (now - before <= 2 * tickSeconds) return now - first
    before = now
  }
}

/** Resident memory, in bytes. */
export function residentBytes(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  if (!kb) throw new Error(`process ${pid} is gone`)
  return Number(kb) * 1_024
}
