import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import type { ServiceLog, Session, Transfers } from '../services.ts'
import { type Pace, unlimited } from './pace.ts'
import { runTransfer } from './run-transfer.ts'
import { visibleName } from './safe-name.ts'
import { createSpeedometer } from './speedometer.ts'

export type TransferService = Transfers & { close(): void }
/** What a transfer needs of a session. */
export type TransferSession = Pick<Session, 'requestId' | 'files' | 'view' | 'ended'>
export type TransferTools = {
  session: (requestId: RequestId) => TransferSession
  onChange: (transfer: Transfer) => void
  /** Of all transfers together. Without: as fast as it goes. */
  pace?: Pace
  now: () => number
  log: ServiceLog
}

const running = { atOnce: 3 } as const
/** Progress is told five times a second at least, and not for every chunk. */
const tellEveryMs = 150
const maxKept = 1_000
/** The device cuts all connections of a session at once; why comes on the control leg, perhaps a moment after the files leg broke. */
const endNewsMs = 2_000
const brokenCodes: ReadonlySet<string> = new Set(['leg.refused', 'leg.peer-missing', 'server.unreachable', 'session.channel-refused'])

type Entry = {
  transfer: Transfer
  stop: AbortController
  finished: PromiseWithResolvers<Transfer>
  session: TransferSession
  replace: boolean
  as: string | null
  /** While it is paused. */
  hold: PromiseWithResolvers<void> | null
}

