import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Delivery } from '@gantry/shared/agent-api.ts'
import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import type { Policy, PolicyFault } from '@gantry/shared/device-policy.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { commitmentTo, matchingCode } from '@gantry/shared/node/matching-code.ts'
import { newNonce, sha256 } from '@gantry/shared/node/signing.ts'
import { isOnRoster } from '@gantry/shared/node/ticket.ts'
import { runsPrograms } from '@gantry/shared/profile.ts'
import type { AccessServerRef, AnswerPayload, CompactJws, Hash, RosterPayload } from '@gantry/shared/ticket.ts'
import { type Clock, unixSeconds } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PanelLink } from '../panel-link.ts'
import type { Grant } from '../session/grant.ts'
import { type AskRule, askPerson, inTime, requirePanel } from './approval.ts'
import type { Entry, RequestMemory } from './memory.ts'
import { endsInSilence, isOpenAt, ruleFor } from './policy.ts'
import { grantOf, newRunning, questionOf, type Running } from './running.ts'
import { requireSecondKey } from './second-key.ts'
import { type AccessDelivery, type AnswerHead, proveSignatures, readHead, type Trust } from './signatures.ts'
import { requireClock, type Situation, steps } from './steps.ts'
import { judgeWithdrawal, unsigned, type Withdrawer } from './withdrawal.ts'

/** The device's word on every access request, from its arrival to the end of its session. */
export type AccessRequests = {
  /** Returns once the request is refused, or taken and on disk; what follows runs by itself. */
  receive(delivery: AccessDelivery): Promise<void>
  reveal(delivery: Extract<Delivery, { kind: 'reveal' }>): void
  /** Both at once where nothing is signed; a signature is judged first, so that the audit names who withdrew before anything stops. */
  cancel(requestId: RequestId, withdrawal?: CompactJws): void | Promise<void>
  end(requestId: RequestId, cause: EndCause, withdrawal?: CompactJws): void | Promise<void>
  /** From pick-up until the session has ended: meanwhile a poll is held open (architecture 2.4). */
  busy(): boolean
  /** Ends what the policy no longer allows, since it has changed or its hours are over, and whatever was asked under keys that the authority has taken back (R087). */
  enforce(policy: Policy): void
  /** Ends what a strict policy does not allow without a main server that answers; `silentMs` since it last did. */
  silent(silentMs: number): void
  /** Once at start: answers what a crash interrupted. */
  recover(): Promise<void>
  stop(): Promise<void>
}

export type AccessRequestsWith = {
  trust: Trust
  /** `ecdsa-sha2-nistp256 AAAA…` */
  hostKey: string
  memory: RequestMemory
  roster: () => RosterPayload | null
  policy: () => Policy
  policyFault: () => PolicyFault | null
  /** By how many seconds this device's clock is off; 0 where it is right, or nobody has told. */
  clockOffSeconds: () => number
  mayReach: (server: AccessServerRef) => boolean
  whyNotCovered: Situation['whyNotCovered']
  panel: PanelLink
  /** The folder in which approvals of the second key are laid. */
  approvals: string
  /** Signs, stores and posts one answer; resolves when it is stored. */
  answer: (head: AnswerHead, answer: AnswerPayload['answer']) => Promise<void>
  /** Stored when it returns; throws `audit.unavailable`. */
  audit: (event: NewDeviceEvent) => unknown
  /** What the audit says of a session, which is the truth after a crash: whether it was opened and not ended, or ended. */
  sessionTold: (requestId: RequestId) => 'opened' | 'ended' | null
  openSession: (grant: Grant, signal: AbortSignal) => Promise<EndCause>
  onBusy: () => void
  clock: Clock
  log: Log
  draw?: () => Hash
  prove?: typeof proveSignatures
}

/** How long the client may take to reveal its nonce: two trips over a held poll. ms */
const revealMs = 60_000

