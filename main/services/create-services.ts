import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isFinal } from '@gantry/shared/access-request.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { createHttpsFetch } from '@gantry/shared/node/https-fetch.ts'
import { refuseRevoked } from '@gantry/shared/node/revoked-certificates.ts'
import { type AccessLevel, includesLevel } from '@gantry/shared/profile.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { createAppEvents } from './app-events.ts'
import { createClientAudit } from './audit/client-audit.ts'
import { createCallHandlers } from './call-handlers.ts'
import { createCases } from './cases.ts'
import { openClientLog } from './client-log.ts'
import { createDeviceList } from './device-list.ts'
import { createKeys } from './keys/keys.ts'
import { watchForCertificate } from './keys/watch.ts'
import { createLastKnown } from './last-known.ts'
import { createLock, lockHandlers } from './lock.ts'
import { createConnection } from './main-server/connection.ts'
import { createMainServer, type MainServer } from './main-server/main-server.ts'
import { createMainServerNames } from './main-server/names.ts'
import { createProxyRoutes } from './main-server/proxy-routes.ts'
import { openProxySettings } from './main-server/proxy-setting.ts'
import { openRevoked } from './main-server/revoked.ts'
import { createUpdates, type Update } from './main-server/updates.ts'
import { readPosture } from './posture.ts'
import { createProfileLock } from './profile-lock.ts'
import { referToLog } from './references.ts'
import { createRequests, type RequestService } from './requests/requests.ts'
import type { Services, ServicesOptions } from './services.ts'
import { startApproach } from './sessions/approach.ts'
import { createSessions } from './sessions/sessions.ts'
import { openSettings } from './settings.ts'
import { openProvider, type Provider } from './sign-in/provider.ts'
import { createSignIn, type SignInService } from './sign-in/sign-in.ts'
import { createTokenKeeper } from './sign-in/tokens.ts'
import { createComparisons } from './transfers/comparisons.ts'
import { createKeptStore } from './transfers/kept.ts'
import { createPace } from './transfers/pace.ts'
import { createTransfers } from './transfers/transfers.ts'
import { openAppUpdates } from './updates/open-app-updates.ts'

