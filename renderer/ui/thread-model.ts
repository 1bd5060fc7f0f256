import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Reach } from '@gantry/shared/client-api.ts'

/** The one drawing (design: principle 1): you, Gantry, site, device. It says how far a connection gets, and where it stops. */
export type Tone = 'ok' | 'live' | 'wait' | 'danger' | 'off' | 'switch'
export type Node = 'dot' | 'hollow' | 'cross' | 'square'
export type Hop = 'solid' | 'dim'
export type Thread = { tone: Tone; nodes: readonly Node[]; hops: readonly Hop[]; halo: 'none' | 'breathing' | 'still' }

const places = { gantry: 1, site: 2, device: 3 } as const
const last = 3

/** What stops by rule is a square: nothing is broken, someone decided. What does not answer is a cross. */
const ruled: ReadonlySet<Reach['why']> = new Set(['connectivity-off', 'entitlement-ended', 'no-level'])

export function threadOf({ why, stopsAt }: Reach): Thread {
  if (why === 'in-session') return { ...through('live'), halo: 'still' }
  if (why === 'waiting') return { ...through('wait'), halo: 'breathing' }
  if (stopsAt === null) return through('ok')
  return stoppedAt(places[stopsAt], ruled.has(why) ? 'square' : 'cross', why === 'site-silent' ? 'danger' : 'off')
}

export function through(tone: Tone): Thread {
  return { tone, nodes: ['dot', 'dot', 'dot', 'dot'], hops: ['solid', 'solid', 'solid'], halo: 'none' }
}

/** A square is reached and stops there; a cross is where the line breaks before it arrives. */
function stoppedAt(place: number, mark: 'square' | 'cross', tone: Tone): Thread {
  const lastSolid = mark === 'square' ? place : place - 1
  return {
    tone,
    nodes: [0, 1, 2, 3].map((node) => (node === place ? mark : node < place ? 'dot' : 'hollow')),
    hops: [1, 2, 3].map((end) => (end <= lastSolid ? 'solid' : 'dim')),
    halo: 'none',
  }
}

/** This window itself is cut off: only the first hop is known to be missing. */
export function offline(thread: Thread): Thread {
  return { tone: 'off', nodes: thread.nodes, hops: thread.hops.with(0, 'dim'), halo: 'none' }
}

type Cut = { place: 0 | 1 | 2 | 3; isForced: boolean }
const cuts: Record<EndCause, Cut> = {
  specialist: { place: 0, isForced: false },
  person: { place: 3, isForced: true },
  'case-closed': { place: 1, isForced: false },
  time: { place: 3, isForced: false },
  idle: { place: 3, isForced: false },
  budget: { place: 3, isForced: false },
  revoked: { place: 1, isForced: true },
  policy: { place: 3, isForced: true },
  'connection-lost': { place: 0, isForced: true },
  'access-server-lost': { place: 1, isForced: true },
  'agent-stopped': { place: 3, isForced: true },
  'audit-failed': { place: 3, isForced: true },
}

/** An ended session: cut before the side that ended it, a square there (design: States). */
export function cutBy(cause: EndCause): Thread {
  const { place, isForced } = cuts[cause]
  const cutHop = place === 0 ? 0 : place - 1
  return {
    tone: isForced ? 'danger' : 'ok',
    nodes: [0, 1, 2, last].map((node) => (node === place ? 'square' : 'dot')),
    hops: [0, 1, 2].map((hop) => (hop === cutHop ? 'dim' : 'solid')),
    halo: 'none',
  }
}
