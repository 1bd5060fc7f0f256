import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal } from '@gantry/shared/access-request.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { AccessRequestView, WellKnown } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import type { Posture } from '@gantry/shared/posture.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import type { DeviceList } from '../device-list.ts'
import type { MainServer } from '../main-server/main-server.ts'
import type { Keys, Requests, ServiceLog, Session } from '../services.ts'
import type { Approach, StartApproach } from '../sessions/approach.ts'
import { type ApprovedRequest, type RequestRun, runRequest } from './request-run.ts'
import { makeRequest, signWithdrawal } from './signed-request.ts'

export type RequestTools = {
  call: MainServer['call']
  wellKnown: (options?: { fresh: true }) => Promise<WellKnown>
  requireClock: () => Promise<void>
  devices: Pick<DeviceList, 'row'>
  /** Asks the person for both factors again where this level needs them fresh. Errors: `auth.*`. */
  requireFreshMfa: (access: AccessLevel, signal: AbortSignal | undefined) => Promise<void>
  keys: Keys
  /** What this workstation is, told with each request (R088). */
  posture: () => Promise<Posture>
  approach: (way: Omit<StartApproach, 'dial'>) => Approach
  openSession: (approved: ApprovedRequest, signal: AbortSignal) => Promise<Session>
  /** Write first: resolves when the event is stored. */
  audit: (event: NewAuditEvent) => Promise<unknown>
  updates: { start(): void; isOpen(): boolean }
  onProgress: (progress: RequestProgress) => void
  now: () => number
  log: ServiceLog
}
export type RequestService = Requests & {
  push(view: AccessRequestView): void
  /** After a break of the updates: everything that is followed is asked for now. */
  refresh(): void
  close(): Promise<void>
}

/** `run: null`: all is over. */
type Kept = { run: RequestRun | null; progress: () => RequestProgress }

const keptRequests = 100
const closeMs = 5_000
/** Between two questions while the stream of updates is up, and while it is down. */
const polling = { withUpdatesMs: 10_000, withoutMs: 1_000 }

export function createRequests(tools: RequestTools): RequestService {
  const kept = new Map<RequestId, Kept>()
  const runs = () => [...kept.values()].flatMap(({ run }) => run ?? [])
  const followed = () => runs().filter((run) => !isFinal(run.progress().state) && run.progress().state !== 'open')
  /** A run holds its session, and that its connections; once all is over, what became of it is enough. */
  const keep = (requestId: RequestId, run: RequestRun) => {
    kept.set(requestId, { run, progress: run.progress })
    const over = run.session.then(({ ended }) => ended).catch(() => undefined)
    void Promise.all([over, run.settled]).then(() => {
      const last = run.progress()
      if (kept.has(requestId)) kept.set(requestId, { run: null, progress: () => last })
    })
    forgetOldest(kept)
  }

  const ask: Requests['ask'] = async (input, { signal, sessionKey, pin, terminal, onProgress } = {}) => {
    signal?.throwIfAborted()
    await tools.requireClock()
    const keys = await tools.keys.load(pin)
    const row = await tools.devices.row(input.deviceId)
    await tools.requireFreshMfa(input.access, signal)
    const own = await makeRequest(input, keys, { now: tools.now(), sessionKey })
    const { id: requestId, access, caseId, minutes, deviceId } = own.payload
    const actor = { kind: 'specialist' as const, id: keys.payload.specialistId, name: keys.payload.name }
    await tools.audit({ kind: 'access.requested', actor, requestId, deviceId, data: { access, caseId, minutes } })
    tools.updates.start()
    const run = runRequest(own, keys, row, {
      ...tools,
      terminal: terminal ?? null,
      pollMs: () => (tools.updates.isOpen() ? polling.withUpdatesMs : polling.withoutMs),
      onProgress(progress) {
        onProgress?.(progress)
        tools.onProgress(progress)
      },
    })
    keep(requestId, run)
    const abort = () => run.cancel()
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    void run.session.catch(() => undefined).finally(() => signal?.removeEventListener('abort', abort))
    await run.stored
    return { requestId, session: run.session, cancel: async () => run.cancel() }
  }

  return {
    ask,
    async cancel(requestId) {
      const own = kept.get(requestId)
      if (own) return own.run?.cancel()
      // One that another process of this person made.
      const { device, state } = await tools.call('access-request.show', { requestId })
      const kind = state === 'approved' || state === 'open' ? 'end' : 'cancel'
      // Who has no keys (any more) must still be able to end what is theirs.
      const keys = await tools.keys.loadSpecialist().catch(() => null)
      const withdrawal = keys ? await signWithdrawal({ id: requestId, deviceId: device.id, kind }, keys, tools.now()) : undefined
      await tools.call('access-request.cancel', { requestId, ...(withdrawal ? { withdrawal } : {}) })
    },
    list: () => [...kept.values()].map(({ progress }) => progress()),
    history: async () => (await tools.call('access-request.list', { limit: 200 })).requests,
    push: (view) => kept.get(view.id)?.run?.push(view),
    refresh() {
      for (const run of followed()) {
        const { requestId } = run.progress()
        tools.call('access-request.show', { requestId }).then(run.push, () => undefined)
      }
    },
    async close() {
      for (const run of followed()) run.cancel(new AppError('access.cancelled'))
      // A device that rings must be told, also when the process is about to leave.
      const settled = Promise.all(runs().map((run) => run.settled))
      await Promise.race([settled, sleep(closeMs, undefined, { ref: false })])
    },
  }
}

function forgetOldest(kept: Map<RequestId, Kept>): void {
  for (const [id, { progress }] of kept) {
    if (kept.size <= keptRequests) return
    if (isFinal(progress().state)) kept.delete(id)
  }
}