/** The composition root of the client's services: by hand and in order. It starts offline and without a keychain too. */
export async function createServices(options: ServicesOptions): Promise<Services> {
  const { profileDir, secretStore, now = Date.now } = options
  const origin = new URL(options.mainServer).origin
  mkdirSync(profileDir, { recursive: true, mode: 0o700 })
  const own = options.log ? null : openClientLog(profileDir, options.party)
  const log = options.log ?? (own as NonNullable<typeof own>).log
  const { emit, on, clear } = createAppEvents(log)

  const settings = openSettings(profileDir, options.language ?? 'en')
  const proxy = openProxySettings(profileDir, secretStore)
  const routesFor = createProxyRoutes({ setting: proxy.read, secretStore, env: options.env ?? process.env, find: options.findProxy ?? {} })
  const revoked = openRevoked(profileDir, origin, log)
  const unrevoked = refuseRevoked(createDialler({ ca: options.ca, routesFor }), {
    revoked: revoked.current,
    onRefused: (refused) => log.error('server refused', refused),
  })
  const names = createMainServerNames(unrevoked.dial, [origin, ...(options.otherNames ?? [])])
  const { dial } = names
  const lastKnown = createLastKnown(profileDir, origin)
  const lock = createProfileLock(join(profileDir, 'profile.lock'))
  const clientAudit = createClientAudit({ profileDir, store: secretStore, party: options.party, lock })
  const audit = async (event: NewAuditEvent) => (await clientAudit.open()).append(event)

  const connection = createConnection((state) => emit('connection.changed', state), now)
  const onAnswer = (failure: AppError | null) => {
    if (failure?.details?.hop === 'answer') names.doubt()
    connection.note(failure)
  }
  const onRevoked = (list: readonly Hash[]) => {
    if (revoked.take(list)) unrevoked.lookAgain()
  }
  const opened = once(async (): Promise<Provider> => openProvider(await server.wellKnown(), createHttpsFetch({ origins: [origin], dial })))
  const provider = async () => {
    await server.requireClock()
    return opened()
  }
  const tokens = createTokenKeeper({ store: secretStore, provider, lock, now })
  const server: MainServer = createMainServer({ origin, dial, access: (rejected) => signIn.access(rejected), onAnswer, onRevoked, now })
  const signIn: SignInService = createSignIn({
    secretStore: secretStore.kind,
    ...{ tokens, provider, audit, log, openBrowser: options.openBrowser },
    me: () => server.call('specialist.me', {}),
    endElsewhere: (place) => server.call('specialist.end-sign-in', { place }),
    language: () => settings.read().language,
    donePage: () => `${origin}/sign-in/done?lang=${settings.read().language}`,
    remembered: { read: () => lastKnown.read().person, write: (person) => (person ? lastKnown.change({ person }) : lastKnown.clear()) },
    onRenewed() {
      if (options.party !== 'desktop') return
      updates.stop()
      updates.start()
    },
    onChange(state) {
      emit('sign-in.changed', state)
      if (state.phase === 'signed-in' && options.party === 'desktop') updates.start()
      if (state.phase === 'signed-in') keyWatch?.look()
      if (state.phase === 'signed-out') updates.stop()
    },
  })

  const devices = createDeviceList(server, lastKnown, now)
  const keys = createKeys({ store: secretStore, me: () => server.call('specialist.me', {}), onChange: (status) => emit('keys.changed', status), now })
  const keyWatch = options.party === 'desktop' ? watchForCertificate(keys, log) : null
  const sessions = createSessions({
    ...{ dial, call: server.call, wellKnown: server.wellKnown, log },
    openAudit: clientAudit.open,
    onChange: (view) => emit('session.changed', view),
    onActivity: (requestId, event, verified) => emit('session.activity', { requestId, event, verified }),
  })
  const onUpdate = (update: Update) => {
    if (update.name === 'access-request.changed') requests.push(update.payload)
    if (update.name === 'session.activity') sessions.fromServer(update.payload.requestId, update.payload.event)
    if (update.name === 'sign-in.places-changed') void signIn.check()
    if (update.name === 'sign-in.ended') signIn.ended(update.payload.why)
    if (update.name === 'device.list-changed') emit('device.list-changed', {})
    if (update.name === 'device.changed') {
      devices.put(update.payload)
      emit('device.changed', update.payload)
    }
  }
  const updates = createUpdates({ origin, dial, access: signIn.access, onUpdate, onOpen: () => requests.refresh(), onAnswer, log })
  /** The main server's policy says for which levels; here it is asked early, so that the request that follows is signed afterwards and fresh. */
  const requireFreshMfa = async (access: AccessLevel, signal: AbortSignal | undefined) => {
    if (access !== 'os' || options.party !== 'desktop') return
    const { mfaStaleFor } = await server.call('specialist.me', {}, signal ? { signal } : {})
    if (mfaStaleFor.includes(access)) await signIn.confirm('os', { signal })
  }
  const requests: RequestService = createRequests({
    requireFreshMfa,
    ...{ call: server.call, wellKnown: server.wellKnown, requireClock: server.requireClock, devices, keys, audit, updates, now, log },
    posture: () => readPosture({ version: options.about.version }),
    approach: (way) => startApproach({ ...way, dial }),
    openSession: sessions.open,
    onProgress: (progress) => emit('request.changed', progress),
  })
  const pace = createPace({ bytesPerSecond: () => settings.read().transferBytesPerSecond })
  /** The one that a person would use: open, and with files. */
  const sessionWith = (deviceId: DeviceId) => {
    const view = sessions.list().find(({ device, state, access }) => device.id === deviceId && state === 'open' && includesLevel(access, 'files'))
    return view ? sessions.get(view.requestId) : null
  }
  const kept = { store: createKeptStore(profileDir), person: () => signIn.state().specialist?.id ?? null, sessionWith }
  const transfers = createTransfers({
    ...{ session: sessions.get, onChange: (transfer: Transfer) => emit('transfer.changed', transfer), pace, now, log },
    // A command ends with what it began.
    ...(options.party === 'desktop' ? { kept } : {}),
  })
  on('sign-in.changed', transfers.look)
  const comparisons = createComparisons({ session: sessions.get, transfers })

  const appUpdates = openAppUpdates({
    setup: options.updates ?? { unsupported: 'not-set-up' },
    installed: options.about.version,
    ...{ profileDir, origin, dial, audit, log, now },
    isBusy: () => sessions.list().some(({ state }) => state === 'open') || requests.list().some(({ state }) => !isFinal(state)),
    onChange: (status) => emit('update.changed', status),
  })
  on('session.changed', appUpdates.look)
  on('request.changed', appUpdates.look)

  await signIn.restore()
  transfers.look()
  const windowLock = createLock({
    profileDir,
    minutes: () => settings.read().lockMinutes,
    isIn: () => signIn.state().phase === 'signed-in' || sessions.list().some(({ state }) => state === 'open'),
    confirm: () => signIn.confirm('lock'),
    onChange: (state) => emit('lock.changed', state),
    now,
  })
  const watch = options.party === 'desktop' ? setInterval(windowLock.look, 1_000) : null
  watch?.unref()

  const parts = {
    lock: windowLock,
    signIn,
    keys,
    devices,
    cases: createCases(server),
    requests,
    sessions,
    transfers,
    updates: appUpdates,
    settings,
    audit: { path: clientAudit.path, verify: clientAudit.verify },
  }
  let closing: Promise<void> | null = null
  const close = async () => {
    if (watch) clearInterval(watch)
    signIn.close()
    keyWatch?.stop()
    transfers.close()
    appUpdates.close()
    updates.stop()
    await Promise.all([requests.close(), sessions.close()])
    await server.close()
    clientAudit.close()
    clear()
    own?.close()
  }
  // The window shows who is signed in; a command finds out by what it asks.
  if (options.party === 'desktop') void signIn.check()
  return {
    ...parts,
    ...{ on, logPath: own?.path ?? null },
    handlers: referToLog(
      lockHandlers(createCallHandlers({ ...parts, comparisons, options, emit, logPath: own?.path ?? null }), () => windowLock.state().locked),
      log,
    ),
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Done at the first call, and again after a failure. */
function once<T>(doing: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null
  return () => {
    result ??= doing().catch((error: unknown) => {
      result = null
      throw error
    })
    return result
  }
}
