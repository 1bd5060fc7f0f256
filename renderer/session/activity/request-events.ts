import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { EventId } from '@gantry/shared/ids.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'

const kinds = { signed: 'access.requested', 'picked-up': 'access.picked-up', approved: 'access.approved', joined: 'session.opened' } as const

/**
 * A session's events with the way that led to it: what this computer saw of the request itself stands where no event of it has come
 * (the device's chain begins with the session).
 */
export function withSteps(events: readonly AuditEvent[], request: RequestProgress | undefined): AuditEvent[] {
  const told = new Set<string>(events.map(({ kind }) => kind))
  const seen = (request?.steps ?? []).flatMap(({ name, atMs }): AuditEvent[] => {
    const kind = name === 'signed' || name === 'picked-up' || name === 'approved' || name === 'joined' ? kinds[name] : null
    if (!kind || told.has(kind)) return []
    return [{ id: `evt_step-${name}` as EventId, at: new Date(atMs).toISOString(), kind, actor: { kind: 'client' } }]
  })
  return [...events, ...seen].sort((a, b) => a.at.localeCompare(b.at))
}
