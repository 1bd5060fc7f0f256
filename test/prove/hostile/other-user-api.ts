/** What `other-user.ts` is told to try: things of somebody else's on this machine. It is told each path, since folders that cannot be listed can still be guessed in. */
export type Belongings = {
  files: string[]
  folders: string[]
  sockets: string[]
  /** Without the leading zero octet. */
  abstract: string[]
  /** On the loopback interface. */
  ports: number[]
  pids: number[]
  /** Addresses of message buses with a keyring behind them. */
  buses: string[]
}
/** Of each kind: how many were tried, and which ones let a stranger in. */
export type Let = Record<keyof typeof kinds, { tried: number; found: string[] }> & { doors: Record<number, string> }
export const kinds = {
  read: 'files that it can read, and folders that it can list',
  write: 'files and folders that it can write to',
  connect: 'Unix sockets that it can connect to, by path or abstract',
  process: 'openings of /proc/PID (environment, memory, maps, descriptors, root and the like)',
  trace: 'processes that it can trace (ptrace) or send a signal',
  shared: 'shared memory, semaphores and message queues that it can open',
  keyring: 'keyrings that answer it over their message bus',
} as const
