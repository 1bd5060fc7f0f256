import { requestLimits } from '@gantry/shared/access-request.ts'
import type { CaseKey } from '@gantry/shared/case-api.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import { readUnverified } from '@gantry/shared/node/signing.ts'
import type { NoticeRule } from '@gantry/shared/notice.ts'
import type { Posture } from '@gantry/shared/posture.ts'
import type { ProfileLimits } from '@gantry/shared/profile.ts'
import { CertificatePayload, type CompactJws, PublicJwk, RequestPayload, type SignedRequest } from '@gantry/shared/ticket.ts'
import { levelsFor, limitsFor } from '../assignment.ts'
import type { Caller } from '../caller.ts'
import { noticeOf } from '../origins.ts'
import type { NoticeContacts } from '../seed.ts'
import { changeFor, mustAsk } from './customer-steps.ts'
import { deadlines } from './deadlines.ts'
import type { Facts } from './facts.ts'
import { findAsker, findTarget, operatorsPosture } from './parties.ts'
import { maxWaiting } from './person-steps.ts'
import { chooseRoute, describeRoute, type Route } from './route.ts'
import { requireStanding } from './standing.ts'
import { runSteps } from './steps.ts'
import { countWaiting, findRequest, insertRequest, sessionsByAccessServer, wasSeen } from './store.ts'
import { issueTicket } from './ticket.ts'
import { type AccessTools, announce, type Notified, subjects } from './tools.ts'
import { viewRequest } from './view.ts'

type Asked = { request: SignedRequest; certificate: CompactJws; posture?: Posture | undefined }

/** Policy, audit, ticket, then request and delivery in one transaction. */
export async function createRequest(tools: AccessTools, { request: signed, certificate, posture }: Asked, caller: Caller) {
  const { db, append, now } = tools
  const request = readRequest(signed)
  const asker = await findAsker(db, caller.specialistId)
  if (!asker) throw new AppError('auth.session-expired')
  const event = {
    actor: { kind: 'specialist' as const, id: caller.specialistId, name: asker.name },
    requestId: request.id,
    deviceId: request.deviceId,
    data: { access: request.access, serviceKind: request.serviceKind, caseId: request.caseId, minutes: request.minutes, ...(posture && workstation(posture)) },
  }
  const target = await findTarget(db, request.deviceId)
  const regions = target?.regions ?? null
  const route = chooseRoute(tools.fleet.candidates(), await sessionsByAccessServer(db), regions)
  const caseKey = target && { customerId: target.customerId, number: request.caseId }
  const found = caseKey && (await tools.cases.find(db, caseKey))
  const escalated = found?.state === 'open' && found.escalation?.to === caller.specialistId
  const rule = target ? noticeOf(target.facts.origins, { ...asker.facts, escalated }) : 'none'
  const facts: Facts = {
    nowMs: now(),
    caller,
    authorityKeys: tools.authorityKeys(Math.floor(now() / 1_000)),
    roster: tools.roster(),
    signed,
    certificate,
    request,
    certified: readUnverified(certificate, CertificatePayload, 'access.certificate-bad'),
    person: asker.facts,
    device: target?.facts ?? null,
    levels: target && levelsFor(asker.grants, target.place),
    limits: target && limitsFor(asker.grants, target.place, request.access),
    given: null,
    case: found,
    notice: { rule, canTell: tools.notices.canTell(target?.contacts ?? null), recent: await tools.notices.recent(db, request.deviceId) },
    route,
    onlyRegions: regions?.only ? regions.near : null,
    posture: { said: posture ?? null, rules: [await operatorsPosture(db), ...(target ? [target.posture] : [])] },
    seenBefore: await wasSeen(db, request),
    waiting: await countWaiting(db, caller.specialistId),
  }
  const passed = await runSteps(facts, (step, error) => {
    append({ ...event, kind: 'access.refused', data: { ...event.data, step, code: toFailure(error).code } })
  })
  const device = target?.identity
  const { limits } = facts
  if (!device || !caseKey || !route || !limits) throw new AppError('device.offline')
  if (!facts.case) append({ ...event, kind: 'case.opened', data: { customerId: caseKey.customerId, caseId: caseKey.number } })
  const change = changeFor(facts)
  const terms = facts.device?.entitlement?.terms
  const agreed = terms ? { terms: terms.version, termsAcceptedOn: terms.acceptedOn } : {}
  const under = change ? { change: change.number, approver: change.approver } : {}
  append({ ...event, kind: 'access.requested', data: { ...event.data, ...describeRoute(route), ...under, ...agreed } })
  tools.fleet.noteTicket(route.accessServer.name)
  const { grantId } = caller
  const notice = rule === 'none' || !target.contacts ? null : { rule, contacts: target.contacts, escalated }
  await storeRequest(tools, { request, grantId, signed, certificate, device, caseKey, route, limits, ask: mustAsk(facts), notice })
  if (notice) tools.notices.kick()
  else tools.wake(request.deviceId)
  await announce(tools, request.id)
  const row = await findRequest(db, request.id)
  if (!row) throw new Error('a request that was stored is gone')
  return { request: await viewRequest(db, row), passed }
}

