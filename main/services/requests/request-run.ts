import { type AccessState, requestLimits } from '@gantry/shared/access-request.ts'
import type { AccessRequestView, DeviceRow, WellKnown } from '@gantry/shared/client-api.ts'
import { AppError, fromFailure, isErrorCode, isUnreachable, toFailure } from '@gantry/shared/errors.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { checkDeviceCertificate } from '@gantry/shared/node/certificates.ts'
import { matchingCode } from '@gantry/shared/node/matching-code.ts'
import { checkTicket, requireSameRequest } from '@gantry/shared/node/ticket.ts'
import type { Posture } from '@gantry/shared/posture.ts'
import type { CompactJws, TicketPayload } from '@gantry/shared/ticket.ts'
import type { MainServer } from '../main-server/main-server.ts'
import type { ServiceLog, Session, SpecialistKeys, TerminalOptions } from '../services.ts'
import type { Approach, StartApproach } from '../sessions/approach.ts'
import { type AnswerState, noAnswers, readAnswers, takeAnswer } from './device-answers.ts'
import { createMailbox } from './mailbox.ts'
import { type ProgressKeeper, startProgress } from './progress.ts'
import { type OwnRequest, signWithdrawal } from './signed-request.ts'

/** A request that the device has approved, in its own signed words: all that the session needs. */
export type ApprovedRequest = {
  own: OwnRequest
  keys: SpecialistKeys
  device: RequestProgress['device']
  ticket: TicketPayload
  ticketText: CompactJws
  hostKey: string
  approvedBy: 'policy' | 'person'
  approach: Approach
  /** The terminal that is waited for. */
  terminal: TerminalOptions | null
}
export type RunTools = {
  call: MainServer['call']
  wellKnown: (options?: { fresh: true }) => Promise<WellKnown>
  posture: () => Promise<Posture>
  approach: (way: Omit<StartApproach, 'dial'>) => Approach
  openSession: (approved: ApprovedRequest, signal: AbortSignal) => Promise<Session>
  onProgress: (progress: RequestProgress) => void
  terminal: TerminalOptions | null
  /** How long to wait for an update before asking: short while the stream of updates is down. */
  pollMs: () => number
  now: () => number
  log: ServiceLog
}
export type RequestRun = {
  progress(): RequestProgress
  /** Resolves when the main server has stored the request. */
  stored: Promise<void>
  session: Promise<Session>
  /** Resolves when nothing is under way any more: the session is open, or everybody has been told that there will be none. */
  settled: Promise<void>
  /** A view that came by itself. */
  push(view: AccessRequestView): void
  /** Withdraws it; has no effect once the session is open. */
  cancel(reason?: AppError): void
}

type Ticketed = { ticket: TicketPayload; ticketText: CompactJws; deviceCa: string }
const cancelTimeoutMs = 5_000

/** The ticket under the main server's key. Its keys and the device CA may have been rotated since they were asked for, so what does not fit is asked for once more. */
async function checkUnder({ ticket: text, deviceCertificate }: AccessRequestView, { wellKnown, now }: Pick<RunTools, 'wellKnown' | 'now'>) {
  const check = async ({ ticketKey, deviceCa }: WellKnown) => ({ ticket: await checkTicket(text, [ticketKey], now() / 1_000), deviceCa })
  try {
    const known = await wellKnown()
    checkDeviceCertificate(deviceCertificate, known.deviceCa)
    return await check(known)
  } catch {
    return check(await wellKnown({ fresh: true }))
  }
}

