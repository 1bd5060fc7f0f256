import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { DeviceId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import type { ServiceLog, Session, Transfers } from '../services.ts'
import { removeParts } from './get-file.ts'
import { causeOf, createKeeper } from './keeper.ts'
import { createMemory, type KeptStore, type KeptTransfer, type OwnMemory } from './kept.ts'
import { type Pace, unlimited } from './pace.ts'
import { placeOf } from './place.ts'
import { runTransfer } from './run-transfer.ts'
import { visibleName } from './safe-name.ts'
import { createSpeedometer } from './speedometer.ts'

export type TransferService = Transfers & {
  /** Whoever is signed in now sees what an earlier start left of theirs, and of nobody else's. */
  look(): void
  close(): void
}
/** What a transfer needs of a session. */
export type TransferSession = Pick<Session, 'requestId' | 'files' | 'view' | 'ended'>
export type TransferTools = {
  session: (requestId: RequestId) => TransferSession
  onChange: (transfer: Transfer) => void
  /** Of all transfers together. Without: as fast as it goes. */
  pace?: Pace
  /** Where what is not over outlives the app. Without: nowhere. */
  kept?: { store: KeptStore; person: () => SpecialistId | null; sessionWith: (deviceId: DeviceId) => TransferSession | null }
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
  /** Null for one of an earlier start that nobody let go on yet. */
  session: TransferSession | null
  person: SpecialistId | null
  memory: OwnMemory
  replace: boolean
  as: string | null
  /** While it is paused. */
  hold: PromiseWithResolvers<void> | null
}

/** Files and folders on their way, three at once; the rest waits its turn. */
export function createTransfers({ session: sessionOf, onChange, pace = unlimited, kept, now, log }: TransferTools): TransferService {
  const entries = new Map<string, Entry>()
  const queue: Entry[] = []
  let active = 0
  let lastId = 0
  const leftBy = (person: SpecialistId) => [...entries.values()].filter((entry) => entry.person === person && entry.as === null && !isOver(entry.transfer))
  const keeper = createKeeper({ store: kept?.store ?? null, left: (person) => leftBy(person).flatMap((entry) => asKept(entry) ?? []), log })
  /** What an earlier start left is its owner's alone. */
  const isSeen = ({ session, person }: Entry) => session !== null || person === (kept?.person() ?? null)
  const seen = (transferId: string) => {
    const entry = entries.get(transferId)
    return entry && isSeen(entry) ? entry : undefined
  }

  const change = (entry: Entry, part: Partial<Transfer>) => {
    const before = entry.transfer.state
    entry.transfer = { ...entry.transfer, ...part }
    if (entry.transfer.state !== before) keeper.note()
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
  /** One of an earlier start goes on in a session of now. */
  const adopt = (entry: Entry) => {
    const session = entry.transfer.waitsFor && kept?.sessionWith(entry.transfer.waitsFor.id)
    if (!session) throw new AppError('session.unknown')
    entry.session = session
    watch(session)
    queue.push(entry)
    change(entry, { state: 'queued', requestId: session.requestId, waitsFor: null, bytes: 0, filesDone: 0 })
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
    const { session, stop, replace, as, memory } = entry
    if (!session) return
    const { direction, from, to } = entry.transfer
    const speed = createSpeedometer(now)
    let [bytes, filesDone] = [0, 0]
    const tell = () => change(entry, { bytes, filesDone, bytesPerSecond: entry.hold ? 0 : speed.bytesPerSecond() })
    const timer = setInterval(tell, tellEveryMs)
    change(entry, { state: 'running' })
    try {
      await runTransfer({
        ...{ files: session.files, direction, from, to, replace, as, memory, signal: stop.signal, pace: pacedBy(entry, pace) },
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
      ...{ bytes: 0, totalBytes: null, files: 0, filesDone: 0, bytesPerSecond: 0, waitsFor: null, verified: false, failure: null },
    }
    const whose = { person: kept?.person() ?? null, memory: createMemory({ done: [], begun: [] }, keeper) }
    const entry: Entry = { transfer, stop: new AbortController(), finished: Promise.withResolvers(), session, hold: null, ...whose, ...how }
    entries.set(transfer.id, entry)
    queue.push(entry)
    keeper.note()
    onChange(transfer)
    return transfer.id
  }
  /** As it was left, waiting for a session. */
  const take = ({ device, done, begun, replace, ...was }: KeptTransfer, person: SpecialistId) => {
    const transfer: Transfer = {
      ...{ ...was, id: `tr-${++lastId}`, name: visibleName(was.name), state: 'paused' as const, waitsFor: device },
      ...{ bytesPerSecond: 0, verified: false, failure: null },
    }
    const how = { person, memory: createMemory({ done, begun }, keeper), replace, as: null, hold: null, session: null }
    entries.set(transfer.id, { transfer, stop: new AbortController(), finished: Promise.withResolvers(), ...how })
    onChange(transfer)
  }
  const cancel = (entry: Entry, reason: AppError) => {
    const place = queue.indexOf(entry)
    if (place >= 0) queue.splice(place, 1)
    entry.stop.abort(reason)
    entry.hold?.resolve()
    if (!entry.session && entry.transfer.direction === 'get') void removeParts(entry.transfer.to, entry.memory.remembered().begun)
    if (place >= 0 || !entry.session)
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
  const watch = (session: TransferSession) => {
    if (watched.has(session)) return
    watched.add(session)
    endWith(session)
  }

  return {
    async start({ requestId, direction, from, to, replace }, { as } = {}) {
      if (as !== undefined && from.length !== 1) throw new AppError('usage.bad', { details: { option: 'as' } })
      const session = sessionOf(requestId)
      if (session.view().state === 'ended') throw new AppError('session.ended', { details: { cause: session.view().endCause ?? 'specialist' } })
      if (entries.size + from.length > maxKept) forgetOver(entries)
      watch(session)
      const transferIds = from.map((path) => begin(session, { direction, from: path, to }, { replace, as: as ?? null }))
      next()
      return { transferIds }
    },
    cancel(transferId) {
      const entry = seen(transferId)
      if (entry && !isOver(entry.transfer)) cancel(entry, new AppError('file.cancelled'))
    },
    pause(transferId) {
      const entry = seen(transferId)
      if (entry?.session && !isOver(entry.transfer) && !entry.hold) pause(entry)
    },
    resume(transferId) {
      const entry = seen(transferId)
      if (!entry || isOver(entry.transfer)) return
      if (!entry.session) adopt(entry)
      else if (entry.hold) resume(entry)
    },
    list: () => [...entries.values()].filter(isSeen).map((entry) => entry.transfer),
    unread: () => keeper.failure(kept?.person() ?? null),
    look() {
      const person = kept?.person() ?? null
      if (person) for (const one of keeper.read(person)) take(one, person)
    },
    forget(transferIds) {
      for (const id of transferIds) {
        const entry = entries.get(id)
        if (entry && isOver(entry.transfer)) entries.delete(id)
      }
    },
    finished(transferId) {
      const entry = seen(transferId)
      return entry ? entry.finished.promise : Promise.reject(new AppError('file.not-found'))
    },
    place: (transferId) => placeOf(seen(transferId)),
    close() {
      keeper.close()
      for (const entry of entries.values()) if (!isOver(entry.transfer)) cancel(entry, new AppError('file.cancelled'))
    },
  }
}

function asKept({ transfer, session, replace, memory }: Entry): KeptTransfer | null {
  const { requestId, direction, name, from, to, bytes, totalBytes, files, filesDone } = transfer
  const whose = transfer.waitsFor ?? session?.view().device
  if (!whose) return null
  const device = { id: whose.id, name: whose.name }
  return { device, requestId, direction, name, from, to, replace, bytes, totalBytes, files, filesDone, ...memory.remembered() }
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

/** A broken leg's own error, or the end of the session that broke it. */
async function becauseEnded(error: unknown, { ended }: TransferSession): Promise<unknown> {
  if (!(error instanceof AppError) || !brokenCodes.has(error.code)) return error
  const end = await Promise.race([ended, sleep(endNewsMs, null, { ref: false })])
  return end ? new AppError('session.ended', { cause: error, details: { cause: end.cause } }) : error
}
