import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { type Thread, through } from '../ui/thread-model.ts'

/** ms: an interruption is shown after the first; a switch for the second (design: States). */
export const shownMs = { after: 700, switched: 600_000 } as const

/** The device's own word that another access server carries, while it is news. */
export function lastSwitch(events: readonly AuditEvent[], nowMs: number): { atMs: number } | null {
  const event = events.findLast(({ kind }) => kind === 'link.switched')
  const atMs = event ? Date.parse(event.at) : 0
  return nowMs - atMs < shownMs.switched ? { atMs } : null
}

/** The line from here to the device: where it is broken, as far as this end knows. */
export function threadOfSession({ network }: Pick<SessionView, 'network'>): Thread {
  if (network.state === 'carried') return { ...through('live'), halo: 'still' }
  // The access server answers, but the device is not there: its own way out is broken. Else it is ours, or the server.
  const lost = network.failure?.code === 'leg.peer-missing' ? 1 : 0
  return {
    tone: 'switch',
    nodes: [0, 1, 2, 3].map((node) => (node > lost ? 'hollow' : 'dot')),
    hops: [0, 1, 2].map((hop) => (hop === lost ? 'dim' : 'solid')),
    halo: 'none',
  }
}

/** How many addresses the device tried from where this session's programs live; null until it said that all were blocked. */
export function blockedTries(events: readonly AuditEvent[]): number | null {
  const { tried, blocked } = events.findLast(({ kind }) => kind === 'session.probed')?.data ?? {}
  return typeof tried === 'number' && tried > 0 && tried === blocked ? tried : null
}
