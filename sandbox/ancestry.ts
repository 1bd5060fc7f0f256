import { readFileSync } from 'node:fs'

/**
 * Whether those above us still live. `kill -9` of npm leaves the shell that it started, or us, to another parent, and no signal comes. Linux tells who the
 * parent of a process is; elsewhere only our own parent is watched.
 */
type Ancestor = { pid: number; parent: number }

/** From us up to npm where npm started us, else nobody: a sandbox that was started with `nohup` may outlive its shell. */
export function watchedAncestors(env: NodeJS.ProcessEnv = process.env): Ancestor[] {
  if (env.npm_lifecycle_event === undefined) return []
  const chain: Ancestor[] = []
  let pid = process.pid
  for (let steps = 0; steps < 4; steps += 1) {
    const parent = parentOf(pid)
    if (parent === null || parent <= 1) break
    chain.push({ pid, parent })
    if (isNpm(parent)) return chain
    pid = parent
  }
  return [{ pid: process.pid, parent: process.ppid }]
}

export function isOrphaned(chain: Ancestor[]): boolean {
  return chain.some(({ pid, parent }) => (pid === process.pid ? process.ppid : parentOf(pid)) !== parent)
}

export function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // proc(5): the command in brackets may itself hold spaces and brackets; the parent is the second field after it.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return pid === process.pid ? process.ppid : null
  }
}

function isNpm(pid: number): boolean {
  try {
    return /^(npm\b|[^\0]*node\0[^\0]*npm)/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return false
  }
}