/** Files and folders on their way, three at once; the rest waits its turn. */
export function createTransfers({ session: sessionOf, onChange, pace = unlimited, now, log }: TransferTools): TransferService {
  const entries = new Map<string, Entry>()
  const queue: Entry[] = []
  let active = 0
  let lastId = 0

  const change = (entry: Entry, part: Partial<Transfer>) => {
    entry.transfer = { ...entry.transfer, ...part }
    onChange(entry.transfer)
  }
  const settle = (entry: Entry, part: Pick<Transfer, 'state'> & Partial<Transfer>) => {
    change(entry, { bytesPerSecond: 0, ...part })
    entry.finished.resolve(entry.transfer)
  }
  const next = () => {
    while (active < running.atOnce) {
      const at = queue.findIndex(({ hold }) => hold === null)
      const [entry] = at < 0 ? [] : queue.splice(at, 1)
      if (!entry) return
      active++
      void run(entry).finally(() => {
        // A paused one has given its turn away already.
        if (!entry.hold) active--
        next()
      })
    }
  }
  const pause = (entry: Entry) => {
    entry.hold = Promise.withResolvers()
    change(entry, { state: 'paused', bytesPerSecond: 0 })
    if (queue.includes(entry)) return
    active--
    next()
  }
  const resume = (entry: Entry) => {
    const isQueued = queue.includes(entry)
    change(entry, { state: isQueued ? 'queued' : 'running' })
    entry.hold?.resolve()
    entry.hold = null
    // What was on its way goes on at once, as a fourth where three others run by now.
    if (isQueued) next()
    else active++
  }

  const run = async (entry: Entry): Promise<void> => {
    const { session, stop, replace, as } = entry
    const { direction, from, to } = entry.transfer
    const speed = createSpeedometer(now)
    let [bytes, filesDone] = [0, 0]
    const tell = () => change(entry, { bytes, filesDone, bytesPerSecond: entry.hold ? 0 : speed.bytesPerSecond() })
    const timer = setInterval(tell, tellEveryMs)
    change(entry, { state: 'running' })
    try {
      await runTransfer({
        ...{ files: session.files, direction, from, to, replace, as, signal: stop.signal, pace: pacedBy(entry, pace) },
        onPlan: ({ files, totalBytes }) => change(entry, { files, totalBytes }),
        onBytes(count) {
          bytes += count
          if (count > 0) speed.add(count)
          if (count > 0 && !entry.hold && entry.transfer.state !== 'running') change(entry, { state: 'running' })
        },
        onWaiting() {
          if (!entry.hold && entry.transfer.state !== 'waiting') change(entry, { state: 'waiting', bytes })
        },
        onVerifying: () => change(entry, { state: entry.hold ? 'paused' : 'verifying', bytes }),
        onFileDone() {
          filesDone++
        },
      })
      settle(entry, { state: 'done', bytes, filesDone, verified: true })
    } catch (thrown) {
      const error = await becauseEnded(thrown, session)
      const failure = toFailure(stop.signal.aborted ? stop.signal.reason : error)
      if (failure.code === 'internal' || failure.code === 'file.failed') log.error('a transfer failed', { code: failure.code, cause: causeOf(error) })
      settle(entry, {
        state: failure.code === 'file.cancelled' ? 'cancelled' : 'failed',
        bytes,
        filesDone,
        failure: failure.code === 'file.cancelled' ? null : failure,
      })
    } finally {
      clearInterval(timer)
    }
  }

  const begin = (session: TransferSession, input: Pick<Transfer, 'direction' | 'from' | 'to'>, how: Pick<Entry, 'replace' | 'as'>): string => {
    const name = visibleName(input.direction === 'put' ? basename(input.from) : (input.from.split('/').findLast((part) => part !== '') ?? '/'))
    const transfer: Transfer = {
      ...{ ...input, id: `tr-${++lastId}`, requestId: session.requestId, name, state: 'queued' },
      ...{ bytes: 0, totalBytes: null, files: 0, filesDone: 0, bytesPerSecond: 0, verified: false, failure: null },
    }
    const entry: Entry = { transfer, stop: new AbortController(), finished: Promise.withResolvers(), session, hold: null, ...how }
    entries.set(transfer.id, entry)
    queue.push(entry)
    onChange(transfer)
    return transfer.id
  }
  const cancel = (entry: Entry, reason: AppError) => {
    const place = queue.indexOf(entry)
    if (place >= 0) queue.splice(place, 1)
    entry.stop.abort(reason)
    entry.hold?.resolve()
    if (place >= 0)
      settle(entry, { state: reason.code === 'file.cancelled' ? 'cancelled' : 'failed', failure: reason.code === 'file.cancelled' ? null : toFailure(reason) })
  }
  /** A session that ends takes its transfers with it, each with the cause. */
  const endWith = (session: TransferSession) => {
    void session.ended.then(({ cause }) => {
      for (const entry of entries.values())
        if (entry.session === session && !isOver(entry.transfer)) cancel(entry, new AppError('session.ended', { details: { cause } }))
    })
  }
  const watched = new WeakSet<TransferSession>()

  return {
    async start({ requestId, direction, from, to, replace }, { as } = {}) {
      if (as !== undefined && from.length !== 1) throw new AppError('usage.bad', { details: { option: 'as' } })
      const session = sessionOf(requestId)
      if (session.view().state === 'ended') throw new AppError('session.ended', { details: { cause: session.view().endCause ?? 'specialist' } })
      if (entries.size + from.length > maxKept) forgetOver(entries)
      if (!watched.has(session)) {
        watched.add(session)
        endWith(session)
      }
      const transferIds = from.map((path) => begin(session, { direction, from: path, to }, { replace, as: as ?? null }))
      next()
      return { transferIds }
    },
    cancel(transferId) {
      const entry = entries.get(transferId)
      if (entry && !isOver(entry.transfer)) cancel(entry, new AppError('file.cancelled'))
    },
    pause(transferId) {
      const entry = entries.get(transferId)
      if (entry && !isOver(entry.transfer) && !entry.hold) pause(entry)
    },
    resume(transferId) {
      const entry = entries.get(transferId)
      if (entry?.hold && !isOver(entry.transfer)) resume(entry)
    },
    list: () => [...entries.values()].map((entry) => entry.transfer),
    forget(transferIds) {
      for (const id of transferIds) {
        const entry = entries.get(id)
        if (entry && isOver(entry.transfer)) entries.delete(id)
      }
    },
    finished(transferId) {
      const entry = entries.get(transferId)
      return entry ? entry.finished.promise : Promise.reject(new AppError('file.not-found'))
    },
    close() {
      for (const entry of entries.values()) if (!isOver(entry.transfer)) cancel(entry, new AppError('file.cancelled'))
    },
  }
}

/** The pace of all, and for one that is paused none. */
function pacedBy(entry: Entry, pace: Pace): Pace {
  return {
    pieceBytes: pace.pieceBytes,
    async take(bytes, signal) {
      while (entry.hold && !signal.aborted) await entry.hold.promise
      await pace.take(bytes, signal)
    },
  }
}

function isOver({ state }: Transfer): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

function forgetOver(entries: Map<string, Entry>): void {
  for (const [id, entry] of entries) if (isOver(entry.transfer)) entries.delete(id)
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return code || (cause instanceof Error ? cause.name : 'unknown')
}

/** A broken leg's own error, or the end of the session that broke it. */
async function becauseEnded(error: unknown, { ended }: TransferSession): Promise<unknown> {
  if (!(error instanceof AppError) || !brokenCodes.has(error.code)) return error
  const end = await Promise.race([ended, sleep(endNewsMs, null, { ref: false })])
  return end ? new AppError('session.ended', { cause: error, details: { cause: end.cause } }) : error
}
