import type { EndCause } from '@gantry/shared/access-request.ts'
import { agentApi, pollTiming } from '@gantry/shared/agent-api.ts'
import { backoffMs } from '@gantry/shared/backoff.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { createApiClient } from '@gantry/shared/node/api-client.ts'
import { followPolicy, type LoadedPolicy, unreadPolicy } from './access/policy-file.ts'
import { type Clock, realClock } from './clock.ts'
import type { Config } from './config.ts'
import { type Duty, startDuty } from './duty.ts'
import { enrol, parseEnrolmentCode } from './enrolment.ts'
import type { Enrolment } from './identity.ts'
import { describePolicy, type Local, openLocal } from './local.ts'
import { createLog, factsOf, type Log } from './log.ts'
import { agentPrefix } from './main-server.ts'
import type { PollTiming } from './poll-loop.ts'
import type { OpenSession } from './session/open-session.ts'
import type { After } from './supervisor/judge.ts'
import { agentVersion } from './version.ts'

/** The agent's composition root: enrols once, then goes on duty until it is stopped. */
export type Agent = {
  deviceId(): DeviceId | null
  /** Resolves with the first poll that the main server answered. */
  polled: Promise<void>
  /** Ends every session, says so, and gives the state folder back. */
  stop(): Promise<void>
}

export type AgentOptions = {
  clock?: Clock
  random?: () => number
  log?: Log
  openSession?: (session: OpenSession) => Promise<EndCause>
  /** What happened to the agent before this one. */
  after?: After | null
  /** For tests; the config's floor of 30 s holds everywhere else. */
  timing?: PollTiming
  /** How often the policy file is looked at, ms. */
  policyLookMs?: number
}

/**
 * Throws what a person has to mend before anything can work: `state.in-use`, `state.unreadable`, `enrol.code-bad` (not enrolled, and no code). All that may heal
 * by itself, such as a server that is away, is repeated in the background.
 */
export async function startAgent(config: Config, options: AgentOptions = {}): Promise<Agent> {
  const { clock = realClock, log = createLog('agent'), random = Math.random } = options
  const timing = options.timing ?? { intervalMs: config.pollIntervalMs, holdMs: pollTiming.holdMs }
  let duty: Duty | null = null
  let loaded = unreadPolicy
  const local = openLocal(config, { clock, log, onAudited: () => duty?.audited(), servers: () => loaded.policy.servers })
  const stopping = new AbortController()
  const polled = Promise.withResolvers<void>()
  try {
    requireWayIn(local)
  } catch (error) {
    local.close()
    throw error
  }

  const { policySwitch } = local
  const policy = () => policySwitch.narrow(loaded.policy)
  loaded = followPolicy({
    path: config.policyFile,
    stateDir: config.stateDir,
    deviceId: () => local.identity.enrolment()?.deviceId ?? null,
    onLost: local.onLost,
    signal: stopping.signal,
    onChange(next) {
      loaded = next
      notePolicy(local, next)
      changed.wake()
      duty?.policyChanged()
    },
    ...(options.policyLookMs ? { lookEveryMs: options.policyLookMs } : {}),
  })
  const changed = createWaker()
  local.audit.note({ kind: 'device.started', actor: { kind: 'agent' }, data: { agentVersion, ...lostOf(local), ...afterOf(options) } })
  notePolicy(local, loaded)

  const run = async () => {
    const allowed = () => policy().connectivity === 'on'
    const enrolment = local.identity.enrolment() ?? (await enrolUntilDone({ local, clock, log, random, allowed, changed, signal: stopping.signal }))
    if (stopping.signal.aborted) return
    const standing = () => ({ ...loaded, policy: policy() })
    duty = await startDuty({ local, enrolment, standing, openSession: options.openSession ?? openSession, timing, clock, log, random })
    void duty.polled.then(() => {
      polled.resolve()
      // SSH and the terminal take as long to load as all the rest: after the first poll, so that the device is there sooner, and before anybody asks.
      return import('./session/open-session.ts')
    })
  }
  const running = run().catch((error: unknown) => {
    // A defect: the supervisor starts the agent anew, from what is on the disk.
    if (!stopping.signal.aborted) throw error
  })
  return {
    deviceId: () => local.identity.enrolment()?.deviceId ?? null,
    polled: polled.promise,
    async stop() {
      stopping.abort()
      await running
      await duty?.stop()
      local.close()
    },
  }
}

