import { AccessRequestView } from '@gantry/shared/client-api.ts'
import { AccessServerRef } from '@gantry/shared/ticket.ts'
import type { Database } from '../database.ts'
import { answersTo, type RequestRow } from './store.ts'

const Refusal = AccessRequestView.shape.refusal

export async function viewRequests(db: Database, rows: RequestRow[]): Promise<AccessRequestView[]> {
  const answers = await answersTo(
    db,
    rows.map(({ id }) => id),
  )
  return rows.map((row) => viewOf(row, answers.get(row.id) ?? []))
}

export async function viewRequest(db: Database, row: RequestRow): Promise<AccessRequestView> {
  const answers = await answersTo(db, [row.id])
  return viewOf(row, answers.get(row.id) ?? [])
}

function viewOf(row: RequestRow, answers: string[]): AccessRequestView {
  const { name, site } = AccessServerRef.parse(JSON.parse(row.access_server_json))
  return {
    id: row.id,
    device: { id: row.device_id, name: row.device_name },
    specialist: { id: row.specialist_id, name: row.specialist_name },
    access: row.access,
    serviceKind: row.service_kind,
    caseId: row.case_id,
    minutes: row.minutes,
    state: row.state,
    createdMs: row.created_ms,
    changedMs: row.changed_ms,
    ticket: row.ticket,
    contact: awaited(row),
    answers,
    deviceCertificate: row.device_certificate,
    accessServer: { name, site },
    refusal: Refusal.parse(JSON.parse(row.refusal_json ?? 'null')),
    endCause: row.end_cause,
    endedMs: row.ended_ms,
  }
}

function awaited({ state, notice_rule, notice_state }: RequestRow): AccessRequestView['contact'] {
  if (state !== 'requested') return null
  if (notice_state === 'sending') return 'telling'
  return notice_state === 'delivered' && notice_rule === 'accepted' ? 'answer' : null
}
