import type { AuditKind } from '@gantry/shared/audit.ts'
import { type ErrorCode, type ErrorDetails, toFailure } from '@gantry/shared/errors.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import type { Opened } from './admit.ts'

/**
 * What this server writes down: metadata of legs, never content (it has none), names and sizes only.
 *
 * Refusals are where strangers could make it write. Per minute the first of a kind is written as it happens and the others are counted and written as one,
 * so that a flood costs one line a minute per kind, and at most `maxKinds` kinds.
 */
const windowMs = 60_000
const maxKinds = 64

export type Refused = { error: unknown; address: string; opened: Opened | undefined }
export type LegAudit = {
  leg(kind: AuditKind & `leg.${string}`, opened: Opened, data: Record<string, string | number>): void
  refused(refused: Refused): void
  server(kind: AuditKind & `server.${string}`, data: Record<string, string | number>): void
  /** Writes what is still counted. */
  close(): void
}

/** `onFailure` hears of counted refusals that could not be written; everything else throws `audit.unavailable` to whoever wanted it written. */
export function createLegAudit(log: AuditLog, name: string, onFailure: (error: unknown) => void): LegAudit {
  const actor = { kind: 'access-server', name } as const
  const counted = new Map<string, { code: ErrorCode; count: number }>()

  const flush = () => {
    const entries = [...counted.values()]
    counted.clear()
    try {
      for (const { code, count } of entries) if (count > 0) log.append({ kind: 'leg.refused', actor, data: { code, count, windowSeconds: windowMs / 1000 } })
    } catch (error) {
      onFailure(error)
    }
  }
  let timer: NodeJS.Timeout | undefined

  return {
    leg: (kind, { ticket, opening }, data) => {
      const { requestId, deviceId } = ticket
      log.append({ kind, actor, requestId, deviceId, data: { ticketId: ticket.id, leg: opening.leg, ...data } })
    },
    refused({ error, address, opened }) {
      const { code, details } = toFailure(error)
      const kind = `${code} ${opened?.ticket.id ?? ''}`
      const known = counted.get(kind) ?? (counted.size >= maxKinds ? counted.get(code) : undefined)
      if (known) {
        known.count += 1
        return
      }
      counted.set(counted.size >= maxKinds ? code : kind, { code, count: 0 })
      timer ??= setInterval(flush, windowMs).unref()
      const ticket = opened ? { requestId: opened.ticket.requestId, deviceId: opened.ticket.deviceId } : {}
      log.append({ kind: 'leg.refused', actor, ...ticket, data: { code, address, ...legFacts(opened), ...plain(details) } })
    },
    server: (kind, data) => void log.append({ kind, actor, data }),
    close() {
      clearInterval(timer)
      flush()
    },
  }
}

function legFacts(opened: Opened | undefined): Record<string, string | number> {
  return opened ? { ticketId: opened.ticket.id, side: opened.opening.side, leg: opened.opening.leg, epoch: opened.opening.epoch } : {}
}

function plain(details: ErrorDetails | undefined): Record<string, string | number> {
  const { what, field } = details ?? {}
  return { ...(what === undefined ? {} : { what }), ...(field === undefined ? {} : { field }) }
}