async function openSession(session: OpenSession): Promise<EndCause> {
  const loaded = await import('./session/open-session.ts')
  return loaded.openSession(session)
}

function requireWayIn({ identity, config }: Local): void {
  if (!identity.enrolment()) parseEnrolmentCode(config.enrolmentCode ?? '')
}

function notePolicy({ audit }: Local, loaded: LoadedPolicy): void {
  const kind = loaded.from === 'closed' ? 'device.policy-refused' : 'device.policy-loaded'
  audit.note({ kind, actor: { kind: 'agent' }, data: describePolicy(loaded) })
}

/** Reported with the first poll: how the one before ended, and how often in a row. */
function afterOf({ after }: AgentOptions): { after?: string; crashes?: number } {
  return after ? { after: after.end, crashes: after.crashes } : {}
}

function lostOf(local: Local): { lost?: string } {
  return local.lost().length > 0 ? { lost: local.lost().join(' ').slice(0, 500) } : {}
}

type EnrolUntilDone = {
  local: Local
  clock: Clock
  log: Log
  random: () => number
  allowed: () => boolean
  changed: Waker
  signal: AbortSignal
}

/** Repeats the enrolment until it is done. A refused code is not hammered: it waits as long as a back-off ever does. */
async function enrolUntilDone({ local, clock, log, random, allowed, changed, signal }: EnrolUntilDone): Promise<Enrolment> {
  const { config, identity, audit, dial } = local
  const code = parseEnrolmentCode(config.enrolmentCode ?? '')
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    if (!allowed()) {
      await changed.wait(signal)
      continue
    }
    const origin = config.mainServers[(attempt - 1) % config.mainServers.length]?.enrolOrigin ?? ''
    const client = createApiClient(agentApi, { origin, prefix: agentPrefix, dial, keepAlive: false })
    try {
      const enrolment = await enrol({ code, keys: identity.keys, model: config.model.id, call: client.call, signal })
      identity.enrol(enrolment)
      audit.note({ kind: 'device.enrolled', actor: { kind: 'agent' }, data: { customer: enrolment.customer, site: enrolment.site } })
      return enrolment
    } catch (error) {
      signal.throwIfAborted()
      const refused = noteRefusal(error, local, log)
      const waitMs = refused ? pollTiming.backoffMaxMs : backoffMs(attempt, { baseMs: pollTiming.backoffBaseMs, maxMs: pollTiming.backoffMaxMs }, random)
      await clock.sleep(waitMs, signal)
    } finally {
      client.close()
    }
  }
}

/** True for what another try will not change. */
function noteRefusal(error: unknown, { audit }: Local, log: Log): boolean {
  const code = error instanceof AppError ? error.code : 'internal'
  log.warn(factsOf(error), 'not enrolled yet')
  const data = { code, ...(error instanceof AppError ? error.details : {}) }
  // What this device refused after it answered (the dialler has noted the others); what the main server refused (the code) stands in its own log.
  const refusedHere = code === 'enrol.authority-mismatch' || code === 'server.answer-bad'
  if (refusedHere) audit.note({ kind: 'device.server-refused', actor: { kind: 'unknown' }, data })
  return code.startsWith('enrol.')
}

type Waker = { wake(): void; wait(signal: AbortSignal): Promise<void> }

function createWaker(): Waker {
  const waiting = new Set<() => void>()
  return {
    wake: () => {
      for (const resolve of waiting) resolve()
    },
    async wait(signal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add(resolve)
      signal.addEventListener('abort', resolve as () => void, { once: true })
      await promise
      waiting.delete(resolve)
      signal.throwIfAborted()
    },
  }
}
