import { type AccessState, requestLimits } from '@gantry/shared/access-request.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import { readUnverified, sha256, verifyJws } from '@gantry/shared/node/signing.ts'
import { AnswerPayload, type CompactJws } from '@gantry/shared/ticket.ts'
import { deadlines } from './deadlines.ts'
import { type Change, findRequest, moveRequest, noteSession, prolongRequest, type RequestRow, storeAnswer } from './store.ts'
import { type AccessTools, announce } from './tools.ts'

/**
 * A device's signed answer. The state moves on this server's books; what the client does rests on the signature, which it checks itself.
 * The same answer again changes nothing. Errors: `access.unknown`, `device.answer-bad`, `device.host-key-wrong`, `access.wrong-state`.
 */
export async function takeAnswer(tools: AccessTools, jws: CompactJws, deviceId: DeviceId): Promise<void> {
  const { db, now } = tools
  const { requestId } = readUnverified(jws, AnswerPayload, 'device.answer-bad')
  const row = await findRequest(db, requestId, { deviceId })
  if (!row) throw new AppError('access.unknown')
  const { answer } = await verifyAnswer(jws, row)
  const stored = await db.transaction().execute(async (trx) => {
    if (!(await storeAnswer(trx, row.id, answer.kind, jws))) return false
    const { to, change } = effectOf(answer, row, now())
    const moved = await moveRequest(trx, { id: row.id, from: row.state, to, nowMs: now() }, change)
    if (!moved) throw new AppError('access.wrong-state', { details: { state: row.state } })
    return true
  })
  if (!stored) return
  await moveAsReported(tools, row.id)
  await announce(tools, row.id)
}

async function verifyAnswer(jws: CompactJws, row: RequestRow): Promise<AnswerPayload> {
  const payload = await verifyJws(jws, { type: 'answer', schema: AnswerPayload, key: row.device_key, failure: 'device.answer-bad' })
  const same = payload.deviceId === row.device_id && payload.ticketId === row.ticket_id && payload.ticketHash === sha256(row.ticket)
  if (!same) throw new AppError('device.answer-bad')
  if ('hostKey' in payload.answer && payload.answer.hostKey !== row.host_key) throw new AppError('device.host-key-wrong')
  return payload
}

function effectOf(answer: AnswerPayload['answer'], row: RequestRow, nowMs: number): { to: AccessState; change: Change } {
  switch (answer.kind) {
    case 'picked-up':
      return { to: 'picked-up', change: { deadlineMs: deadlines['picked-up'](nowMs) } }
    case 'asking':
      return { to: 'asking', change: { deadlineMs: deadlines.asking(answer.answerBefore * 1000) } }
    case 'approved':
      return { to: 'approved', change: { deadlineMs: deadlines.approved(row.created_ms) } }
    case 'refused':
      return { to: 'refused', change: { refusal: { code: answer.code, ...(answer.details ? { details: answer.details } : {}) } } }
  }
}

/** The device's own report that a session opened or ended. It may come late, twice, or before the answer that it follows from. */
export async function followSession(tools: AccessTools, event: AuditEvent, deviceId: DeviceId): Promise<void> {
  if (!event.requestId || (event.kind !== 'session.opened' && event.kind !== 'session.prolonged' && event.kind !== 'session.ended')) return
  const row = await findRequest(tools.db, event.requestId, { deviceId })
  if (!row) return
  if (event.kind === 'session.prolonged') return prolong(tools, row, event)
  const atMs = Date.parse(event.at)
  const said = event.kind === 'session.opened' ? { openedMs: atMs } : { endedMs: atMs, endCause: event.cause ?? ('connection-lost' as const) }
  await noteSession(tools.db, row.id, said)
  if (await moveAsReported(tools, row.id)) await announce(tools, row.id)
}

/** The device gave it more time; its own word for how long it lasts in all, minutes, within what any session may last. */
async function prolong({ db, now }: AccessTools, { id, opened_ms, minutes }: RequestRow, { data }: AuditEvent): Promise<void> {
  const total = Math.min(Number(data?.total) || minutes, requestLimits.maxMinutes)
  await prolongRequest(db, id, deadlines.open(opened_ms ?? now(), total))
}

/** From `approved` on, the state is what the device reported; times run by our clock, since its own may be off. True if it moved. */
async function moveAsReported({ db, now }: AccessTools, id: RequestId): Promise<boolean> {
  const row = await findRequest(db, id)
  if (!row || (row.state !== 'approved' && row.state !== 'open')) return false
  if (row.ended_ms !== null) return moveRequest(db, { id, from: row.state, to: 'ended', nowMs: now() })
  if (row.opened_ms === null) return false
  return moveRequest(db, { id, from: row.state, to: 'open', nowMs: now() }, { deadlineMs: deadlines.open(now(), row.minutes) })
}
