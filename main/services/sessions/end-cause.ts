import { setTimeout as sleep } from 'node:timers/promises'
import type { EndCause } from '@gantry/shared/access-request.ts'
import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { AppError, type Failure } from '@gantry/shared/errors.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { AccessServerRef } from '@gantry/shared/ticket.ts'

/** Causes that a person has to know as a failure; the others are how sessions end. */
const failures: ReadonlySet<EndCause> = new Set(['connection-lost', 'access-server-lost', 'agent-stopped', 'audit-failed', 'revoked', 'policy'])

export function failureOfEnd(cause: EndCause): Failure | null {
  return failures.has(cause) ? { code: 'session.ended', details: { cause } } : null
}

export type LostSession = { accessServer: AccessServerRef; dial: Dial; show: (timeoutMs: number) => Promise<AccessRequestView> }
const probeMs = 3_000
const asks = { times: 4, everyMs: 700 } as const

/**
 * Why a connection broke without a word from the device: what the main server has heard of it meanwhile, else whether the access server still answers.
 * About 3 s at most.
 */
export async function findEndCause({ accessServer, dial, show }: LostSession): Promise<EndCause> {
  const alive = probe(accessServer, dial)
  for (let ask = 1; ask <= asks.times; ask++) {
    const view = await show(asks.everyMs).catch(() => null)
    if (view?.endCause) return view.endCause
    await sleep(asks.everyMs)
  }
  return (await alive) ? 'connection-lost' : 'access-server-lost'
}

async function probe({ host, port }: AccessServerRef, dial: Dial): Promise<boolean> {
  try {
    const socket = await dial({ host, port, timeoutMs: probeMs })
    socket.destroy()
    return true
  } catch (error) {
    // Who else answers there is not the access server, but the way to it is open.
    return error instanceof AppError && error.code !== 'server.unreachable'
  }
}
