import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Delivery } from '@gantry/shared/agent-api.ts'
import { findAllowed } from '@gantry/shared/allow-list.ts'
import { HeadPayload } from '@gantry/shared/audit.ts'
import { refuseRevoked } from '@gantry/shared/node/revoked-certificates.ts'
import { newNonce, privatePem, signJws, verifyJws } from '@gantry/shared/node/signing.ts'
import { AnswerPayload } from '@gantry/shared/ticket.ts'
import type { LoadedPolicy } from './access/policy-file.ts'
import { type AccessRequests, createAccessRequests } from './access/requests.ts'
import { approvalsIn } from './access/second-key.ts'
import { openAuthorityKeys } from './authority-keys.ts'
import { type BulletinWord, createBulletinReader, pollRound } from './bulletin.ts'
import { attachPanelCheck } from './check/panel-check.ts'
import { runCheck } from './check/run-check.ts'
import { type Clock, unixSeconds } from './clock.ts'
import { createDataFiles } from './data-files.ts'
import { createInbox } from './deliveries.ts'
import { type Enrolment, hostKeyText } from './identity.ts'
import { openLicences } from './licences.ts'
import { startLicensedSoftware } from './licensed-software/licensed-software.ts'
import type { Local } from './local.ts'
import { factsOf, type Log } from './log.ts'
import { type MainServer, openMainServer } from './main-server.ts'
import { createOutbox } from './outbox.ts'
import { createPanelLink } from './panel-link.ts'
import { attachPanelSwitch, panelPolicy } from './panel-policy.ts'
import { judgeMode, type PollLoop, type PollTiming, startPollLoop } from './poll-loop.ts'
import { createRenewal } from './renewal.ts'
import { openRosterStore } from './roster.ts'
import { createSender } from './sender.ts'
import { createServerClock } from './server-clock.ts'
import { openServerKeys } from './server-keys.ts'
import { whyNotCovered } from './session/cover.ts'
import type { OpenSession } from './session/open-session.ts'
import { canIsolate, prepareSeparation } from './session/separation.ts'
import { keepSpare } from './session/spare.ts'
import { createSessionTools } from './session-tools.ts'
import { agentVersion } from './version.ts'

/** An enrolled device at work: it polls, answers, and runs sessions, until it is told to stop. */
export type Duty = {
  /** Resolves with the first poll that was answered. */
  polled: Promise<void>
  /** The policy changed. */
  policyChanged(): void
  /** Something was written to the audit. */
  audited(): void
  stop(): Promise<void>
}

export type DutyWith = {
  local: Local
  enrolment: Enrolment
  /** The policy that stands, as narrow as the panel's switch makes it. */
  standing: () => LoadedPolicy
  openSession: (session: OpenSession) => Promise<EndCause>
  timing: PollTiming
  clock: Clock
  log: Log
  random: () => number
}

/** Time for sessions to end and for the last words to leave, ms; together below the 5 s in which a process has to stop. */
const endSessionsMs = 3_000
const lastWordsMs = 700
/** How often a main server's silence is looked at. ms */
const silenceLookMs = 1_000

