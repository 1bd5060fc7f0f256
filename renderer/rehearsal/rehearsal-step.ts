import { isFinal } from '@gantry/shared/access-request.ts'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress, SessionView, Transfer } from '@gantry/shared/ipc.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import { isReceived } from '../session/files/transfer-store.ts'

export const rehearsalSteps = ['ask', 'answer', 'command', 'file', 'end'] as const
export type RehearsalStep = (typeof rehearsalSteps)[number]
/** `earlier`: what was over with this device before it began, and does not count. */
export type Rehearsal = { deviceId: DeviceId; earlier: ReadonlySet<RequestId> }
export type Facts = {
  requests: readonly RequestProgress[]
  sessions: readonly SessionView[]
  transfers: readonly Transfer[]
  /** Sessions in whose terminal a line was typed and answered. */
  commands: ReadonlySet<RequestId>
}
export type RehearsalView = {
  /** The first that is not done; null: all are. */
  step: RehearsalStep | null
  done: ReadonlySet<RehearsalStep>
  /** Why it begins anew: the request came to nothing, or the session ended too early. */
  stopped: 'refused' | 'ended' | null
  requestId: RequestId | null
}

/** How far a rehearsal is, from what has really happened and nothing else. Command and file may come in either order. */
export function viewOf({ deviceId, earlier }: Rehearsal, { requests, sessions, transfers, commands }: Facts): RehearsalView {
  const isMine = (one: RequestProgress | SessionView) => one.device.id === deviceId && !earlier.has(one.requestId)
  const request = requests.findLast(isMine)
  const session = request ? sessions.find(({ requestId }) => requestId === request.requestId) : sessions.findLast(isMine)
  const requestId = request?.requestId ?? session?.requestId ?? null
  const begun = (stopped: RehearsalView['stopped']): RehearsalView => ({ step: 'ask', done: new Set(), stopped, requestId: null })
  if (requestId === null) return begun(null)
  if (!session && request && (request.failure !== null || isFinal(request.state))) return begun('refused')

  const done = new Set<RehearsalStep>(['ask'])
  if (session) done.add('answer')
  if (session && commands.has(requestId)) done.add('command')
  if (session && transfers.some((transfer) => transfer.requestId === requestId && isReceived(transfer))) done.add('file')
  if (session?.state === 'ended') {
    if (!done.has('command') || !done.has('file')) return begun('ended')
    done.add('end')
  }
  return { step: rehearsalSteps.find((step) => !done.has(step)) ?? null, done, stopped: null, requestId }
}

export function practiceDevice(devices: readonly DeviceRow[]): DeviceRow | null {
  return devices.find(({ practice, levels }) => practice && levels.length > 0) ?? null
}

/** One with a terminal and files, for which the code is compared rather than typed where the device leaves the choice. */
export function rehearsalLevel({ levels, rules }: Pick<DeviceRow, 'levels' | 'rules'>): AccessLevel | undefined {
  const held = (['os', 'application'] as const).filter((level) => levels.includes(level) && rules?.[level] !== 'deny')
  return held.find((level) => rules?.[level] === 'ask') ?? held[0]
}
