import type { TLSSocket } from 'node:tls'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import { type Logger, pino } from 'pino'
import { followSession } from './access-requests/answers.ts'
import { createAccessHandlers, createAnswerHandlers } from './access-requests/handlers.ts'
import { staleLevels } from './access-requests/person-steps.ts'
import { createStandingCheck } from './access-requests/standing.ts'
import { createSweep } from './access-requests/sweep.ts'
import { type AccessTools, announce, subjects } from './access-requests/tools.ts'
import { createBulletinBoard } from './access-servers/bulletin.ts'
import { createFleet } from './access-servers/fleet.ts'
import { createBeatHandlers } from './access-servers/handlers.ts'
import { createHeadHandlers, createReportHandlers } from './audit/handlers.ts'
import { type AuthorityIn, openAuthorityIn } from './authority-in.ts'
import { createCaseHandlers } from './cases/handlers.ts'
import { beginCase, findCase } from './cases/store.ts'
import { type Config, hostsOf } from './config.ts'
import { addDesktopUpdateRoute } from './desktop-updates/routes.ts'
import { authenticateDevice } from './devices/authenticate.ts'
import { createDeviceHandlers } from './devices/handlers.ts'
import { createDeviceWatch } from './devices/watch.ts'
import { openDirectory } from './directory.ts'
import { createEnrolmentHandlers, createRenewalHandlers } from './enrolment/handlers.ts'
import { every } from './every.ts'
import { type Ground, openGround } from './ground.ts'
import { createKeyChange } from './key-change.ts'
import { addLicensedSoftwareRoute } from './licensed-software/routes.ts'
import { openServerList } from './listed-servers.ts'
import { followCertificate, type Listeners, openListeners } from './listeners.ts'
import { createMailer } from './notices/mail.ts'
import { createNotices } from './notices/notices.ts'
import { addNoticeRoutes } from './notices/routes.ts'
import { forgetOldNotices } from './notices/store.ts'
import { createWebhook } from './notices/webhook.ts'
import { createPollHandlers } from './polls/handlers.ts'
import { isLicensed } from './polls/licences.ts'
import { forgetOldDeliveries, queueDelivery, releaseDelivery, withdrawDeliveries } from './polls/store.ts'
import { createWaiters } from './polls/waiters.ts'
import { createPublishedFiles } from './published-files.ts'
import { addAccessRoutes, addAgentRoutes, addClientRoutes, addEnrolmentRoute, addWellKnown } from './routes.ts'
import { organisationName, type Taken } from './seeding.ts'
import { createAuthenticate, isSignedIn } from './sign-in/authenticate.ts'
import { createElsewhere } from './sign-in/elsewhere.ts'
import { addSignInRoutes } from './sign-in/handlers.ts'
import { addOidcRoutes, auditSignOuts, renderOidcError } from './sign-in/oidc-routes.ts'
import { createPasskeys } from './sign-in/passkeys.ts'
import { clientId, createProvider } from './sign-in/provider.ts'
import { endSignInsOf, noteReuse } from './sign-in/revoke.ts'
import { forgetOldSignIns } from './sign-in/store.ts'
import { createUpstream } from './sign-in/upstream.ts'
import { createSpecialistHandlers } from './specialists/handlers.ts'
import { forgetOldFailures } from './throttle.ts'
import { addUpdateRoute } from './updates/handlers.ts'
import { createUpdateHub } from './updates/hub.ts'
import { createWebApp, maxAgentBodyBytes, maxClientBodyBytes } from './web.ts'

export type MainServerOptions = {
  /** Milliseconds since 1970. */
  now?: () => number
  log?: Logger
}
export type MainServer = {
  /** `https://host:port` of the listener for people and clients. */
  peopleOrigin: string
  /** `https://host:port` of the listener for agents. */
  agentOrigin: string
  /** Drains and stops; safe to call twice. */
  close(): Promise<void>
}

const dayMs = 86_400_000

/**
 * Starts everything, in order; whatever was opened before a failure is closed again.
 * Throws `state.in-use`, `state.unreadable`, `audit.broken`, `audit.unavailable`, `port.busy`.
 */
