import type { EndCause } from '@gantry/shared/access-request.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { WellKnown } from '@gantry/shared/client-api.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { readHead } from '@gantry/shared/node/audit-line.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import { openLegWithFallback } from '@gantry/shared/node/leg.ts'
import { publicKeyFrom } from '@gantry/shared/node/signing.ts'
import type { AccessServerRef, LegName } from '@gantry/shared/ticket.ts'
import { createSessionMirror } from '../audit/session-mirror.ts'
import type { MainServer } from '../main-server/main-server.ts'
import type { ApprovedRequest } from '../requests/request-run.ts'
import type { ServiceLog } from '../services.ts'
import { findEndCause } from './end-cause.ts'
import { createSession, type OwnSession } from './session.ts'
import { describeSession, openSessionChannel, type SessionChannel } from './session-channel.ts'
import { connectSsh } from './ssh-client.ts'

export type OpenSessionTools = {
  ca: string
  openAudit: () => Promise<AuditLog>
  call: MainServer['call']
  wellKnown: () => Promise<WellKnown>
  nextTerminalId: () => string
  onChange: (view: SessionView) => void
  onActivity: (requestId: RequestId, event: AuditEvent, verified: boolean) => void
  log: ServiceLog
}

/**
 * From an approved request to an open session: own log, leg, SSH, session channel, heads. Whatever fails on the way takes down what was opened before it.
 * Errors: `leg.*`, `server.*`, `device.host-key-wrong`, `session.*`, `audit.unavailable`; an abort throws the signal's reason.
 */
export async function openSession(approved: ApprovedRequest, tools: OpenSessionTools, signal: AbortSignal): Promise<OwnSession> {
  const { own, keys, hostKey } = approved
  const { id: requestId, deviceId, access } = own.payload
  const actor = { kind: 'specialist' as const, id: keys.payload.specialistId, name: keys.payload.name }
  // No audit store, no session (architecture 3.6).
  const audit = await tools.openAudit()
  const joinLeg = (leg: LegName, stop?: AbortSignal) => joinTicketLeg(approved, tools.ca, leg, stop)

  const leg = await joinLeg('control-1', signal)
  const client = await connectSsh({ leg, username: keys.payload.username, hostKey, keys: [own.sessionKey, keys.support], signal })
  try {
    audit.append({ kind: 'session.opened', actor, requestId, deviceId, data: { access, accessServer: leg.remote.name, approvedBy: approved.approvedBy } })
    const holder: { session: OwnSession | null; cause: EndCause | null } = { session: null, cause: null }
    const finish = (cause: EndCause) => {
      holder.cause ??= cause
      holder.session?.finish(holder.cause)
    }
    const mirror = createSessionMirror({
      requestId,
      log: audit,
      onEvent: (event, verified) => tools.onActivity(requestId, event, verified),
      onUnwritable(error) {
        tools.log.error('the audit cannot be written', { code: toFailure(error).code })
        finish('audit-failed')
      },
    })
    const onEnding = (cause: EndCause) => {
      holder.cause ??= cause
      holder.session?.ending(cause)
    }
    const channel = await openSessionChannel(client, { onActivity: mirror.link, onEnding })
    const described = await describeSession(channel)
    mirror.key(described.auditKey)
    mirror.head(described.head)
    const exchange = async () => {
      await Promise.all([exchangeWithDevice(channel, audit, mirror, deviceId), exchangeWithMainServer(audit, requestId, tools)])
    }
    await exchangeWithDevice(channel, audit, mirror, deviceId)
    // Nobody waits for the main server to get to work.
    void exchangeWithMainServer(audit, requestId, tools)
    const session = createSession({
      ...{ approved, client, channel, mirror, joinLeg },
      view: viewOf(approved, described, leg.remote),
      nextTerminalId: tools.nextTerminalId,
      beforeEnd: exchange,
      onChange(view) {
        if (view.state === 'ended')
          closeBooks(audit, { kind: 'session.ended', actor, requestId, deviceId, ...(view.endCause ? { cause: view.endCause } : {}) }, tools.log)
        tools.onChange(view)
      },
    })
    holder.session = session
    const lost = async () => {
      if (holder.cause) return finish(holder.cause)
      const show = (timeoutMs: number) => tools.call('access-request.show', { requestId }, { timeoutMs })
      finish(await findEndCause({ accessServer: leg.remote, ca: tools.ca, show }))
    }
    client.once('close', () => void lost())
    void channel.closed.then(lost)
    // The device has already said that it ends, while the heads were exchanged.
    if (holder.cause) session.finish(holder.cause)
    signal.throwIfAborted()
    tools.onChange(session.view())
    return session
  } catch (error) {
    client.end()
    leg.destroy()
    throw error
  }
}

function joinTicketLeg({ own, ticket, ticketText }: ApprovedRequest, ca: string, leg: LegName, signal?: AbortSignal) {
  const servers = ticket.fallback ? [ticket.accessServer, ticket.fallback] : [ticket.accessServer]
  return openLegWithFallback(servers, { ca, ticket: ticketText, ticketId: ticket.id, side: 'client', leg, epoch: 1, key: own.sessionKey, signal })
}

type Described = Awaited<ReturnType<typeof describeSession>>

function viewOf({ own, device, approvedBy }: ApprovedRequest, described: Described, accessServer: AccessServerRef): SessionView {
  return {
    requestId: own.payload.id,
    device,
    access: own.payload.access,
    caseId: own.payload.caseId,
    state: 'open',
    startedMs: described.startedAt,
    endsMs: described.endsAt,
    endedMs: null,
    endCause: null,
    failure: null,
    approvedBy,
    accessServer: { name: accessServer.name, site: accessServer.site },
    user: described.user.slice(0, 80),
    separated: described.separated,
    auditVerified: true,
  }
}

const headTimeoutMs = 3_000

/** Each writes the other's head into its own log, so that a cut tail shows. A device that no longer answers has said its last word already. */
async function exchangeWithDevice(channel: SessionChannel, audit: AuditLog, mirror: ReturnType<typeof createSessionMirror>, deviceId: string): Promise<void> {
  const answer = await channel.call('head.exchange', { head: audit.head() }, headTimeoutMs).catch(() => null)
  if (answer && mirror.head(answer.head)) audit.witness(answer.head, deviceId)
}

/** A session outlives the main server: where it does not answer, the next exchange carries the same proof. */
async function exchangeWithMainServer(audit: AuditLog, requestId: RequestId, { call, wellKnown, log }: OpenSessionTools): Promise<void> {
  try {
    const { auditKey } = await wellKnown()
    const { head } = await call('head.exchange', { head: audit.head(), requestId }, { timeoutMs: headTimeoutMs })
    if (readHead(head, publicKeyFrom(auditKey))) audit.witness(head, 'main-server')
    else log.error('the main server sent a head that is not its own', { requestId })
  } catch (error) {
    log.warn('no heads were exchanged with the main server', { requestId, code: toFailure(error).code })
  }
}

function closeBooks(audit: AuditLog, event: Parameters<AuditLog['append']>[0], log: ServiceLog): void {
  try {
    audit.append(event)
  } catch (error) {
    log.error('the end of a session could not be audited', { code: toFailure(error).code })
  }
}