export function createAccessRequests(deps: AccessRequestsWith): AccessRequests {
  const { memory, panel, clock, log } = deps
  const all = new Map<RequestId, Running>()
  const programs = () => [...all.values()].filter(({ proven }) => runsPrograms(proven.request.access)).length

  const refuse = async (head: AnswerHead | null, error: unknown) => {
    const { code, details } = toFailure(error)
    log.warn({ code, requestId: head?.requestId, cause: causeOf(error) }, 'access refused')
    auditQuietly({ kind: 'access.refused', actor: { kind: 'agent' }, ...(head ? { requestId: head.requestId } : {}), data: { code } })
    if (head) await deps.answer(head, { kind: 'refused', code, ...(details ? { details } : {}) })
  }
  /** A refusal is given even where it cannot be written down: it opens nothing. */
  const auditQuietly = (event: NewDeviceEvent) => {
    try {
      deps.audit(event)
    } catch (error) {
      log.error({ kind: event.kind, cause: causeOf(error) }, 'audit store unavailable')
    }
  }

  const take = async (delivery: AccessDelivery): Promise<Running> => {
    const nowMs = clock.now()
    const policy = deps.policy()
    requireClock(deps.clockOffSeconds())
    const proven = await (deps.prove ?? proveSignatures)(delivery, deps.trust, nowMs / 1_000)
    // No await from here until it is taken, so that two deliveries cannot both find the ticket unspent.
    const situation: Situation = { ...deps, nowMs, policy, policyFault: deps.policyFault(), roster: deps.roster(), open: all.size, openPrograms: programs() }
    for (const step of steps) step(proven, situation)
    const { request, ticket, certificate } = proven
    deps.audit({
      kind: 'access.requested',
      actor: { kind: 'specialist', id: certificate.specialistId, name: certificate.name },
      requestId: request.id,
      data: { access: request.access, serviceKind: request.serviceKind, caseId: request.caseId, minutes: request.minutes, ticketId: ticket.id },
      // What was signed stays with the device, to be checked years later (R062, docs/verify-with-openssl.md).
      private: { reason: request.reason, request: JSON.stringify(delivery.request), certificate: delivery.certificate, ticket: delivery.ticket },
    })
    const entry = { requestId: request.id, ticketId: ticket.id, deliveryId: delivery.id, ticket: delivery.ticket }
    memory.take({ ...entry, issuedAt: ticket.issuedAt, takenMs: nowMs, state: 'requested' })
    const own = ruleFor(policy, request.access)
    const rule = own === 'allow' && ticket.ask ? 'ask' : own
    if (rule === 'deny') throw new AppError('access.policy-denied')
    return newRunning({ proven, rule, ticketText: delivery.ticket, payload: delivery.request.payload })
  }

  const attend = async (running: Running) => {
    const { request } = running.proven
    try {
      await pickUp(running)
      await countersign(running)
      await approve(running)
    } catch (error) {
      return withdraw(running, error)
    }
    try {
      const cause = await deps.openSession(grantOf(running, deps.policy()), running.session.signal)
      log.info({ requestId: request.id, cause }, 'session ended')
      memory.move(request.id, 'ended')
    } catch (error) {
      const { code } = toFailure(error)
      log.warn({ requestId: request.id, code, cause: causeOf(error) }, 'session never began')
      const cancelled = running.session.signal.aborted
      auditQuietly({ kind: cancelled ? 'access.cancelled' : 'access.expired', actor: { kind: 'agent' }, requestId: request.id, data: { code } })
      memory.move(request.id, cancelled ? 'cancelled' : 'expired')
    }
  }

  /** Write first, then act, all along: the event is on disk before the answer leaves or the panel rings. */
  const pickUp = async (running: Running) => {
    const { rule, head, asking } = running
    if (rule !== 'allow') await requirePanel(panel, asking.signal)
    asking.signal.throwIfAborted()
    const draw = (deps.draw ?? newNonce)()
    deps.audit({ kind: 'access.picked-up', actor: { kind: 'agent' }, requestId: head.requestId, data: { rule } })
    memory.move(head.requestId, 'picked-up')
    running.drawn = draw
    await deps.answer(head, { kind: 'picked-up', rule, draw, hostKey: deps.hostKey })
  }

  /** Before the person is asked: nobody is rung for what the hospital has not signed. */
  const countersign = async ({ proven, payload, head, asking }: Running) => {
    const { approvers, answerSeconds } = deps.policy()
    if (approvers.length === 0) return
    const waitMs = answerSeconds * 1_000
    const { approver, approval } = await requireSecondKey({ folder: deps.approvals, proven, payload, approvers, waitMs, clock, signal: asking.signal })
    deps.audit({ kind: 'access.countersigned', actor: { kind: 'person' }, requestId: head.requestId, data: { approver }, private: { approval } })
  }

  const approve = async (running: Running) => {
    const { rule, head, asking } = running
    if (rule !== 'allow') await askForYes(running, rule)
    asking.signal.throwIfAborted()
    const by = rule === 'allow' ? 'policy' : 'person'
    deps.audit({ kind: 'access.approved', actor: { kind: by === 'policy' ? 'agent' : 'person' }, requestId: head.requestId, data: { by } })
    memory.move(head.requestId, 'approved')
    running.approved = true
    await deps.answer(head, { kind: 'approved', by, hostKey: deps.hostKey })
  }

  const askForYes = async (running: Running, rule: AskRule) => {
    const { head, proven, drawn, asking } = running
    if (!drawn) throw new AppError('internal')
    const c = await inTime(running.revealed.promise, { ms: revealMs, clock, signal: asking.signal })
    const code = matchingCode({ ticket: running.ticketText, sessionKey: proven.request.sessionKey, hostKey: deps.hostKey, c, d: drawn })
    const askedMs = clock.now()
    deps.audit({ kind: 'access.asked', actor: { kind: 'agent' }, requestId: head.requestId, data: { typed: rule === 'ask-typed' } })
    memory.move(head.requestId, 'asking')
    const { answerSeconds } = deps.policy()
    const answerBefore = unixSeconds(clock) + answerSeconds
    await deps.answer(head, { kind: 'asking', answerBefore })
    const question = { ...questionOf(proven, deps.policy()), askedMs, answerBeforeMs: askedMs + answerSeconds * 1_000 }
    await askPerson({ question, rule, code, panel, clock, signal: asking.signal })
  }

  /** Before approval: refused, cancelled by the specialist, or out of time. */
  const withdraw = async (running: Running, error: unknown) => {
    const { head } = running
    const { code } = toFailure(error)
    if (code === 'access.cancelled') {
      const actor = { kind: running.withdrawnBy ?? ('main-server' as const) }
      auditQuietly({ kind: 'access.cancelled', actor, requestId: head.requestId })
      memory.move(head.requestId, 'cancelled')
      return
    }
    await refuse(head, error)
    memory.move(head.requestId, 'refused')
  }

  const begin = (running: Running) => {
    all.set(running.head.requestId, running)
    deps.onBusy()
    running.done = attend(running)
      .catch((error: unknown) => log.error({ requestId: running.head.requestId, cause: causeOf(error) }, 'request failed'))
      .finally(() => {
        all.delete(running.head.requestId)
        deps.onBusy()
      })
  }

  const stopOne = (running: Running, withdrawn: AppError, cause: EndCause) => {
    if (running.approved) running.session.abort(cause)
    else running.asking.abort(withdrawn)
  }

  /** From outside: the audit names whose word it was, then it stops. That it cannot be written down keeps nothing running. */
  const stopFor = (running: Running, cause: EndCause, { by, signed, ...data }: Withdrawer & { signed?: CompactJws }) => {
    running.withdrawnBy = by
    const { specialistId: id, name } = running.proven.certificate
    const actor = by === 'specialist' ? { kind: by, id, name } : { kind: by }
    const kept = signed === undefined ? {} : { private: { withdrawal: signed } }
    auditQuietly({ kind: 'access.withdrawn', actor, requestId: running.head.requestId, data: { ...data, cause }, ...kept })
    stopOne(running, new AppError('access.cancelled'), cause)
  }
  const withdrawn = (requestId: RequestId, cause: EndCause, withdrawal: CompactJws | undefined): void | Promise<void> => {
    const running = all.get(requestId)
    if (!running) return
    if (withdrawal === undefined) return stopFor(running, cause, unsigned)
    return judgeWithdrawal(withdrawal, running.proven).then((by) => stopFor(running, cause, { ...by, signed: withdrawal }))
  }

  panel.onPress((press) => {
    const running = press.type === 'session.end' ? all.get(press.requestId) : undefined
    if (running?.approved) running.session.abort('person' satisfies EndCause)
  })

  return {
    async receive(delivery) {
      // Taken before a crash, and noted as handled only now: recover() has answered it.
      if (memory.findDelivery(delivery.id)) return
      try {
        begin(await take(delivery))
      } catch (error) {
        const head = readHead(delivery)
        // A repeated ticket gets no second answer: the first one stands, and may be a yes.
        await refuse(head && memory.knows(head.requestId) ? null : head, error)
      }
    },
    reveal({ requestId, nonce }) {
      const running = all.get(requestId)
      // Before the draw there is nothing to reveal for: C must come after D.
      if (!running?.drawn) return
      if (commitmentTo(nonce) === running.proven.request.commitment) running.revealed.resolve(nonce)
      else running.asking.abort(new AppError('access.commitment-bad'))
    },
    cancel: (requestId, withdrawal) => withdrawn(requestId, 'specialist', withdrawal),
    end: withdrawn,
    busy: () => all.size > 0,
    enforce(policy) {
      const roster = deps.roster()
      const closed = policy.connectivity === 'off' || !isOpenAt(policy, clock.now())
      for (const running of all.values()) {
        const { certificate, request } = running.proven
        const takenBack = roster !== null && !isOnRoster(certificate, roster)
        if (takenBack) stopOne(running, new AppError('access.certificate-bad', { details: { what: 'roster' } }), 'revoked')
        else if (closed || ruleFor(policy, request.access) === 'deny') stopOne(running, new AppError('access.policy-denied'), 'policy')
      }
    },
    silent(silentMs) {
      for (const running of all.values()) {
        const over = running.approved && endsInSilence(deps.policy(), running.proven.request.access, silentMs)
        if (over) running.session.abort('policy' satisfies EndCause)
      }
    },
    async recover() {
      for (const entry of memory.open()) {
        // Where that cannot be written down now (no store, a full disk) it stays open, and the next start tries again.
        await recoverOne(entry).catch((error: unknown) => log.error({ requestId: entry.requestId, cause: causeOf(error) }, 'not recovered'))
      }
    },
    async stop() {
      for (const running of all.values()) stopOne(running, new AppError('access.interrupted'), 'agent-stopped')
      await Promise.all([...all.values()].map((running) => running.done))
    },
  }

  async function recoverOne({ requestId, ticketId, ticket, state }: Entry): Promise<void> {
    if (state !== 'approved') {
      if (ticket) await refuse({ requestId, ticketId, ticketHash: sha256(ticket) }, new AppError('access.interrupted'))
      return memory.move(requestId, 'refused')
    }
    const told = deps.sessionTold(requestId)
    if (told === 'opened') deps.audit({ kind: 'session.ended', actor: { kind: 'agent' }, requestId, cause: 'agent-stopped' })
    if (told === null) deps.audit({ kind: 'access.expired', actor: { kind: 'agent' }, requestId, data: { code: 'access.interrupted' } })
    memory.move(requestId, told === null ? 'expired' : 'ended')
  }
}

function causeOf(error: unknown): string | undefined {
  const cause = error instanceof AppError ? error.cause : error
  return cause instanceof Error ? cause.message : undefined
}
