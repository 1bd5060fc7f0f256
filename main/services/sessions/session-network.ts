import type { EndCause } from '@gantry/shared/access-request.ts'
import type { AuditKind } from '@gantry/shared/audit.ts'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import type { LinkedNetwork } from '@gantry/shared/node/link-legs.ts'
import { watchNetwork } from '@gantry/shared/node/network-watch.ts'
import type { AccessServerRef } from '@gantry/shared/ticket.ts'

/** What carries an open session, as its window shows it and its log keeps it. While nothing does, the main server may know that the session is over. */
export type SessionNetwork = {
  change(network: LinkedNetwork): void
  /** From now on `onView` is told of every change. */
  watch(onView: (part: NetworkView) => void): void
  view(): NetworkView
  stop(): void
}
export type NetworkView = Pick<SessionView, 'network' | 'accessServer'>
export type NetworkTools = {
  first: AccessServerRef
  append: (kind: AuditKind, data: Record<string, string | number>) => void
  show: (timeoutMs: number) => Promise<AccessRequestView>
  onEnded: (cause: EndCause) => void
  now?: () => number
}

/** ms. */
const ask = { everyMs: 5_000, timeoutMs: 4_000 } as const

export function createSessionNetwork({ first, append, show, onEnded, now = Date.now }: NetworkTools): SessionNetwork {
  let onView: (part: NetworkView) => void = () => undefined
  let asking: NodeJS.Timeout | undefined
  let view: NetworkView = { accessServer: brief(first), network: { state: 'carried', standby: false, sinceMs: now(), failure: null } }

  const askWhetherOver = async () => {
    const known = await show(ask.timeoutMs).catch(() => null)
    if (known?.endCause && view.network.state === 'interrupted') onEnded(known.endCause)
  }
  const watch = watchNetwork(
    {
      onSwitched: (from, to) => append('link.switched', { ...named(to), from: from.name }),
      onInterrupted(at) {
        append('link.interrupted', named(at))
        asking ??= setInterval(() => void askWhetherOver(), ask.everyMs)
      },
      onResumed: (at, seconds) => append('link.resumed', { ...named(at), seconds }),
    },
    now,
  )
  const read = ({ carrier, standby, interrupted, failures }: LinkedNetwork): NetworkView => {
    const state = interrupted ? 'interrupted' : 'carried'
    const accessServer = carrier ? brief(carrier) : view.accessServer
    // Of the server that carried: the other one stood by, and what it says matters less.
    const failure = interrupted ? (failures.find(({ server }) => server.name === accessServer.name)?.failure ?? failures[0]?.failure ?? null) : null
    return { accessServer, network: { state, standby, failure, sinceMs: state === view.network.state ? view.network.sinceMs : now() } }
  }
  return {
    change(network) {
      const next = read(network)
      const same = JSON.stringify(next) === JSON.stringify(view)
      view = next
      watch(network)
      if (next.network.state === 'carried') asking = void clearInterval(asking)
      if (!same) onView(view)
    },
    watch(listener) {
      onView = listener
    },
    view: () => view,
    stop: () => clearInterval(asking),
  }
}

function brief({ name, site }: AccessServerRef): NetworkView['accessServer'] {
  return { name, site }
}

function named({ name, site }: AccessServerRef): { accessServer: string; site: string } {
  return { accessServer: name, site }
}