export async function startDuty(deps: DutyWith): Promise<Duty> {
  const { enrolment, standing, timing, clock, log, random } = deps
  const policy = () => standing().policy
  const { config, identity, audit, memory } = deps.local
  const { deviceId } = enrolment
  const stopping = new AbortController()
  const signal = stopping.signal
  const polled = Promise.withResolvers<void>()
  const separated = canSeparate(config.user)
  const network = separated && (await canIsolate()) ? 'none' : 'open'
  if (network === 'open') log.warn({}, 'sessions are not separated from the network: this machine cannot give them one of their own')
  const inSession = { user: separated ? config.user : null, network, sockets: config.sessionSockets } as const
  const spare = keepSpare(
    () => prepareSeparation(inSession),
    (separation) => separation.close(),
  )
  spare.fill()
  const kept = { stateDir: config.stateDir, onLost: deps.local.onLost }
  const authority = await openAuthorityKeys({ ...enrolment, ...kept, audit: audit.note, log })
  const serverKeys = await openServerKeys({ ...enrolment, ...kept, authority, audit: audit.note, log })
  const unrevoked = refuseRevoked(deps.local.dial, {
    revoked: serverKeys.revoked,
    onRefused: (data) => audit.note({ kind: 'device.server-refused', actor: { kind: 'unknown' }, data }),
  })
  const local = { ...deps.local, dial: unrevoked.dial }
  const licences = openLicences({ ...kept, deviceId, licensedFile: config.licensedFile, ticketKeys: serverKeys.ticketKeys, audit: audit.note, clock, log })
  const roster = await openRosterStore({ ...kept, authority })
  const panel = createPanelLink({ socketPath: config.panelSocket, clock, log, signal })
  const toolsFor = createSessionTools({ local, panel, inSession, separate: spare.take, clock, log })
  const inbox = createInbox(local.inbox)
  const dataFiles = createDataFiles({ stateDir: config.stateDir, versions: local.versions, roster, audit: audit.append })

  let loop: PollLoop | null = null

  const mode = () => judgeMode({ ...policy(), busy: requests.busy() })
  const currentCertificate = () => identity.enrolment()?.certificate ?? enrolment.certificate
  const server = openServer()
  const run = newNonce()
  const serverClock = createServerClock(clock)
  const renew = createRenewal({ identity, call: server.call, deviceCas: serverKeys.deviceCas, audit, clock, log })
  const outbox = createOutbox({ file: local.outbox, auditLog: audit.log, witness: witnessMainServer, log })
  const sender = createSender({
    flush: (until, options) => outbox.flush(server.call, until, options),
    allowed: () => mode() !== 'off',
    onFailure: (error) => log.warn({ reason: codeOf(error) }, 'report waits'),
    clock,
    signal,
    random,
  })
  const requests: AccessRequests = createAccessRequests({
    trust: { ticketKeys: serverKeys.ticketKeys, authorityKeys: authority.counting, deviceId, deviceKey: identity.keys.device.publicJwk },
    hostKey: hostKeyText(identity.keys.host.publicJwk),
    memory,
    roster: roster.current,
    policy,
    policyFault: () => standing().fault,
    mayReach: (server) => findAllowed(local.allowList(), server) !== undefined,
    whyNotCovered: (restricted) => whyNotCovered({ network, uid: inSession.user?.uid ?? null, filesRoot: config.filesRoot, restricted }),
    panel,
    approvals: approvalsIn(config.policyFile),
    async answer(head, answer) {
      const payload = AnswerPayload.parse({ version: 1, ...head, deviceId, at: unixSeconds(clock), answer })
      outbox.addAnswer(await signJws('answer', payload, identity.keys.device))
      sender.hurry()
    },
    audit: audit.append,
    sessionTold(requestId) {
      const events = [...(audit.log()?.read({ requestId, kinds: ['session.opened', 'session.ended'] }) ?? [])]
      const last = events.at(-1)?.event.kind
      return last === undefined ? null : last === 'session.opened' ? 'opened' : 'ended'
    },
    openSession: (grant, until) => deps.openSession({ grant, tools: toolsFor(grant), signal: until }).finally(spare.fill),
    onBusy: () => {
      loop?.wake()
      software.look()
    },
    clockOffSeconds: serverClock.offSeconds,
    clock,
    log,
  })

  const software = startLicensedSoftware({
    ...{ ...kept, setting: config.licensedSoftware, audit, clock, log, random, signal },
    features: licences.features,
    // Whoever is in a session has the line to themselves.
    allowed: () => policy().connectivity === 'on' && !requests.busy(),
    feed: server.published,
  })

  const bulletin = createBulletinReader({
    ...{ file: local.bulletinKey, dial: local.dial, ticketKeys: serverKeys.ticketKeys, clock, log },
    accessServers: () => local.allowList().hosts.filter(({ purpose }) => purpose === 'access-server'),
  })
  /** What an access server said while the main server does not answer. */
  let word: BulletinWord | null = null

  let clockOffSeconds = 0
  let connectivity: 'ok' | 'waiting' | 'quiet' | 'called' = 'waiting'
  let answeredMs = clock.elapsed()
  const greetPanel = () => {
    const { name, customer, site } = enrolment
    const device = { id: deviceId, name, model: config.model.name, customer, site }
    const rules = panelPolicy(standing(), local.policySwitch.isOff())
    const reach = policy().connectivity === 'off' ? 'off' : connectivity
    panel.tell({ type: 'hello', device, separated, network, connectivity: reach, policy: rules, clockOffSeconds })
  }
  const policyChanged = () => {
    requests.enforce(policy())
    greetPanel()
    loop?.wake()
    software.look()
    if (mode() === 'off') server.close()
  }
  greetPanel()
  attachPanelSwitch({ panel, policySwitch: local.policySwitch, audit: audit.note, onChange: policyChanged })
  attachPanelCheck({
    panel,
    allowed: () => policy().connectivity === 'on',
    run: (until, onProgress) => {
      const known = { cert: currentCertificate(), key: privatePem(identity.keys.device) }
      return runCheck({ list: local.allowList(), dial: local.dial, isProxied: local.isProxied, identity: known, signal: until, onProgress })
    },
    onFailed: (error) => log.error({ reason: codeOf(error) }, 'network check failed'),
    signal,
  })
  await requests.recover()
  await actOnWaiting()
  void watchSilence()
  loop = startPollLoop({ poll: pollOrAsk, mode, onOutcome: noteOutcome, onIdle: server.idle, timing, clock, signal, random })

  return {
    polled: polled.promise,
    policyChanged,
    // Between plain polls nothing is sent: what happened goes with the next poll.
    audited: () => {
      if (mode() === 'held') sender.nudge()
    },
    async stop() {
      await Promise.race([requests.stop(), clock.sleep(endSessionsMs, signal)])
      audit.note({ kind: 'device.stopped', actor: { kind: 'agent' } })
      if (connectivity === 'ok') sender.finish()
      await Promise.race([sender.settled(), clock.sleep(lastWordsMs, signal)])
      stopping.abort()
      spare.close()
      server.close()
      await Promise.all([loop?.done, software.done])
    },
  }

  function pollOrAsk(holdMs: number, until: AbortSignal): Promise<number> {
    return pollRound({
      poll: () => poll(holdMs, until),
      names: config.mainServers.length,
      look: async () => (policy().bulletin ? bulletin.look(until) : null),
      onWord: (next) => {
        word = next
      },
    })
  }

  async function poll(holdMs: number, until: AbortSignal): Promise<number> {
    const handled = inbox.toName()
    const { instantPickup, rules, bulletin: wantsBulletin } = policy()
    const answer = await server.call(
      'device.poll',
      {
        holdMs,
        handled,
        run,
        clockMs: clock.now(),
        agentVersion,
        softwareVersion: config.softwareVersion,
        instantPickup,
        rules,
        rosterNumber: roster.number(),
        separated,
        network,
        serverKeysNumber: serverKeys.number(),
        authority: authority.told(),
        licensed: licences.features(),
        licencesNumber: licences.number(),
        ...(wantsBulletin ? { wantsBulletin } : {}),
      },
      { signal: until, timeoutMs: holdMs + 15_000 },
    )
    serverClock.heard(answer.serverTimeMs, server.outdated())
    tellClock()
    if (answer.authorityKeys) await authority.accept(answer.authorityKeys)
    if (answer.serverKeys) await serverKeys.accept(answer.serverKeys).then(unrevoked.lookAgain)
    if (answer.licences) await licences.accept(answer.licences)
    bulletin.remember(answer.bulletinKey)
    inbox.named(handled)
    const fresh = inbox.receive(answer.deliveries)
    await actOnWaiting()
    if (outbox.hasAnswers() || outbox.hasEvents()) sender.nudge()
    void renew(answer.serverTimeMs, signal)
    return fresh
  }

  function tellClock(): void {
    const off = serverClock.offSeconds()
    // It ticks; only what a person would call another time is news.
    if (Math.abs(off - clockOffSeconds) < 30) return
    clockOffSeconds = off
    if (off !== 0) log.warn({ seconds: off }, 'the clock of this device is wrong: nobody is let in')
    greetPanel()
  }

  async function watchSilence(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(silenceLookMs, signal).catch(() => undefined)
      // With what passes until the next look, so that nobody stays a second longer than said.
      requests.silent(clock.elapsed() - answeredMs + silenceLookMs)
      // Its hours end by the clock, without anybody changing anything.
      requests.enforce(policy())
    }
  }

  /** One that fails stays stored, and is tried again after the next poll. */
  async function actOnWaiting(): Promise<void> {
    for (const delivery of inbox.waiting()) {
      try {
        await act(delivery)
        inbox.handled(delivery.id)
      } catch (error) {
        log.error({ delivery: delivery.kind, reason: codeOf(error) }, 'delivery waits')
      }
    }
  }

  async function act(delivery: Delivery): Promise<void> {
    switch (delivery.kind) {
      case 'access-request':
        return requests.receive(delivery)
      case 'reveal':
        return requests.reveal(delivery)
      case 'cancel':
        return requests.cancel(delivery.requestId, delivery.withdrawal)
      case 'end':
        return requests.end(delivery.requestId, delivery.cause, delivery.withdrawal)
      case 'data-file':
        return dataFiles.store(delivery)
      case 'maintenance': {
        const action = delivery.action.slice(0, 120)
        audit.append({ kind: 'maintenance.finished', actor: { kind: 'agent' }, data: { action, outcome: 'not-supported' } })
      }
    }
  }

  function openServer(): MainServer {
    return openMainServer({
      servers: config.mainServers,
      dial: local.dial,
      certificate: currentCertificate,
      keyPem: privatePem(identity.keys.device),
      keepOpen: () => mode() === 'held',
    })
  }

  function noteOutcome(error: unknown, failures: number): void {
    if (!error) {
      polled.resolve()
      answeredMs = clock.elapsed()
    }
    software.look()
    if (failures === 1) log.warn(factsOf(error), 'main server does not answer')
    const waiting = word === null ? 'waiting' : word === 'called' ? 'called' : 'quiet'
    const now = error ? waiting : 'ok'
    if (now === connectivity) return
    connectivity = now
    greetPanel()
  }

  async function witnessMainServer(head: string): Promise<void> {
    await verifyJws(head, { type: 'head', schema: HeadPayload, key: enrolment.mainServerAuditKey, failure: 'server.answer-bad' })
    audit.log()?.witness(head, 'main-server')
  }
}

/** Only root can start a shell as somebody else (setpriv); what cannot be done is said on the panel and in every poll. */
export function canSeparate(user: Local['config']['user']): boolean {
  return user !== null && process.getuid?.() === 0
}

function codeOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
