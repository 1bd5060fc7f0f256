/** What `reach.ts` is told to try, and what it says came of it. */
export type ReachTask = { addresses: string[]; ports: number[]; v6: string }
export type Reached = {
  tcp: { tried: number; reached: number; why: Record<string, number> }
  /** Of each other way: what came of it. */
  ways: Record<string, string>
}
export type LanTask = { ports: number[]; own: string }

/** RFC 6762 section 3. */
export const mdns = { group: '224.0.0.251', port: 5_353 } as const

/** Nothing left this machine, or nothing came of it. Whatever else there is, also a refusal or an outcome without a name, counts as reached. */
const blocked: ReadonlySet<string> = new Set([
  'EPERM',
  'EACCES',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'EAFNOSUPPORT',
  'EPROTONOSUPPORT',
  'ENETDOWN',
  'ENODEV',
  'ENXIO',
  'silence',
  'no interface',
])
export const isReached = (outcome: string): boolean => !blocked.has(outcome)

/** What certainly left this machine: the control has to. */
const gone: ReadonlySet<string> = new Set(['answered', 'sent', 'connected', 'ECONNREFUSED', 'there are some'])
export const isSurelyReached = (outcome: string): boolean => gone.has(outcome)
