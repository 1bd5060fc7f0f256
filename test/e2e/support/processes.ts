import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What Linux tells about processes and sockets in /proc. */
export type ProcessRow = { pid: number; parent: number; command: string }

export function processes(): ProcessRow[] {
  return readdirSync('/proc').flatMap((name) => {
    const pid = Number(name)
    if (!Number.isInteger(pid)) return []
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // A zombie is dead; its parent has not looked yet.
      if (fields[0] === 'Z') return []
      return [{ pid, parent: Number(fields[1]), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }]
    } catch {
      return []
    }
  })
}

/** Whatever names the folder on its command line, or descends from it. */
export function processesOf(folder: string): ProcessRow[] {
  return processes().filter(({ command }) => command.includes(folder))
}

export function isAlive(pid: number): boolean {
  return processes().some((one) => one.pid === pid)
}

export function childrenOf(pid: number): ProcessRow[] {
  return processes().filter(({ parent }) => parent === pid)
}

/** The agent below a device's supervisor. */
export function agentOf(supervisor: number): number {
  const [agent] = childrenOf(supervisor)
  if (!agent) throw new Error(`supervisor ${supervisor} has no child`)
  return agent.pid
}

export type SocketRow = { kind: 'tcp' | 'tcp6' | 'udp' | 'udp6' | 'unix' | 'raw'; state: string; local: string; remote: string }

/** Every socket that a process holds, by the inodes of its descriptors. */
export function socketsOf(pid: number): SocketRow[] {
  const inodes = new Set<string>()
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const target = tryRead(() => readlinkSync(`/proc/${pid}/fd/${fd}`))
      const inode = /^socket:\[(\d+)\]$/.exec(target ?? '')?.[1]
      if (inode) inodes.add(inode)
    }
  } catch {
    return []
  }
  return [...(['tcp', 'tcp6', 'udp', 'udp6', 'raw'] as const).flatMap((kind) => inetRows(pid, kind, inodes)), ...unixRows(pid, inodes)]
}

/** proc(5), net/tcp: local and remote address, state in hexadecimal (0A: listening, 01: established), inode as the tenth field. */
function inetRows(pid: number, kind: Exclude<SocketRow['kind'], 'unix'>, inodes: Set<string>): SocketRow[] {
  const text = tryRead(() => readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')) ?? ''
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => inodes.has(fields[9] ?? ''))
    .map((fields) => ({ kind, state: fields[3] ?? '', local: fields[1] ?? '', remote: fields[2] ?? '' }))
}

/** net/unix: flags with bit 0x10000 (SO_ACCEPTCON) for a listener; the path begins with @ when it is abstract. */
function unixRows(pid: number, inodes: Set<string>): SocketRow[] {
  const text = tryRead(() => readFileSync(`/proc/${pid}/net/unix`, 'utf8')) ?? ''
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => inodes.has(fields[6] ?? ''))
    .map((fields) => ({
      kind: 'unix' as const,
      state: (Number.parseInt(fields[3] ?? '0', 16) & 0x10000) !== 0 ? 'listen' : 'open',
      local: fields[7] ?? '',
      remote: '',
    }))
}

/** Listening, or (UDP, raw) open to whatever comes. */
export function listeners(rows: SocketRow[]): SocketRow[] {
  return rows.filter(({ kind, state }) => state === 'listen' || state === '0A' || kind.startsWith('udp') || kind === 'raw')
}

export function established(rows: SocketRow[]): SocketRow[] {
  return rows.filter(({ kind, state }) => kind.startsWith('tcp') && state === '01')
}

function tryRead<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
