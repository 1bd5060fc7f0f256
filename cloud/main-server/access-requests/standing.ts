import type { EndCause } from '@gantry/shared/access-request.ts'
import { AppError, type ErrorCode, type Failure, toFailure } from '@gantry/shared/errors.ts'
import { readUnverified } from '@gantry/shared/node/signing.ts'
import type { ProfileLimits } from '@gantry/shared/profile.ts'
import { CertificatePayload, type RequestPayload, TicketPayload } from '@gantry/shared/ticket.ts'
import { levelsFor, limitsFor } from '../assignment.ts'
import type { Queries } from '../database.ts'
import type { StandingFacts } from './facts.ts'
import { endOfSignIn, findAsker, findTarget } from './parties.ts'
import { standingSteps } from './steps.ts'
import { liveRequests, markRevoked, moveRequest, type RequestRow } from './store.ts'
import { type AccessTools, announce, subjects } from './tools.ts'

/** What of a request its standing is judged by. */
type Standing = Pick<RequestPayload, 'deviceId' | 'specialistId' | 'access' | 'caseId'> & {
  grantId: string | null
  certified: CertificatePayload | null
  given: ProfileLimits
  told: StandingFacts['told']
}

export type StandingCheck = {
  /** Looks at every request that waits or runs, and ends what does not hold any more. Resolves when one that began after this call is through. */
  look(): Promise<void>
  /** To be called each second: looks every other second, since a window's end and a new roster come by themselves. */
  tick(): Promise<void>
}

/** R010, R087: what let a request pass has to go on holding. Whoever changes the directory or a case calls `look` afterwards. */
export function createStandingCheck(tools: AccessTools): StandingCheck {
  let last: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | null = null
  let isTurn = false
  const look = () => {
    waiting ??= last
      .catch(() => undefined)
      .then(() => {
        waiting = null
        last = lookOnce(tools)
        return last
      })
    return waiting
  }
  return {
    look,
    async tick() {
      isTurn = !isTurn
      if (isTurn) await look()
    },
  }
}

async function lookOnce(tools: AccessTools): Promise<void> {
  const read = createReader(tools)
  for (const row of await liveRequests(tools.db)) {
    const facts = await read(tools.db, {
      deviceId: row.device_id,
      specialistId: row.specialist_id,
      access: row.access,
      caseId: row.case_id,
      grantId: row.grant_id,
      certified: row.specialist_certificate === null ? null : readUnverified(row.specialist_certificate, CertificatePayload, 'internal'),
      given: givenIn(row),
      told: row.notice_state && { state: row.notice_state, reason: row.notice_reason },
    })
    const failure = judge(facts)
    if (failure) await revoke(tools, row, failure)
  }
}

/** Again inside the transaction that stores a request, since directory or case may have changed after the policy looked. Throws the reason. */
export async function requireStanding(tools: AccessTools, queries: Queries, request: Standing): Promise<void> {
  const facts = await createReader(tools)(queries, request)
  for (const step of standingSteps) step(facts)
}

/** Of a ticket that this server signed itself. */
function givenIn({ ticket }: RequestRow): ProfileLimits {
  return readUnverified(ticket, TicketPayload.pick({ limits: true }).loose(), 'internal').limits
}

function judge(facts: StandingFacts): Failure | null {
  try {
    for (const step of standingSteps) step(facts)
    return null
  } catch (error) {
    if (error instanceof AppError) return toFailure(error)
    throw error
  }
}

/** Reads each device, person and sign-in once. */
function createReader({ cases, roster, now }: AccessTools) {
  const target = remembered(findTarget)
  const asker = remembered(findAsker)
  const end = remembered(endOfSignIn)
  return async (queries: Queries, { deviceId, specialistId, access, caseId, grantId, certified, given, told }: Standing): Promise<StandingFacts> => {
    const [device, person] = [await target(queries, deviceId), await asker(queries, specialistId)]
    return {
      nowMs: now(),
      person: person?.facts ?? null,
      device: device?.facts ?? null,
      levels: device && person && levelsFor(person.grants, device.place),
      limits: device && person && limitsFor(person.grants, device.place, access),
      given,
      told,
      roster: roster(),
      certified,
      case: device && (await cases.find(queries, { customerId: device.customerId, number: caseId })),
      signInEnd: grantId === null ? null : await end(queries, grantId),
      request: { access, caseId, specialistId, deviceId },
    }
  }
}

function remembered<K, V>(find: (queries: Queries, key: K) => Promise<V>): (queries: Queries, key: K) => Promise<V> {
  const known = new Map<K, Promise<V>>()
  return (queries, key) => {
    const found = known.get(key) ?? find(queries, key)
    known.set(key, found)
    return found
  }
}

/** The others are a rule that does not allow it any more: `policy`. */
const causes: Partial<Record<ErrorCode, EndCause>> = {
  'case.closed': 'case-closed',
  'access.contact-refused': 'revoked',
  'access.person-disabled': 'revoked',
  'access.certificate-bad': 'revoked',
  'auth.sign-in-copied': 'revoked',
  'auth.signed-in-elsewhere': 'revoked',
  'auth.session-expired': 'revoked',
  'access.device-disabled': 'revoked',
}

/** What waits is refused here, what is approved is over; an open session is over when the device says so, and its end is told to both ends at once. */
async function revoke(tools: AccessTools, row: RequestRow, failure: Failure): Promise<void> {
  const { db, append, queue, withdraw, now } = tools
  const cause = causes[failure.code] ?? 'policy'
  append({
    kind: 'access.revoked',
    actor: { kind: 'main-server' },
    requestId: row.id,
    deviceId: row.device_id,
    cause,
    data: { ...failure.details, code: failure.code, state: row.state },
  })
  const done = await db.transaction().execute(async (trx) => {
    const move = { id: row.id, from: row.state, nowMs: now() }
    const moved =
      row.state === 'open'
        ? await markRevoked(trx, { id: row.id, cause, refusal: failure, nowMs: now() })
        : row.state === 'approved'
          ? await moveRequest(trx, { ...move, to: 'ended' }, { endedMs: now(), endCause: cause, refusal: failure })
          : await moveRequest(trx, { ...move, to: 'refused' }, { refusal: failure })
    if (!moved) return false
    await withdraw(trx, row.device_id, [subjects.request(row.id), subjects.reveal(row.id)])
    await queue(trx, { deviceId: row.device_id, subject: subjects.end(row.id), body: { kind: 'end', requestId: row.id, cause } })
    return true
  })
  if (done) {
    tools.wake(row.device_id)
    await announce(tools, row.id)
    return
  }
  // It moved on in between: what it is now is looked at again.
  const [again] = await liveRequests(db, row.id)
  if (again && again.state !== row.state) await revoke(tools, again, failure)
}
