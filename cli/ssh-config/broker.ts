import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EndCause } from '@gantry/shared/access-request.ts'
import { AppError, type Failure, toFailure } from '@gantry/shared/errors.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { maxJoinedConnections } from '@gantry/shared/session-api.ts'

/**
 * One session for all connections of one printed configuration: the first to join asks the device, those that come while it is asked wait with
 * it, later ones join the open session, eight at most at a time. It ends a minute after the last one left. Who asks next gets a new broker.
 */
export type BrokerSession = {
  openLeg(signal: AbortSignal): Promise<Duplex>
  ended: Promise<BrokerEnd>
}
/** `failure` is set where no session came to be. */
export type BrokerEnd = { cause: EndCause | null; failure: Failure | null }
/** One OpenSSH connection; `signal` aborts when it is gone. */
export type Member = { signal: AbortSignal; pin?: string | undefined; onProgress(progress: RequestProgress): void }

export type BrokerOptions = {
  /** Asks the device; the signal withdraws the request. */
  ask(options: { signal: AbortSignal; pin?: string | undefined; onProgress: (progress: RequestProgress) => void }): Promise<BrokerSession>
  lingerMs?: number
  wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

export type Broker = {
  /** A leg of the session. Errors: `BrokerOver` (come again), `session.too-many-connections`, what asking and joining throw, or the member's own abort. */
  join(member: Member): Promise<Duplex>
  leave(member: Member): void
  /** Ends it from outside: signed out, sandbox gone. */
  stop(): void
  /** Resolves once; from then on nobody can join. */
  finished: Promise<BrokerEnd>
}

/** This broker's session is over; the next one is somebody else's. */
export class BrokerOver extends AppError {
  constructor() {
    super('session.ended')
  }
}

export function createBroker({ ask, lingerMs = 60_000, wait = (ms, signal) => sleep(ms, undefined, { signal }) }: BrokerOptions): Broker {
  const members = new Set<Member>()
  const finished = Promise.withResolvers<BrokerEnd>()
  const life = new AbortController()
  let session: Promise<BrokerSession> | null = null
  let isOpen = false
  let lastProgress: RequestProgress | null = null
  let lingering: AbortController | null = null

  const finish = (end: BrokerEnd) => {
    finished.resolve(end)
    lingering?.abort()
    life.abort(new AppError('session.ended'))
  }
  const tellAll = (progress: RequestProgress) => {
    lastProgress = progress
    for (const member of members) member.onProgress(progress)
  }
  const open = async (pin: string | undefined): Promise<BrokerSession> => {
    try {
      const opened = await ask({ signal: life.signal, pin, onProgress: tellAll })
      isOpen = true
      opened.ended.then(finish, (error) => finish({ cause: null, failure: toFailure(error) }))
      if (members.size === 0 && !life.signal.aborted) linger()
      return opened
    } catch (error) {
      finish({ cause: null, failure: toFailure(error) })
      throw error
    }
  }
  const linger = () => {
    const timer = new AbortController()
    lingering = timer
    wait(lingerMs, timer.signal).then(
      () => finish({ cause: 'specialist', failure: null }),
      () => undefined,
    )
  }
  return {
    finished: finished.promise,
    stop: () => finish({ cause: 'specialist', failure: null }),
    async join(member) {
      if (life.signal.aborted) throw new BrokerOver()
      if (members.size >= maxJoinedConnections) throw new AppError('session.too-many-connections', { details: { max: maxJoinedConnections } })
      members.add(member)
      lingering?.abort()
      if (lastProgress && !isOpen) member.onProgress(lastProgress)
      session ??= open(member.pin)
      const opened = await orAbort(session, member.signal)
      return opened.openLeg(AbortSignal.any([member.signal, life.signal]))
    },
    leave(member) {
      if (!members.delete(member) || members.size > 0 || life.signal.aborted) return
      // Nobody is left who wants the answer: the device must not go on ringing.
      if (isOpen) linger()
      else finish({ cause: null, failure: { code: 'access.cancelled' } })
    },
  }
}

async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
