import type { EndCause } from '@gantry/shared/access-request.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { WellKnown } from '@gantry/shared/client-api.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { readHead } from '@gantry/shared/node/audit-line.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { SessionLegs } from '@gantry/shared/node/session-legs.ts'
import { publicKeyFrom } from '@gantry/shared/node/signing.ts'
import type { Client } from 'ssh2'
import { createSessionMirror } from '../audit/session-mirror.ts'
import type { MainServer } from '../main-server/main-server.ts'
import type { ApprovedRequest } from '../requests/request-run.ts'
import type { ServiceLog } from '../services.ts'
import { openShell } from './channels.ts'
import { findEndCause } from './end-cause.ts'
import { createSession, type OwnSession } from './session.ts'
import { describeSession, openSessionChannel, type SessionChannel } from './session-channel.ts'
import { createSessionNetwork, type NetworkView, type SessionNetwork } from './session-network.ts'
import { connectSsh } from './ssh-client.ts'

export type OpenSessionTools = {
  dial: Dial
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
  const { own, keys, hostKey, approach } = approved
  // No audit store, no session (architecture 3.6).
  const audit = await tools.openAudit()
  const end = createEnd()
  const about = aboutOf(approved)
  const network = createSessionNetwork({
    first: approved.ticket.accessServer,
    append: (kind, data) => write(audit, { kind, ...about, data }, tools.log),
    show: (timeoutMs) => tools.call('access-request.show', { requestId: about.requestId }, { timeoutMs }),
    onEnded: end.now,
  })
  const { legs } = approach
  const leg = await approach.arrive(network.change)
  const client = await connectSsh({ leg, username: keys.payload.username, hostKey, keys: [own.sessionKey, keys.support], signal })
  try {
    const session = await begin({ approved, tools, audit, client, legs, network, end })
    signal.throwIfAborted()
    tools.onChange(session.view())
    return session
  } catch (error) {
    network.stop()
    client.end()
    leg.destroy()
    throw error
  }
}

type Connected = {
  approved: ApprovedRequest
  tools: OpenSessionTools
  audit: AuditLog
  client: Client
  legs: SessionLegs
  network: SessionNetwork
  end: ReturnType<typeof createEnd>
}

function aboutOf({ own, keys }: ApprovedRequest) {
  const { id: requestId, deviceId } = own.payload
  const { specialistId, name } = keys.payload
  return { actor: { kind: 'specialist' as const, id: specialistId, name }, requestId, deviceId }
}

/** On an authenticated connection: what the device says of the session, the heads, and the watch over its end. */
async function begin({ approved, tools, audit, client, legs, network, end }: Connected): Promise<OwnSession> {
  const { access } = approved.own.payload
  const about = aboutOf(approved)
  const { requestId, deviceId } = about
  const { name: accessServer, site } = network.view().accessServer
  audit.append({ kind: 'session.opened', ...about, data: { access, accessServer, site, approvedBy: approved.approvedBy } })
  const mirror = createSessionMirror({
    requestId,
    log: audit,
    onEvent: (event, verified) => tools.onActivity(requestId, event, verified),
    onUnwritable(error) {
      tools.log.error('the audit cannot be written', { code: toFailure(error).code })
      end.now('audit-failed')
    },
  })
  // Beside what the device says of the session, which costs several ways there and back.
  const shell = approved.terminal ? openShell(client, approved.terminal) : null
  shell?.catch(() => undefined)
  const channel = await openSessionChannel(client, { onActivity: mirror.link, onUsed: (used) => end.session()?.change({ used }), onEnding: end.announced })
  const described = await describeSession(channel)
  mirror.key(described.auditKey)
  mirror.head(described.head)
  // Evidence of both logs, for which nobody has to wait: it cannot fail the session, and the specialist's first terminal comes first.
  const exchange = () => {
    void exchangeWithDevice(channel, audit, mirror, deviceId)
    void exchangeWithMainServer(audit, requestId, tools)
  }
  setTimeout(exchange, evidenceAfterMs).unref()
  const session = createSession({
    ...{ approved, client, channel, mirror, nextTerminalId: tools.nextTerminalId, shell },
    view: viewOf(approved, described, network.view()),
    joinLeg: (leg, signal) => legs.open(leg, { signal }),
    async beforeEnd() {
      await Promise.all([exchangeWithDevice(channel, audit, mirror, deviceId), exchangeWithMainServer(audit, requestId, tools)])
    },
    onChange(view) {
      if (view.state === 'ended') {
        network.stop()
        write(audit, { kind: 'session.ended', ...about, ...(view.endCause ? { cause: view.endCause } : {}) }, tools.log)
      }
      tools.onChange(view)
    },
  })
  const show = (timeoutMs: number) => tools.call('access-request.show', { requestId }, { timeoutMs })
  network.watch((part) => session.change(part))
  const lost = () => end.lost(() => findEndCause({ accessServer: approved.ticket.accessServer, dial: tools.dial, show }))
  client.once('close', lost)
  void channel.closed.then(lost)
  end.attach(session)
  return session
}

/** Why a session ends: the first cause counts, also one that came before the session was put together. */
function createEnd() {
  let session: OwnSession | null = null
  let cause: EndCause | null = null
  let searching = false
  const now = (why: EndCause) => {
    cause ??= why
    session?.finish(cause)
  }
  return {
    now,
    session: () => session,
    /** The device has said why; it closes by itself. */
    announced(why: EndCause) {
      cause ??= why
      session?.ending(cause)
    },
    /** The connection broke: with a cause if one was said, else it has to be found out. */
    lost(find: () => Promise<EndCause>) {
      if (cause) return now(cause)
      if (searching) return
      searching = true
      void find().then(now)
    },
    attach(opened: OwnSession) {
      session = opened
      if (cause) session.finish(cause)
    },
  }
}

type Described = Awaited<ReturnType<typeof describeSession>>

function viewOf({ own, device, approvedBy }: ApprovedRequest, described: Described, network: NetworkView): SessionView {
  return {
    requestId: own.payload.id,
    device,
    access: own.payload.access,
    caseId: own.payload.caseId,
    state: 'open',
    startedMs: described.startedAt,
    endsMs: described.endsAt,
    used: described.used ?? null,
    asksMinutes: null,
    restricted: { paths: described.restricted?.paths ?? [], state: described.restricted?.open ? 'open' : 'shut' },
    endedMs: null,
    endCause: null,
    failure: null,
    approvedBy,
    ...network,
    user: described.user.slice(0, 80),
    separated: described.separated,
    reach: described.network ?? 'open',
    auditVerified: true,
  }
}

const headTimeoutMs = 3_000
const evidenceAfterMs = 1_000

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

/** What has happened cannot be undone for want of a log; what is yet to happen is not begun without one. */
function write(audit: AuditLog, event: Parameters<AuditLog['append']>[0], log: ServiceLog): void {
  try {
    audit.append(event)
  } catch (error) {
    log.error('an event of a session could not be audited', { kind: event.kind, code: toFailure(error).code })
  }
}
