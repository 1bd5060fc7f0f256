import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EndCause } from '@gantry/shared/access-request.ts'
import { actions } from '@gantry/shared/actions.ts'
import type { Actor } from '@gantry/shared/audit.ts'
import { serve } from '@gantry/shared/contract.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import type { LegName } from '@gantry/shared/ticket.ts'
import type { ServerChannel } from 'ssh2'
import type { z } from 'zod'
import type { ActionContext } from '../actions/context.ts'
import { actionHandlers } from '../actions/index.ts'
import type { DeviceFiles } from '../files/device-files.ts'
import { serveFilesLeg } from '../files/files-leg.ts'
import type { Zones } from '../files/zones.ts'
import { serveAction } from './action-channel.ts'
import { createTransport } from './channel-writer.ts'
import { serveChannels } from './channels.ts'
import type { Cover } from './cover.ts'
import { createDataBudget } from './data-budget.ts'
import type { Grant, SessionReach, SessionTools } from './grant.ts'
import { startClock } from './idle-clock.ts'
import { createLegs } from './legs.ts'
import type { Life } from './life.ts'
import type { SessionNetwork } from './network.ts'
import { createOpeners } from './openers.ts'
import { createPanelTee } from './panel-tee.ts'
import { probeAndRecord } from './probe.ts'
import type { SessionProcesses } from './processes.ts'
import { createPrograms } from './programs.ts'
import type { SessionRecord } from './record.ts'
import { createRestrictedQuestion, type RestrictedQuestion } from './restricted-question.ts'
import type { Separation } from './separation.ts'
import { createSessionChannels, type SessionChannels } from './session-channel.ts'
import { createSessionHandlers } from './session-handlers.ts'
import { serveSsh } from './ssh-connection.ts'
import { createTimeQuestions, type TimeQuestions } from './time-question.ts'

/** The open session: everything that lives between `session.opened` and `session.ended`, put together by hand and in order. */
export type Ground = {
  grant: Grant
  tools: SessionTools
  life: Life
  network: SessionNetwork
  separation: Separation
  record: SessionRecord
  files: DeviceFiles | null
  zones: Zones
  cover: Cover
}
export type RunSession = Ground & { first: Duplex; processes: SessionProcesses }

/** Everything of a session is gone within this time after its end, or is left to be gone later: the red button cuts within a second. */
const settleMs = 700

export async function runSession(session: RunSession): Promise<EndCause> {
  const { grant, tools, life, separation, record } = session
  const { request, approvedBy } = grant
  const now = tools.now ?? Date.now
  const startedMs = now()
  const endsMs = startedMs + request.minutes * 60_000
  record.write('session.opened', {
    data: {
      access: request.access,
      serviceKind: request.serviceKind,
      minutes: request.minutes,
      approvedBy,
      separated: separation.separated,
      network: reachOf(separation),
      ...session.network.server(),
    },
  })
  if (!separation.separated) tools.log.warn({ requestId: request.id }, 'programs of this session run as the agent: no separate user')
  const shown = { specialist: grant.certificate.name, access: request.access, reason: request.reason, caseId: request.caseId, approvedBy }
  tools.tellPanel({
    type: 'session.opened',
    session: {
      requestId: request.id,
      ...shown,
      startedMs,
      endsMs,
      used: usedOf(grant),
      asksTime: null,
      asksRestricted: null,
      restrictedOpen: false,
      interrupted: false,
      probed: null,
    },
  })

  const budget = createDataBudget({
    maxBytes: grant.policy.maxBytes,
    life,
    onUsed(used) {
      tools.tellPanel({ type: 'session.changed', requestId: request.id, change: { used } })
      sessionChannels.tell('used', used)
    },
  })
  const clock = startClock({
    remainingMs: endsMs - startedMs,
    idleMs: grant.policy.idleMinutes * 60_000,
    now: () => performance.now(),
    // Nobody types over a broken connection: told as what it is.
    onEnd: (cause) => life.end(cause === 'idle' && session.network.isInterrupted() ? 'connection-lost' : cause),
  })
  const touch = (count: number) => {
    budget.take(count)
    clock.touch(count)
  }
  const tee = createPanelTee({ requestId: request.id, tellPanel: tools.tellPanel })
  const tasks = createTasks((error) => tools.log.warn({ requestId: request.id, code: toFailure(error).code }, 'a part of the session failed'))
  if (separation.isolation) tasks.add(proveBlocked(session))
  else tools.log.warn({ requestId: request.id }, 'programs of this session have the network of the device: they are not separated from it')
  const time = createTimeQuestions({ grant, tools, record, clock, startedMs, endsMs, signal: life.signal, now })
  const restricted = createRestrictedQuestion({ ...session, signal: life.signal, now })
  const sessionChannels = startServing({ ...session, startedMs, time, restricted, touch, tee, tasks })

  await aborted(life.signal)
  clock.stop()
  budget.stop()
  const ended = await session.processes.end()
  await Promise.race([tasks.settled(), sleep(settleMs, undefined, { ref: false })])
  tee.close()
  return closeRecord(session, { bytes: budget.bytes(), ended, seconds: Math.round((now() - startedMs) / 1_000) })
}

const probeAfterMs = 1_000