/** One request, from its signature to its session: read top to bottom. */
export function runRequest(own: OwnRequest, keys: SpecialistKeys, row: DeviceRow, tools: RunTools): RequestRun {
  const { payload } = own
  const stop = new AbortController()
  const mailbox = createMailbox<AccessRequestView>()
  const [stored, settled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const progress = startProgress(payload, row, tools)
  let approach: Approach | null = null
  /** From the moment at which somebody may say yes; not while a device is only waited for. */
  const setOut = ({ ticket, ticketText }: Ticketed): Approach => {
    approach ??= tools.approach({ ticket, ticketText, sessionKey: own.sessionKey, signal: stop.signal })
    return approach
  }

  const send = async (): Promise<Ticketed> => {
    const [posture] = await Promise.all([tools.posture(), tools.wellKnown()])
    const input = { request: own.signed, certificate: keys.certificate, posture }
    const { request: view, passed } = await tools.call('access-request.create', input, { signal: stop.signal, timeoutMs: 20_000 })
    if (view.id !== payload.id) throw new AppError('server.answer-bad', { details: { name: 'access-request.create' } })
    const { ticket, deviceCa } = await checkUnder(view, tools)
    requireSameRequest(ticket, payload, own.signed)
    const { name, site } = ticket.accessServer
    progress.reach('checked', { passed, accessServer: { name, site } })
    mailbox.push(view)
    return { ticket, ticketText: view.ticket, deviceCa }
  }

  const follow = async (ticketed: Ticketed): Promise<AnswerState> => {
    let state = noAnswers
    let known = 0
    let revealed = false
    while (!state.end) {
      const view = (await mailbox.next(tools.pollMs(), stop.signal)) ?? (await show())
      if (tools.now() / 1_000 > ticketed.ticket.joinBefore + requestLimits.slackSeconds) throw new AppError('access.expired')
      if (view) {
        if (view.contact !== progress.read().contact) progress.change({ contact: view.contact })
        const fresh = await readAnswers(view, known, ticketed)
        known += fresh.length
        for (const answer of fresh) {
          state = takeAnswer(state, answer)
          noteAnswer(progress, state, answer.kind)
          if (answer.kind === 'asking') setOut(ticketed)
        }
      }
      // C only after D: from here on nobody can choose anything that the code depends on.
      if (!revealed && state.pickedUp && state.pickedUp.rule !== 'allow') revealed = await reveal(state.pickedUp, ticketed)
      if (view && !state.end) requireUndecided(view)
    }
    return state
  }
  const show = async (): Promise<AccessRequestView | null> => {
    try {
      return await tools.call('access-request.show', { requestId: payload.id }, { signal: stop.signal })
    } catch (error) {
      stop.signal.throwIfAborted()
      if (isUnreachable(error)) return null
      throw error
    }
  }
  const reveal = async (pickedUp: NonNullable<AnswerState['pickedUp']>, { ticketText }: Ticketed): Promise<boolean> => {
    try {
      await tools.call('access-request.reveal', { requestId: payload.id, nonce: own.nonce }, { signal: stop.signal })
    } catch (error) {
      stop.signal.throwIfAborted()
      if (isUnreachable(error)) return false
      throw error
    }
    const code = matchingCode({ ticket: ticketText, sessionKey: payload.sessionKey, hostKey: pickedUp.hostKey, c: own.nonce, d: pickedUp.draw })
    progress.reach('code', { code, typed: pickedUp.rule === 'ask-typed' })
    return true
  }

  const run = async (): Promise<Session> => {
    try {
      const ticketed = await send()
      stored.resolve()
      const { end } = await follow(ticketed)
      if (end?.kind !== 'approved') throw refusalOf(end)
      progress.change({ state: 'approved' })
      const approach = setOut(ticketed)
      const { ticket, ticketText } = ticketed
      const { terminal } = tools
      const approved = { own, keys, device: progress.read().device, ticket, ticketText, hostKey: end.hostKey, approvedBy: end.by, approach, terminal }
      const session = await tools.openSession(approved, stop.signal)
      const { accessServer } = session.view()
      progress.reach('joined', { state: 'open', accessServer })
      settled.resolve()
      void session.ended.then(() => progress.change({ state: 'ended' }))
      return session
    } catch (error) {
      approach?.turnBack()
      const failure = toFailure(error)
      tools.log.info('a request came to nothing', { requestId: payload.id, code: failure.code })
      const kind = progress.read().state === 'approved' ? 'end' : 'cancel'
      progress.change({ state: endState(failure.code, progress.read().state), failure, contact: null, answerBeforeMs: null })
      stored.reject(error)
      // Whatever the other parts still hold of it ends too; they may know already.
      const told = signWithdrawal({ ...payload, kind }, keys, tools.now()).then((withdrawal) =>
        tools.call('access-request.cancel', { requestId: payload.id, withdrawal }, { timeoutMs: cancelTimeoutMs }),
      )
      void told.catch(() => undefined).finally(settled.resolve)
      throw error
    }
  }
  const session = run()
  session.catch(() => undefined)
  stored.promise.catch(() => undefined)
  return {
    progress: progress.read,
    stored: stored.promise,
    settled: settled.promise,
    session,
    push: (view) => mailbox.push(view),
    cancel: (reason = new AppError('access.cancelled')) => stop.abort(reason),
  }
}

function noteAnswer(progress: ProgressKeeper, state: AnswerState, kind: string): void {
  if (kind === 'picked-up') progress.reach('picked-up', { state: 'picked-up' })
  if (kind === 'asking') progress.reach('asking', { state: 'asking', answerBeforeMs: state.asking ? state.asking.answerBefore * 1_000 : null })
  if (kind === 'approved') progress.reach('approved', { answerBeforeMs: null })
}

/** The main server may say that a request is over (it could withhold it all the same), never that it is approved. */
function requireUndecided({ state, refusal, endCause }: AccessRequestView): void {
  if (state === 'cancelled') throw new AppError('access.cancelled')
  if (state === 'expired') throw new AppError('access.expired')
  if (state === 'refused') throw fromFailure(refusal ?? { code: 'access.refused' })
  if (state === 'ended') throw new AppError('session.ended', { details: { cause: endCause ?? 'policy' } })
}

function refusalOf(end: AnswerState['end']): AppError {
  if (end?.kind !== 'refused' || !isErrorCode(end.code)) return new AppError('access.refused')
  return new AppError(end.code, end.details ? { details: end.details } : {})
}

function endState(code: string, before: AccessState): AccessState {
  if (code === 'access.cancelled') return 'cancelled'
  if (code === 'access.expired') return 'expired'
  return before === 'approved' ? 'ended' : 'refused'
}
