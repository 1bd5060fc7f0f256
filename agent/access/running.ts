import type { Policy } from '@gantry/shared/device-policy.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { LevelRule, ProfileLimits } from '@gantry/shared/profile.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { Grant } from '../session/grant.ts'
import { maxBytesOf } from './policy.ts'
import type { AccessDelivery, AnswerHead, Proven } from './signatures.ts'
import type { Withdrawer } from './withdrawal.ts'

/** One access request that the device has taken up, until its session is over. */
export type Running = {
  proven: Proven
  ticketText: AccessDelivery['ticket']
  /** The request's payload as it was signed, base64url. */
  payload: string
  head: AnswerHead
  rule: Exclude<LevelRule, 'deny'>
  drawn: Hash | null
  revealed: PromiseWithResolvers<Hash>
  /** Until approval; its reason is an AppError. */
  asking: AbortController
  /** From approval on; its reason is an EndCause. */
  session: AbortController
  approved: boolean
  /** Whose word stopped it from outside. */
  withdrawnBy: Withdrawer['by'] | null
  done: Promise<void>
}

/** From its pick-up on. */
export function newRunning(of: Pick<Running, 'proven' | 'rule' | 'ticketText' | 'payload'>): Running {
  const { ticket, request } = of.proven
  const revealed = Promise.withResolvers<Hash>()
  return {
    ...of,
    head: { requestId: request.id, ticketId: ticket.id, ticketHash: sha256(of.ticketText) },
    drawn: null,
    revealed,
    asking: new AbortController(),
    session: new AbortController(),
    approved: false,
    withdrawnBy: null,
    done: Promise.resolve(),
  }
}

/** What an approved request lets its session do: the narrower of the device's policy and the person's profile, as the ticket repeats it (R073). */
export function grantOf({ proven, ticketText, rule }: Running, policy: Policy): Grant {
  const { idleMinutes, sessionMinutes, files, actions } = policy
  const { limits } = proven.ticket
  const narrower = {
    toDevice: files.toDevice && limits.files.toDevice,
    fromDevice: files.fromDevice && limits.files.fromDevice,
    maxFileBytes: Math.min(files.maxFileBytes, limits.files.maxFileBytes),
    paths: files.paths,
    restricted: files.restricted,
  }
  return {
    ...proven,
    ticketText,
    approvedBy: rule === 'allow' ? 'policy' : 'person',
    policy: { idleMinutes, sessionMinutes, maxBytes: maxBytesOf(policy), files: narrower, actions: narrowerActions(limits.actions, actions) },
  }
}

function narrowerActions(theirs: ProfileLimits['actions'], own: Policy['actions']): ProfileLimits['actions'] {
  if (own === null) return theirs
  return theirs === '*' ? own : theirs.filter((name) => own.some((one) => one === name))
}

/** What the person at the device is shown. */
export function questionOf({ request, certificate }: Proven, policy: Policy) {
  const { id, access, serviceKind, reason, caseId, minutes } = request
  const { name, employer, country } = certificate
  return { requestId: id, specialist: name, employer, country, access, serviceKind, reason, caseId, minutes, maxBytes: maxBytesOf(policy) }
}
