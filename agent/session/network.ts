import type { LinkedNetwork } from '@gantry/shared/node/link-legs.ts'
import { watchNetwork } from '@gantry/shared/node/network-watch.ts'
import type { AccessServerRef } from '@gantry/shared/ticket.ts'
import type { SessionLog } from './grant.ts'
import type { SessionRecord } from './record.ts'

/** What carries the session, for its audit: which access server at the beginning, and every change afterwards (R026). */
export type SessionNetwork = {
  change(network: LinkedNetwork): void
  /** The server that carries, as audit data; empty where the leg is no link (tests). */
  server(): { accessServer?: string; site?: string }
  isInterrupted(): boolean
}

export type SessionNetworkTools = { record: SessionRecord; log: SessionLog; now: () => number; onInterrupted: (interrupted: boolean) => void }

export function createSessionNetwork({ record, log, now, onInterrupted }: SessionNetworkTools): SessionNetwork {
  let current: LinkedNetwork | null = null
  const write = (kind: 'link.switched' | 'link.interrupted' | 'link.resumed', { name, site }: AccessServerRef, more: Record<string, string | number> = {}) => {
    log.info({ kind, accessServer: name, ...more }, 'network of a session')
    try {
      record.write(kind, { actor: { kind: 'agent' }, data: { accessServer: name, site, ...more } })
    } catch {
      // The record has ended the session.
    }
  }
  const watch = watchNetwork(
    {
      onSwitched: (from, to) => write('link.switched', to, { from: from.name }),
      onInterrupted(at) {
        write('link.interrupted', at)
        onInterrupted(true)
      },
      onResumed(at, seconds) {
        write('link.resumed', at, { seconds })
        onInterrupted(false)
      },
    },
    now,
  )
  return {
    change(network) {
      current = network
      watch(network)
    },
    server: () => (current?.carrier ? { accessServer: current.carrier.name, site: current.carrier.site } : {}),
    isInterrupted: () => current?.interrupted ?? false,
  }
}
