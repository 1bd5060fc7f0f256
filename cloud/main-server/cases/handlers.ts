import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { CaseKey, CaseView } from '@gantry/shared/case-api.ts'
import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Caller } from '../caller.ts'
import type { Database } from '../database.ts'
import { type CaseRow, closeCase, escalateCase, listCases, liveRequests, workersOn } from './store.ts'

export type CaseTools = {
  db: Database
  /** Throws `audit.unavailable`, and then nothing happens. */
  append: (event: NewAuditEvent) => void
  /** Told when what a case allows has changed: sessions that rest on it are looked at again. Resolves when that is done. */
  changed: () => Promise<void>
  now: () => number
}
type Names = 'case.list' | 'case.colleagues' | 'case.escalate' | 'case.close'

export function createCaseHandlers(tools: CaseTools): Pick<Handlers<ClientApi, Caller>, Names> {
  const { db, append, changed, now } = tools
  const audit = (kind: 'case.escalated' | 'case.closed', row: CaseRow, data: Record<string, string>) => {
    const actor = { kind: 'specialist' as const, id: row.holder, name: row.holder_name }
    append({ kind, actor, deviceId: row.device_id, data: { customerId: row.customer_id, caseId: row.number, ...data } })
  }
  return {
    async 'case.list'(_input, caller) {
      const rows = await listCases(db, caller.specialistId)
      return { cases: await Promise.all(rows.map((row) => viewOf(db, row, caller))) }
    },
    async 'case.colleagues'(key, caller) {
      const row = await ownCase(db, key, caller)
      const found = await colleaguesFor(db, row, caller)
      return { colleagues: found.map(({ username, name, tier, country }) => ({ username, name, tier, country })) }
    },
    async 'case.escalate'({ to, reason, ...key }, caller) {
      const row = await heldCase(db, key, caller)
      const found = await colleaguesFor(db, row, caller)
      const colleague = found.find(({ username }) => username === to)
      if (!colleague) throw new AppError('case.colleague-unknown')
      audit('case.escalated', row, { to: colleague.id, toName: colleague.name })
      const done = await escalateCase(db, key, { by: caller.specialistId, to: colleague.id, reason, nowMs: now() })
      if (!done) throw new AppError('case.not-held')
      await changed()
      return viewOf(db, await ownCase(db, key, caller), caller)
    },
    async 'case.close'({ resolution, ...key }, caller) {
      const row = await heldCase(db, key, caller)
      audit('case.closed', row, {})
      if (!(await closeCase(db, key, { by: caller.specialistId, resolution, nowMs: now() }))) throw new AppError('case.not-held')
      await changed()
      return viewOf(db, await ownCase(db, key, caller), caller)
    },
  }
}

/** A case that somebody has nothing to do with answers exactly as one that does not exist. */
async function ownCase(db: Database, key: CaseKey, { specialistId }: Caller): Promise<CaseRow> {
  const [row] = await listCases(db, specialistId, { only: key })
  if (!row) throw new AppError('case.unknown')
  return row
}

async function colleaguesFor(db: Database, row: CaseRow, { specialistId }: Caller) {
  return (await workersOn(db, placeOf(row))).filter(({ id }) => id !== specialistId)
}

/** By who may still work on its device: a profile that only shows it changes nothing, not even a case from better days (R074). */
async function heldCase(db: Database, key: CaseKey, caller: Caller): Promise<CaseRow> {
  const row = await ownCase(db, key, caller)
  if (row.closed_ms !== null) throw new AppError('case.closed')
  if (row.holder !== caller.specialistId) throw new AppError('case.not-held', { details: { holder: row.holder_name } })
  if (!(await workersOn(db, placeOf(row))).some(({ id }) => id === caller.specialistId)) throw new AppError('case.not-allowed')
  return row
}

async function viewOf(db: Database, row: CaseRow, { specialistId }: Caller): Promise<CaseView> {
  const { escalator_name, escalated_ms, closer_name, closed_ms } = row
  const key = { customerId: row.customer_id, number: row.number }
  return {
    ...key,
    customer: row.customer_name,
    device: { id: row.device_id, name: row.device_name },
    state: closed_ms === null ? 'open' : 'closed',
    openedMs: row.opened_ms,
    openedBy: row.opener_name,
    holder: row.holder_name,
    held: row.holder === specialistId,
    escalation: escalator_name === null || escalated_ms === null ? null : { by: escalator_name, atMs: escalated_ms, reason: row.escalation_reason ?? '' },
    closed: closer_name === null || closed_ms === null ? null : { by: closer_name, atMs: closed_ms, resolution: row.resolution ?? '' },
    liveRequests: await liveRequests(db, key),
  }
}

function placeOf({ device_id, site_id, customer_id, model_id }: CaseRow) {
  return { id: device_id, siteId: site_id, customerId: customer_id, modelId: model_id }
}