/** Beside the session and after its first second, so that nobody waits for it; a session that is over by then has none. An address that answers ends the session: the wall that everybody was told of is not there. */
async function proveBlocked({ grant, tools, life, separation, record }: RunSession): Promise<void> {
  await sleep(probeAfterMs, undefined, { signal: life.signal, ref: false }).catch(() => undefined)
  if (life.signal.aborted) return
  const { accessServer, fallback } = grant.ticket
  const known = fallback ? [accessServer, fallback] : [accessServer]
  const { filesRoot, sockets } = tools.config
  const probed = await probeAndRecord({ separation, mark: grant.request.id, cwd: filesRoot, known, sockets, signal: life.signal }, record)
  if (!probed) return
  const { tried, reached } = probed
  tools.tellPanel({ type: 'session.changed', requestId: grant.request.id, change: { probed: { tried, blocked: tried - reached.length } } })
  if (reached.length > 0) life.end('policy')
}

const usedOf = ({ policy: { maxBytes } }: Grant) => (maxBytes === null ? null : { bytes: 0, maxBytes })
const reachOf = ({ isolation }: Separation): SessionReach => (isolation ? 'none' : 'open')

type Serving = RunSession & {
  startedMs: number
  time: TimeQuestions
  restricted: RestrictedQuestion
  touch(bytes: number): void
  tee: ReturnType<typeof createPanelTee>
  tasks: Tasks
}

function startServing(session: Serving): SessionChannels {
  const { grant, tools, life, separation, record, files, first, touch, tee, tasks } = session
  const { request, ticket, certificate } = grant
  const { config, log } = tools
  const level = request.access
  const programs = createPrograms({ config, separation, mark: request.id })
  const person = { username: certificate.username, sessionKey: ticket.sessionKey, supportKey: certificate.supportKey }
  const serveActions = serve(actions, actionHandlers, (error, name) => log.error({ err: error, name }, 'an action failed'))
  const context: ActionContext = {
    service: config.service,
    versions: config.versions,
    filesRoot: config.filesRoot,
    signal: life.signal,
    now: tools.now ?? Date.now,
  }
  const action = (channel: ServerChannel) => serveAction({ channel, level, allowed: grant.policy.actions, serve: serveActions, context, record, touch })

  const connect = async (leg: Duplex, which: 'first' | 'joined') => {
    const transport = createTransport(leg)
    const openers = createOpeners({
      transport,
      programs,
      tee,
      record,
      files,
      touch,
      track: tasks.add,
      serveAction: action,
      serveSession: (channel) => sessionChannels.serve(channel),
    })
    return serveSsh({
      leg,
      hostKey: tools.hostKey,
      person,
      signal: life.signal,
      onReady: (connection) => serveChannels({ connection, level, leg: which, record, openers }),
      onRefused: record.refuse,
    })
  }
  const refuseLeg = (leg: LegName, what = 'authentication') => record.write('leg.refused', { actor: { kind: 'unknown' }, data: { leg, what } })
  const dial = (leg: LegName) => tools.openLeg(leg, { signal: life.signal })
  const legs = createLegs(tasks.add)
  const handlers = createSessionHandlers({
    ...session,
    separated: separation.separated,
    network: reachOf(separation),
    used: usedOf(grant),
    userName: separation.user.name,
    auditLog: tools.auditLog,
    legs,
    async serveControl(leg) {
      if ((await connect(await dial(leg), 'joined')) === 'refused') refuseLeg(leg)
    },
    async serveFiles(leg, identity, clientCertificate) {
      if (!files) return
      const end = await serveFilesLeg({ leg: await dial(leg), identity, clientCertificate, files, touch, signal: life.signal })
      if (end === 'refused') refuseLeg(leg, 'certificate')
    },
    end: () => life.end('specialist'),
  })
  const sessionChannels = createSessionChannels({ requestId: request.id, auditLog: tools.auditLog, handlers, log, signal: life.signal })
  life.beforeEnd(sessionChannels.tellEnding)

  tasks.add(
    connect(first, 'first').then((end) => {
      // Before anything is written: it may be the audit itself that fails.
      life.end(endCauses[end])
      if (end === 'refused') refuseLeg('control-1')
    }),
  )
  return sessionChannels
}

/** Why a session ends when its first connection does. Whoever cannot prove both keys was let in by nobody's policy. */
const endCauses = { goodbye: 'specialist', lost: 'connection-lost', refused: 'policy' } as const

/** Who ended it, for the audit. */
const enders: Partial<Record<EndCause, z.infer<typeof Actor>['kind']>> = {
  specialist: 'specialist',
  person: 'person',
  'case-closed': 'main-server',
  revoked: 'main-server',
}

function closeRecord({ grant, tools, life, record }: RunSession, { bytes, ended, seconds }: { bytes: number; ended: number; seconds: number }): EndCause {
  const { request, certificate } = grant
  let cause = life.cause()
  const kind = enders[cause] ?? 'agent'
  const actor = kind === 'specialist' ? { kind, id: certificate.specialistId, name: certificate.name } : { kind }
  try {
    record.write('session.ended', { actor, cause, data: { seconds, bytes, processesEnded: ended, refused: record.refusals } })
  } catch {
    cause = 'audit-failed'
  }
  tools.tellPanel({ type: 'session.ended', requestId: request.id, cause })
  return cause
}

type Tasks = { add(task: Promise<unknown>): void; settled(): Promise<unknown> }

function createTasks(onFailure: (error: unknown) => void): Tasks {
  const running = new Set<Promise<void>>()
  return {
    add(task) {
      const one: Promise<void> = task.then(() => undefined, onFailure).finally(() => running.delete(one))
      running.add(one)
    },
    settled: () => Promise.all(running),
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
