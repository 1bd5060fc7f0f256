import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { sessionMark } from './separation.ts'

/**
 * Every process of a session ends with it, also one that `nohup`, `setsid` or a double fork took out of its group. Three ways to know one:
 * the session's mark in its environment; a parent that is one; and, where programs run as a user of their own, that user together with
 * `NoNewPrivs` and an empty bounding set, which a process inherits and cannot lose, whatever it does to its environment.
 */
export type ProcessFacts = {
  pid: number
  parent: number
  /** Clock ticks since boot: with the pid it names a process for good. */
  startedAt: string
  uid: number
  /** Of the environment it started with; null: none, or not readable. */
  mark: string | null
  confined: boolean
}

export type SessionProcesses = {
  /** Ends everything, `SIGHUP` first. Resolves with how many there were when nothing is left, or after ten rounds. */
  end(): Promise<number>
}

type Belonging = { mark: string; separatedUid: number | null; before: ReadonlySet<string> }

/** `separatedUid` is null where programs run as the agent. To be called before the session's first program. */
export function watchProcesses({ mark, separatedUid }: { mark: string; separatedUid: number | null }): SessionProcesses {
  const before = identitiesNow()
  return { end: () => endAll({ mark, separatedUid, before }) }
}

const graceMs = 150
const maxRounds = 10

async function endAll(belonging: Belonging): Promise<number> {
  const ended = new Set<string>()
  const first = await membersNow(belonging)
  if (first.length === 0) return 0
  for (const { pid } of first) signal(pid, 'SIGHUP')
  for (const { pid } of first) signal(pid, 'SIGCONT')
  for (const one of first) ended.add(identity(one))
  await sleep(graceMs)
  for (let round = 0; round < maxRounds; round += 1) {
    const members = await membersNow(belonging)
    if (members.length === 0) break
    // All are stopped before one is killed, so that none can fork while the others die.
    for (const { pid } of members) signal(pid, 'SIGSTOP')
    for (const { pid } of members) signal(pid, 'SIGKILL')
    for (const one of members) ended.add(identity(one))
    await sleep(20)
  }
  return ended.size
}

async function membersNow(belonging: Belonging): Promise<ProcessFacts[]> {
  return membersOf(await listProcesses(), belonging)
}

/** Pure: which of these belong to the session. */
export function membersOf(processes: readonly ProcessFacts[], { mark, separatedUid, before }: Belonging): ProcessFacts[] {
  const members = new Map<number, ProcessFacts>()
  for (const one of processes) {
    const isConfinedStray = one.uid === separatedUid && one.confined && one.mark === null
    if (!before.has(identity(one)) && (one.mark === mark || isConfinedStray)) members.set(one.pid, one)
  }
  for (let grew = true; grew; ) {
    grew = false
    for (const one of processes) {
      const isChild = members.has(one.parent) && !members.has(one.pid) && !before.has(identity(one))
      if (!isChild) continue
      members.set(one.pid, one)
      grew = true
    }
  }
  members.delete(process.pid)
  return [...members.values()]
}

const identity = ({ pid, startedAt }: Pick<ProcessFacts, 'pid' | 'startedAt'>): string => `${pid}:${startedAt}`

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended by itself meanwhile.
  }
}

/** A session waits for this one, so it is read in one go: a few milliseconds, where a thread for each of several hundred files costs ten times that. */
function identitiesNow(): Set<string> {
  const found = new Set<string>()
  for (const pid of readdirSync('/proc').filter(isPid)) {
    try {
      found.add(identity({ pid: Number(pid), startedAt: statFieldsOf(readFileSync(`/proc/${pid}/stat`, 'latin1'))[19] ?? '' }))
    } catch {
      // It ended meanwhile.
    }
  }
  return found
}

/** The processes of an account, and whose session they say that they belong to. In one go, as above. */
export function processesOf(uid: number): Pick<ProcessFacts, 'pid' | 'mark'>[] {
  return readdirSync('/proc')
    .filter(isPid)
    .flatMap((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1')
        if (statusField(status, 'Uid') !== String(uid) || /^State:\s+[ZX]/m.test(status)) return []
        return [{ pid: Number(pid), mark: markIn(environmentOf(pid)) }]
      } catch {
        return []
      }
    })
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch {
    return ''
  }
}

const isPid = (name: string): boolean => /^\d+$/.test(name)

/** proc_pid_stat(5): the program's name stands in parentheses and may hold anything, so the fields are counted from the last one. */
function statFieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

async function listProcesses(): Promise<ProcessFacts[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter(isPid)
  const all = await Promise.all(pids.map((pid) => factsOf(pid).catch(() => null)))
  return all.filter((facts) => facts !== null)
}

async function factsOf(pid: string): Promise<ProcessFacts | null> {
  const [stat, status, environment] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'latin1'),
    readFile(`/proc/${pid}/status`, 'latin1'),
    readFile(`/proc/${pid}/environ`, 'latin1').catch(() => ''),
  ])
  const fields = statFieldsOf(stat)
  const [state = '', parent = '0'] = fields
  if (state === 'Z' || state === 'X') return null
  const field = (name: string) => statusField(status, name)
  return {
    pid: Number(pid),
    parent: Number(parent),
    startedAt: fields[19] ?? '',
    uid: Number(field('Uid')),
    mark: markIn(environment),
    confined: field('NoNewPrivs') === '1' && /^0+$/.test(field('CapBnd')),
  }
}

function statusField(status: string, name: string): string {
  return status.match(new RegExp(`^${name}:\\s*(\\S+)`, 'm'))?.[1] ?? ''
}

function markIn(environment: string): string | null {
  const prefix = `${sessionMark}=`
  return (
    environment
      .split('\0')
      .find((entry) => entry.startsWith(prefix))
      ?.slice(prefix.length) ?? null
  )
}
