import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { SecretName, SecretStore } from '../../main/services/secret-store.ts'
import { type AccessRequestView, type ClientApi, clientApi, type DeviceRow, type UpdateName, type WellKnown } from '../../shared/client-api.ts'
import { type Handlers, type Input, serve } from '../../shared/contract.ts'
import { AppError, errorCodes } from '../../shared/errors.ts'
import type { DeviceId, RequestId } from '../../shared/ids.ts'
import { newId } from '../../shared/ids.ts'
import { createCa, createCertificateRequest, issueDeviceCertificate, issueServerCertificate } from '../../shared/node/certificates.ts'
import { generateSigningKey, privatePem, requestHash, type SigningKey, sha256, signJws } from '../../shared/node/signing.ts'
import { type AccessServerRef, type AnswerPayload, type CompactJws, type Hash, RequestPayload, type TicketPayload } from '../../shared/ticket.ts'
import { hostKeyLine } from './host-key.ts'
import { allLimits, createPeople, type People } from './people.ts'

/**
 * All that a client meets, on one loopback address: a main server with the real client API over real TLS (its policy and database replaced by what the test says),
 * and a device whose signed answers the test gives. A signed-in specialist's secrets are in `store`.
 */
export type ClientWorld = {
  origin: string
  ca: string
  people: People
  ticketKey: SigningKey
  device: { id: DeviceId; key: SigningKey; certificatePem: string; hostKey: string; hostKeySigner: SigningKey }
  row: DeviceRow
  store: SecretStore & { values: Map<SecretName, string> }
  profileDir: string
  /** What was asked, newest last. */
  created: { input: Input<ClientApi, 'access-request.create'>; payload: RequestPayload; ticket: TicketPayload; ticketText: string }[]
  revealed: Hash[]
  cancelled: RequestId[]
  withdrawals: CompactJws[]
  /** The token that is taken; any other is `auth.session-expired`. */
  token: string
  /** Another handler for a call, for as long as the test lasts. */
  handlers: Handlers<ClientApi, string>
  views: Map<RequestId, AccessRequestView>
  /** How far the server's clock is from this computer's. */
  clockOffMs: number
  /** Server certificates that count no more, as it says. */
  revoked: Hash[]
  answer(requestId: RequestId, answer: AnswerPayload['answer'], change?: Partial<AnswerPayload>, signer?: SigningKey): Promise<void>
  change(requestId: RequestId, part: Partial<AccessRequestView>): void
  tell(name: UpdateName, payload: unknown): void
  listeners(): number
  /** Cuts every stream of updates, as a network does. */
  cutUpdates(): void
  close(): Promise<void>
}
export type ClientWorldWith = {
  accessServer?: AccessServerRef
  fallback?: AccessServerRef | null
  ca?: string
  ticketKey?: SigningKey
  deviceKey?: SigningKey
  extra?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export async function startClientWorld({
  accessServer = { name: 'north-1', site: 'North', host: '127.0.0.1', port: 1 },
  fallback = null,
  ca: moreCa = '',
  ...more
}: ClientWorldWith = {}): Promise<ClientWorld> {
  const people = createPeople()
  const [serverCa, deviceCa] = [await createCa('Test main server'), await createCa('Test devices')]
  const issued = await issueServerCertificate(serverCa, { hosts: ['127.0.0.1'] })
  const [ticketKey, key, auditKey, hostKeySigner] = [
    more.ticketKey ?? generateSigningKey(),
    more.deviceKey ?? generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
  ]
  const id = newId<DeviceId>('dev')
  const certificatePem = await issueDeviceCertificate(deviceCa, await createCertificateRequest(key, 'device'), id)
  const streams = new Set<ServerResponse>()
  const profileDir = mkdtempSync(join(tmpdir(), 'client-'))

  const server = createServer({ cert: issued.certificatePem, key: issued.keyPem })
  const world: ClientWorld = {
    origin: '',
    ca: `${serverCa.certificatePem}\n${moreCa}`,
    ...{
      people,
      ticketKey,
      profileDir,
      token: 'a good token',
      created: [],
      revealed: [],
      cancelled: [],
      withdrawals: [],
      views: new Map(),
      clockOffMs: 0,
      revoked: [],
    },
    device: { id, key, certificatePem, hostKey: hostKeyLine(hostKeySigner), hostKeySigner },
    row: deviceRow(id),
    store: await memoryStore(people),
    handlers: undefined as never,
    async answer(requestId, answer, change = {}, signer = key) {
      const asked = world.created.find(({ payload }) => payload.id === requestId)
      const view = world.views.get(requestId)
      if (!asked || !view) throw new Error('no such request')
      const at = Math.floor(Date.now() / 1000)
      const payload = { version: 1, requestId, ticketId: asked.ticket.id, ticketHash: sha256(asked.ticketText), deviceId: id, at, answer, ...change }
      world.change(requestId, { answers: [...view.answers, await signJws('answer', payload, signer)] })
    },
    change(requestId, part) {
      const view = world.views.get(requestId)
      if (!view) throw new Error('no such request')
      const changed = { ...view, ...part, changedMs: Date.now() }
      world.views.set(requestId, changed)
      world.tell('access-request.changed', changed)
    },
    tell(name, payload) {
      for (const stream of streams) stream.write(`event: ${name}\ndata: ${JSON.stringify(payload)}\n\n`)
    },
    listeners: () => streams.size,
    cutUpdates() {
      for (const stream of streams) stream.destroy()
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      rmSync(profileDir, { recursive: true, force: true })
    },
  }
  world.handlers = createHandlers(world, { accessServer, fallback }, auditKey)
  const answerCall = serve<ClientApi, string>(clientApi, new Proxy(world.handlers, { get: (_, name) => world.handlers[name as keyof ClientApi] }), (error) =>
    console.error(error),
  )
  const known = (): WellKnown => ({
    ...{ name: 'Test', version: '0.1.0', issuer: `${world.origin}/oidc`, clientId: 'gantry-desktop', sandbox: true },
    ...{ ticketKey: ticketKey.publicJwk, deviceCa: deviceCa.certificatePem, auditKey: auditKey.publicJwk },
    revoked: world.revoked,
    timeMs: Date.now() + world.clockOffMs,
  })
  server.on('request', (request, response) => {
    const reply = (status: number, value: unknown) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const route = async () => {
      if (more.extra?.(request, response)) return
      if (request.url === '/.well-known/gantry') return void reply(200, known())
      if (request.headers.authorization !== `DPoP ${world.token}`) {
        return void reply(401, { ok: false, failure: { code: 'auth.session-expired' } })
      }
      if (request.url === '/api/v1/updates') {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
        streams.add(response)
        return void response.once('close', () => streams.delete(response))
      }
      const result = await answerCall(request.url?.slice('/api/v1/'.length) ?? '', await json(request), world.token)
      reply(result.ok ? 200 : errorCodes[result.failure.code].status, result)
    }
    route().catch(() => response.destroy())
  })
  await listen(server)
  world.origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return world
}

type Route = { accessServer: AccessServerRef; fallback: AccessServerRef | null }

function createHandlers(world: ClientWorld, { accessServer, fallback }: Route, auditKey: SigningKey): Handlers<ClientApi, string> {
  const { people, device } = world
  const specialist = {
    id: people.person.specialistId,
    username: people.person.username,
    name: people.person.name,
    employer: people.person.employer,
    country: 'CA',
    city: 'Halden',
    tier: 2,
  }
  const show = (requestId: RequestId): AccessRequestView => {
    const view = world.views.get(requestId)
    if (!view) throw new AppError('access.unknown')
    return view
  }
  return {
    'specialist.end-sign-in': () => ({}),
    'specialist.me': () => ({ specialist, mfaAtMs: Date.now(), mfaStaleFor: [], certificate: null, supportContacts: [], signIns: [] }),
    'device.list': () => ({ devices: [world.row], serverTimeMs: Date.now() }),
    'device.show': ({ deviceId }) => {
      if (deviceId !== device.id) throw new AppError('device.unknown')
      return { device: world.row, sessions: [], subscriptions: [] }
    },
    async 'access-request.create'(input) {
      const payload = RequestPayload.parse(JSON.parse(Buffer.from(input.request.payload, 'base64url').toString()))
      const ticket: TicketPayload = {
        ...{
          version: 1,
          id: newId('tkt'),
          requestId: payload.id,
          requestHash: requestHash(input.request),
          deviceId: payload.deviceId,
          specialistId: payload.specialistId,
        },
        ...{ access: payload.access, minutes: payload.minutes, sessionKey: payload.sessionKey, deviceKey: device.key.publicJwk, accessServer, fallback },
        ...{ limits: allLimits, ask: false, issuedAt: payload.issuedAt, joinBefore: payload.issuedAt + 300 },
      }
      const ticketText = await signJws('ticket', ticket, world.ticketKey)
      world.created.push({ input, payload, ticket, ticketText })
      const view: AccessRequestView = {
        ...{
          id: payload.id,
          device: { id: device.id, name: world.row.name },
          specialist: { id: specialist.id, name: specialist.name },
          access: payload.access,
        },
        ...{
          serviceKind: payload.serviceKind,
          caseId: payload.caseId,
          minutes: payload.minutes,
          state: 'requested',
          createdMs: Date.now(),
          changedMs: Date.now(),
        },
        ...{
          ticket: ticketText,
          contact: null,
          answers: [],
          deviceCertificate: device.certificatePem,
          accessServer: { name: accessServer.name, site: accessServer.site },
        },
        ...{ refusal: null, endCause: null, endedMs: null },
      }
      world.views.set(payload.id, view)
      return { request: view, passed: ['mfa-fresh', 'assigned'] }
    },
    'case.list': () => ({ cases: [] }),
    'case.colleagues': () => ({ colleagues: [] }),
    'case.escalate': () => {
      throw new AppError('case.unknown')
    },
    'case.close': () => {
      throw new AppError('case.unknown')
    },
    'access-request.reveal': ({ nonce }) => {
      world.revealed.push(nonce)
      return {}
    },
    'access-request.cancel': ({ requestId, withdrawal }) => {
      world.cancelled.push(requestId)
      if (withdrawal) world.withdrawals.push(withdrawal)
      return {}
    },
    'access-request.show': ({ requestId }) => show(requestId),
    'access-request.list': () => ({ requests: [...world.views.values()] }),
    async 'head.exchange'() {
      return { head: await signJws('head', { version: 1, logId: newId('log'), seq: 1, hash: sha256('a line'), at: Math.floor(Date.now() / 1000) }, auditKey) }
    },
  }
}

function deviceRow(id: DeviceId): DeviceRow {
  return {
    ...{
      id,
      name: 'CT Suite 3',
      serial: 'NV-0001',
      model: { id: 'nv-520', name: 'NV 520', kind: 'injector' as const },
      customer: { id: 'cus_one', name: 'Northfield Clinic' },
    },
    ...{
      site: { id: 'sit_one', name: 'Northfield Main', city: 'Northfield', country: 'US', timeZone: 'UTC' },
      contact: null,
      practice: false,
      softwareVersion: '7.4.2',
      agentVersion: '0.1.0',
    },
    ...{ lastContactMs: Date.now(), instantPickup: true, entitlement: null, rules: null, levels: ['diagnostics', 'files', 'application', 'os'] },
    ...{ reach: { stopsAt: null, why: 'reachable', sinceMs: null }, openRequest: null },
  }
}

function signInEntry(): string {
  const tokens = { accessToken: 'a good token', accessExpiresMs: Date.now() + 600_000, refreshToken: 'a refresh token' }
  return JSON.stringify({ ...tokens, proofKey: privatePem(generateSigningKey()) })
}

async function memoryStore(people: People): Promise<ClientWorld['store']> {
  const values = new Map<SecretName, string>([
    ['specialist-key', privatePem(people.specialist)],
    ['support-key', privatePem(people.support)],
    ['certificate', await people.certificate()],
    ['sign-in', signInEntry()],
  ])
  return {
    ...{ kind: 'sandbox' as const, values },
    get: async (name) => values.get(name) ?? null,
    set: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  }
}

async function listen(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}
