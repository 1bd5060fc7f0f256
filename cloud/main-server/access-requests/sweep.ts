import type { RequestId } from '@gantry/shared/ids.ts'
import { overdueRequests, type RequestRow } from './store.ts'
import { type AccessTools, closeWaiting, endSession } from './tools.ts'

/** After a start the devices first get the time to report what happened while nobody listened. */
const startGraceMs = 60_000

/** Returns the function that moves on every request whose time is over, to be called each second. */
export function createSweep(tools: AccessTools): () => Promise<void> {
  const startedMs = tools.now()
  return async () => {
    const nowMs = tools.now()
    if (nowMs - startedMs < startGraceMs) return
    for (const row of await overdueRequests(tools.db, nowMs)) await runOut(tools, row)
  }
}

async function runOut(tools: AccessTools, row: RequestRow): Promise<void> {
  const { append, now } = tools
  const about: { requestId: RequestId; deviceId: RequestRow['device_id'] } = { requestId: row.id, deviceId: row.device_id }
  const actor = { kind: 'main-server' as const }
  if (row.state === 'open') {
    append({ ...about, kind: 'access.expired', actor, cause: 'time', data: { state: row.state } })
    await endSession(tools, row, 'time', { endedMs: now(), endCause: 'time' })
    return
  }
  append({ ...about, kind: 'access.expired', actor, data: { state: row.state } })
  await closeWaiting(tools, row, 'expired')
}
