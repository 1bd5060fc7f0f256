import type { AgentApi } from '@gantry/shared/agent-api.ts'
import { type AuditEvent, type AuditKind, DeviceKind, HeadPayload } from '@gantry/shared/audit.ts'
import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import { readUnverified, verifyJws } from '@gantry/shared/node/signing.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import type { Caller, DeviceCaller } from '../caller.ts'
import type { Database } from '../database.ts'
import { auditKeyOf, ownersOf, usernameOf } from './store.ts'

export type AuditTools = {
  db: Database
  log: AuditLog
  publish: (specialistId: SpecialistId, requestId: RequestId, event: AuditEvent) => void
  /** Told of every event of a report, also of one that was stored before: a crash may have come in between. */
  followSession: (event: AuditEvent, deviceId: DeviceId) => Promise<void>
}

/** At these the two parties write each other's head into their own log (architecture 3.6). */
const headMoments: readonly AuditKind[] = ['session.opened', 'session.ended', 'device.started', 'log.opened']

export function createReportHandlers(tools: AuditTools): Pick<Handlers<AgentApi, DeviceCaller>, 'audit.report'> {
  const { db, log } = tools
  return {
    async 'audit.report'({ events, head }, { deviceId }) {
      await requireDeviceHead(db, head, deviceId)
      const owners = await requireOwnEvents(db, events, deviceId)
      const added = log.appendAllForeign(events)
      if (added.some(({ kind }) => headMoments.includes(kind))) log.witness(head, deviceId)
      for (const event of events) await tools.followSession(event, deviceId)
      for (const event of added) {
        const owner = event.requestId && owners.get(event.requestId)
        if (event.requestId && owner) tools.publish(owner.specialistId, event.requestId, event)
      }
      return { head: log.head() }
    },
  }
}

export function createHeadHandlers({ db, log }: Pick<AuditTools, 'db' | 'log'>): Pick<Handlers<ClientApi, Caller>, 'head.exchange'> {
  return {
    async 'head.exchange'({ head }, { specialistId }) {
      // A workstation's audit key is known to nobody else: the head is kept as that person's word, and checked against their log by whoever verifies it.
      readUnverified(head, HeadPayload, 'contract.bad-input')
      log.witness(head, await usernameOf(db, specialistId))
      return { head: log.head() }
    },
  }
}

async function requireDeviceHead(db: Database, head: CompactJws, deviceId: DeviceId): Promise<void> {
  const key = await auditKeyOf(db, deviceId)
  if (!key) throw new AppError('device.unknown')
  await verifyJws(head, { type: 'head', schema: HeadPayload, key, failure: 'device.answer-bad' })
}

/** A device reports of itself. Nothing that it says may land in the story of another's session. */
async function requireOwnEvents(db: Database, events: AuditEvent[], deviceId: DeviceId) {
  const owners = await ownersOf(
    db,
    events.flatMap(({ requestId }) => requestId ?? []),
  )
  const foreign = events.some((event) => {
    const owner = event.requestId && owners.get(event.requestId)
    return (event.deviceId !== undefined && event.deviceId !== deviceId) || (owner && owner.deviceId !== deviceId) || !DeviceKind.safeParse(event.kind).success
  })
  if (foreign) throw new AppError('contract.bad-input', { details: { name: 'audit.report', field: 'events' } })
  return owners
}