export async function startMainServer(config: Config, { now = Date.now, log = pino({ level: 'silent' }) }: MainServerOptions = {}): Promise<MainServer> {
  const opened = new AsyncDisposableStack()
  try {
    const ground = await openGround(config, { opened, log, now })
    const listeners = await openListeners(config, ground.keys, opened)
    return await compose({ config, log, now, ...ground, ...listeners }, opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

type Parts = Ground & Listeners & { config: Config; log: Logger; now: () => number }

async function compose(parts: Parts, opened: AsyncDisposableStack): Promise<MainServer> {
  const { config, keys, db, audit, log, now, peopleOrigin, agentOrigin } = parts
  const stopping = new AbortController()
  const onDefect = (error: unknown, where: string) => log.error({ err: error, where }, 'defect')
  const append = (event: NewAuditEvent) => void audit.append(event)
  opened.defer(followCertificate({ ...parts, tls: config.tls, append }))
  const hub = createUpdateHub()
  const waiters = createWaiters()
  const watch = createDeviceWatch({
    db,
    watchers: hub.watchers,
    publish: (specialistId, row) => hub.publish(specialistId, 'device.changed', row),
    onDefect: (error) => onDefect(error, 'devices'),
    now,
  })
  const changeKeys = createKeyChange({ keys, onDeviceCas: (clientCa) => parts.agents.renew({ clientCa }), append, log, now })
  const fromAuthority = { onServerKeys: changeKeys, onNews: waiters.wakeAll }
  const authority: AuthorityIn = await openAuthorityIn({ folder: config.authorityIn, authorityKey: config.authorityKey, log, ...fromAuthority, now })
  opened.defer(() => authority.close())

  const list = config.fleetFile === null ? null : openServerList({ path: config.fleetFile, log, onChange: (next) => fleet.relist(next) })
  opened.defer(() => list?.close())
  const fleet = createFleet({ list: list?.current() ?? config.accessServers, isThisServer: (to) => ticketMarks().includes(to), append, now })
  const ticketMarks = () => [keys.ticket().publicJwk, ...(authority.serverKeys()?.payload.ticketKeys ?? []).map(({ key }) => key)].map(thumbprint)
  const bulletins = createBulletinBoard({ db, ticketKey: keys.ticket, secret: keys.bulletinSecret, now })

  const { mail, webhook } = config.notices
  const notices = createNotices({
    ...{ db, append, now, secret: keys.noticeSecret, origin: peopleOrigin, key: keys.ticket },
    sendMail: mail && (await createMailer(mail)),
    postWebhook: createWebhook(webhook),
    release: (queries, { deviceId, requestId }) => releaseDelivery(queries, deviceId, subjects.request(requestId)),
    async moved({ deviceId, requestId }) {
      waiters.wake(deviceId)
      await announce(access, requestId)
    },
    changed: () => standing.look(),
    onDefect: (error) => onDefect(error, 'notices'),
  })

  const access: AccessTools = {
    db,
    authorityKeys: authority.keysAt,
    ticketKey: keys.ticket,
    fleet,
    roster: () => authority.roster()?.payload ?? null,
    cases: { find: findCase, begin: beginCase },
    notices,
    append,
    queue: (queries, delivery) => queueDelivery(queries, delivery, now()),
    withdraw: withdrawDeliveries,
    wake: waiters.wake,
    publish: (specialistId, view) => hub.publish(specialistId, 'access-request.changed', view),
    deviceChanged: watch.changed,
    now,
  }
  const standing = createStandingCheck(access)
  const placesChanged = (id: SpecialistId) => hub.publish(id, 'sign-in.places-changed', {})
  const elsewhere = createElsewhere({ db, append, ended: hub.endSignIn, changed: placesChanged, standing: standing.look, now })
  const onTaken = async ({ shutOut, relicensed, signedInSinceMs }: Taken) => {
    for (const id of relicensed) waiters.wake(id)
    for (const id of shutOut) await endSignInsOf({ db, append, ended: hub.endSignIn }, id)
    await elsewhere.endBefore(signedInSinceMs)
    await standing.look()
    for (const id of hub.watchers()) hub.publish(id, 'device.list-changed', {})
  }
  const { seedFile, sandbox } = config
  const directory = seedFile ? await openDirectory({ db, path: seedFile, sandbox, append, log, onTaken, now }) : null
  const ticketKey = () => keys.ticket().publicJwk
  const auditKey = keys.audit.publicJwk
  const organisation = (await organisationName(db)) || config.name
  const provider = createProvider({
    issuer: `${peopleOrigin}/oidc`,
    db,
    identityKey: keys.identity,
    cookieSecret: keys.cookieSecret,
    log,
    renderError: (context, code) => renderOidcError(context, code, organisation),
  })
  const onReuse = async (grantId: string, specialistId: SpecialistId) => {
    await noteReuse(db, { grantId, specialistId, nowMs: now() })
    await standing.look()
  }
  auditSignOuts(provider, {
    append,
    ended: hub.endSignIn,
    changed: placesChanged,
    onReuse: (grantId, specialistId) => void onReuse(grantId, specialistId).catch((error: unknown) => onDefect(error, 'sign-in')),
  })
  const authenticate = createAuthenticate({ provider, now })

  const people = createWebApp({ listener: parts.people, hosts: hostsOf(config, peopleOrigin), maxBodyBytes: maxClientBodyBytes, log })
  const { name } = config
  addWellKnown(people, () => {
    const rotating = { ticketKey: ticketKey(), deviceCa: keys.deviceCas().join('\n') }
    const revoked = authority.serverKeys()?.payload.revoked ?? []
    return { name, issuer: `${peopleOrigin}/oidc`, clientId, sandbox, auditKey, ...rotating, revoked, timeMs: now() }
  })
  addOidcRoutes(people, provider)
  const upstream =
    config.upstream && createUpstream({ settings: config.upstream, redirectUri: `${peopleOrigin}/sign-in/answer`, secret: keys.cookieSecret, now })
  addSignInRoutes(people, {
    db,
    provider,
    upstream,
    passkeys: createPasskeys({ db, origin: peopleOrigin, organisation, now }),
    elsewhere,
    organisation,
    showsCode: config.sandbox,
    append,
    log,
    onDefect: (error) => onDefect(error, 'sign-in'),
    now,
  })
  addNoticeRoutes(people, { notices, organisation })
  if (config.desktopUpdates !== null) addDesktopUpdateRoute(people, createPublishedFiles(config.desktopUpdates))
  addUpdateRoute(people, { hub, authenticate, isSignedIn: (caller) => isSignedIn(provider, caller) })
  addEnrolmentRoute(
    people,
    createEnrolmentHandlers({
      db,
      deviceCa: keys.deviceCa,
      authorityKey: config.authorityKey,
      authorityKeys: authority.statements,
      agentOrigin,
      endpoints: fleet.endpoints,
      append,
      now,
      ticketKey,
      auditKey,
    }),
    onDefect,
  )
  addAccessRoutes(
    people,
    createBeatHandlers({ fleet, bulletins, serverKeys: () => authority.serverKeys()?.jws ?? null, authorityKeys: authority.statements, append, now }),
    onDefect,
  )
  addClientRoutes(people, {
    authenticate,
    onDefect,
    handlers: {
      ...createSpecialistHandlers({
        db,
        certificateOf: authority.certificateOf,
        staleLevels: (mfaAtMs) => staleLevels(mfaAtMs, now()),
        places: elsewhere.places,
        endPlace: elsewhere.end,
      }),
      ...createDeviceHandlers(db, now),
      ...createAccessHandlers(access),
      ...createCaseHandlers({ db, append, changed: standing.look, now }),
      ...createHeadHandlers({ db, log: audit }),
    },
  })

  const agents = createWebApp({ listener: parts.agents, hosts: hostsOf(parts.config, agentOrigin), maxBodyBytes: maxAgentBodyBytes, log })
  const authenticateAgent = (socket: TLSSocket) => authenticateDevice({ db, isTrusted: keys.isTrusted }, socket)
  addAgentRoutes(agents, {
    authenticate: authenticateAgent,
    onDefect,
    stopping: stopping.signal,
    handlers: {
      ...createPollHandlers({
        ...{ db, waiters, append, now, bulletinKey: bulletins.keyOf, ticketKey: keys.ticket },
        roster: () => numbered(authority.roster()),
        serverKeys: () => numbered(authority.serverKeys()),
        authorityKeys: authority.statementsFor,
        deviceChanged: watch.changed,
        standingChanged: standing.look,
      }),
      ...createAnswerHandlers(access),
      ...createRenewalHandlers({ db, deviceCa: keys.deviceCa, append, now }),
      ...createReportHandlers({
        db,
        log: audit,
        publish: (specialistId, requestId, event) => hub.publish(specialistId, 'session.activity', { requestId, event }),
        followSession: (event, deviceId) => followSession(access, event, deviceId),
      }),
    },
  })
  if (config.licensedSoftware !== null) {
    const { look } = addLicensedSoftwareRoute(agents, {
      authenticate: authenticateAgent,
      sendPublished: createPublishedFiles(config.licensedSoftware),
      mayHave: (deviceId, feature) => isLicensed(db, deviceId, { feature, nowMs: now() }),
    })
    opened.defer(every(1_000, look, (error) => onDefect(error, 'licensed software')))
  }

  append({ kind: 'server.started', actor: { kind: 'main-server', name: config.name } })
  const sweep = createSweep(access)
  opened.defer(every(1_000, sweep, (error) => onDefect(error, 'sweep')))
  opened.defer(notices.close)
  opened.defer(every(1_000, notices.look, (error) => onDefect(error, 'notices')))
  if (directory) opened.defer(every(1_000, directory.look, (error) => onDefect(error, 'directory')))
  opened.defer(
    every(
      1_000,
      async () => changeKeys(authority.serverKeys()),
      (error) => onDefect(error, 'keys'),
    ),
  )
  opened.defer(every(1_000, standing.tick, (error) => onDefect(error, 'standing')))
  opened.defer(
    every(
      500,
      async () => fleet.lookForSilence(),
      (error) => onDefect(error, 'access servers'),
    ),
  )
  opened.defer(every(5_000, watch.lookForSilence, (error) => onDefect(error, 'devices')))
  const forget = () =>
    Promise.all([
      forgetOldSignIns(db, Date.now()),
      forgetOldFailures(db, now() - 600_000),
      forgetOldDeliveries(db, now() - 7 * dayMs),
      forgetOldNotices(db, now() - 30 * dayMs),
    ])
  opened.defer(every(60_000, forget, (error) => onDefect(error, 'forget')))
  await Promise.all([people.ready(), agents.ready()])

  opened.defer(async () => {
    stopping.abort()
    hub.close()
    await watch.settled()
    audit.append({ kind: 'server.stopped', actor: { kind: 'main-server', name: config.name } })
  })
  return { peopleOrigin, agentOrigin, close: () => opened.disposeAsync() }
}

function numbered<T extends { number: number }>(signed: { payload: T; jws: CompactJws } | null) {
  return signed && { number: signed.payload.number, jws: signed.jws }
}
