import { isFinal } from '@gantry/shared/access-request.ts'
import type { AgentApi } from '@gantry/shared/agent-api.ts'
import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { commitmentTo } from '@gantry/shared/node/matching-code.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { CompactJws, Hash } from '@gantry/shared/ticket.ts'
import type { Caller, DeviceCaller } from '../caller.ts'
import { takeAnswer } from './answers.ts'
import { createRequest } from './create.ts'
import { findRequest, type RequestRow, requestsOf, storeReveal } from './store.ts'
import { type AccessTools, closeWaiting, endSession, subjects } from './tools.ts'
import { viewRequest, viewRequests } from './view.ts'

type Names = 'access-request.create' | 'access-request.reveal' | 'access-request.cancel' | 'access-request.show' | 'access-request.list'

export function createAccessHandlers(tools: AccessTools): Pick<Handlers<ClientApi, Caller>, Names> {
  const { db } = tools
  return {
    'access-request.create': (input, caller) => createRequest(tools, input, caller),
    async 'access-request.reveal'({ requestId, nonce }, caller) {
      await reveal(tools, await ownRequest(tools, requestId, caller), nonce)
      return {}
    },
    async 'access-request.cancel'({ requestId, withdrawal }, caller) {
      await cancel(tools, await ownRequest(tools, requestId, caller), withdrawal)
      return {}
    },
    async 'access-request.show'({ requestId }, caller) {
      return viewRequest(db, await ownRequest(tools, requestId, caller))
    },
    async 'access-request.list'({ limit }, { specialistId }) {
      return { requests: await viewRequests(db, await requestsOf(db, specialistId, limit)) }
    },
  }
}

export function createAnswerHandlers(tools: AccessTools): Pick<Handlers<AgentApi, DeviceCaller>, 'access-request.answer'> {
  return {
    async 'access-request.answer'({ answer }, { deviceId }) {
      await takeAnswer(tools, answer, deviceId)
      return {}
    },
  }
}

/** Another person's request answers exactly as one that does not exist. */
async function ownRequest({ db }: AccessTools, requestId: RequestId, { specialistId }: Caller): Promise<RequestRow> {
  const row = await findRequest(db, requestId, { specialistId })
  if (!row) throw new AppError('access.unknown')
  return row
}

/** Only after the device drew its own number: before that, this server could still choose what the code comes from. */
async function reveal({ db, queue, wake }: AccessTools, row: RequestRow, nonce: Hash): Promise<void> {
  if (commitmentTo(nonce) !== row.commitment) throw new AppError('access.commitment-bad')
  if (row.revealed !== null) return
  if (row.state !== 'picked-up' && row.state !== 'asking') throw new AppError('access.wrong-state', { details: { state: row.state } })
  await db.transaction().execute(async (trx) => {
    await storeReveal(trx, row.id, nonce)
    await queue(trx, { deviceId: row.device_id, subject: subjects.reveal(row.id), body: { kind: 'reveal', requestId: row.id, nonce } })
  })
  wake(row.device_id)
}

/** What is over already needs no cancelling, so a repeated cancel is no error. */
async function cancel(tools: AccessTools, row: RequestRow, withdrawal: CompactJws | undefined): Promise<void> {
  if (isFinal(row.state)) return
  const { append, now } = tools
  const inSession = row.state === 'approved' || row.state === 'open'
  append({
    kind: 'access.cancelled',
    actor: { kind: 'specialist', id: row.specialist_id, name: row.specialist_name },
    requestId: row.id,
    deviceId: row.device_id,
    ...(inSession ? { cause: 'specialist' as const } : {}),
    ...(withdrawal ? { data: { withdrawal: sha256(withdrawal) } } : {}),
  })
  // An open session is over when the device says so; one that was approved may never open, so nobody would say it.
  const change = row.state === 'approved' ? { endedMs: now(), endCause: 'specialist' as const } : null
  const done = inSession ? await endSession(tools, row, 'specialist', change, withdrawal) : await closeWaiting(tools, row, 'cancelled', withdrawal)
  if (!done) throw new AppError('access.wrong-state')
}