type Accepted = {
  request: RequestPayload
  grantId: string
  signed: SignedRequest
  certificate: CompactJws
  device: { certificate: string; keyJson: string }
  caseKey: CaseKey
  route: Route
  limits: ProfileLimits
  ask: boolean
  /** Whom to tell before the device hears of it. */
  notice: { rule: Exclude<NoticeRule, 'none'>; contacts: NoticeContacts; escalated: boolean } | null
}

async function storeRequest(tools: AccessTools, accepted: Accepted): Promise<void> {
  const { request, grantId, signed, certificate, device, caseKey, route, limits, ask, notice } = accepted
  const { db, ticketKey, now } = tools
  const nowMs = now()
  const deviceKey = PublicJwk.parse(JSON.parse(device.keyJson))
  const ticket = await issueTicket(ticketKey(), { request, signed, limits, ask, deviceKey, route, nowMs })
  await db.transaction().execute(async (trx) => {
    // Again, since two requests may have passed the policy at once.
    if ((await countWaiting(trx, request.specialistId)) >= maxWaiting) throw new AppError('access.too-many-open', { details: { max: maxWaiting } })
    const { deviceId, specialistId } = request
    const certified = readUnverified(certificate, CertificatePayload, 'access.certificate-bad')
    await requireStanding(tools, trx, { ...request, grantId, certified, given: limits, told: null })
    if (!(await tools.cases.begin(trx, { ...caseKey, deviceId, specialistId, nowMs }))) throw new AppError('case.closed')
    await insertRequest(trx, { request, grantId, certificate, ticket, route, device, deadlineMs: deadlines.requested(nowMs), nowMs })
    const body = { kind: 'access-request' as const, ticket: ticket.jws, request: signed, certificate }
    await tools.queue(trx, { deviceId: request.deviceId, subject: subjects.request(request.id), body, held: notice !== null })
    if (notice) await tools.notices.begin(trx, notified(request, notice.escalated), notice.rule, notice.contacts)
  })
}

function notified({ id, deviceId, specialistId, access, serviceKind, caseId, minutes }: RequestPayload, escalated: boolean): Notified {
  return { requestId: id, deviceId, specialistId, access, serviceKind, caseId, minutes, escalated }
}

const workstation = ({ version: clientVersion, os, diskEncryption }: Posture) => ({ clientVersion, os, diskEncryption })

/** What was signed, in shape. A reason that is too long has a code of its own, since it is a person's mistake. */
function readRequest(signed: SignedRequest): RequestPayload {
  const parsed = RequestPayload.safeParse(decode(signed.payload))
  if (parsed.success) return parsed.data
  const tooLong = parsed.error.issues.some(({ path, code }) => path[0] === 'reason' && code === 'too_big')
  if (tooLong) throw new AppError('access.reason-too-long', { details: { max: requestLimits.maxReasonCharacters } })
  const field = parsed.error.issues[0]?.path.join('.') || 'request'
  throw new AppError('contract.bad-input', { cause: parsed.error, details: { name: 'access-request.create', field: field.slice(0, 80) } })
}

function decode(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
