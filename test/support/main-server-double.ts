import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type AgentApi, agentApi, type Delivery } from '../../shared/agent-api.ts'
import { type AuditEvent, firstPrev } from '../../shared/audit.ts'
import { type Input, serve } from '../../shared/contract.ts'
import { AppError, toFailure } from '../../shared/errors.ts'
import { type DeliveryId, type DeviceId, newId } from '../../shared/ids.ts'
import { createCa, deviceIdOf, issueDeviceCertificate, issueServerCertificate } from '../../shared/node/certificates.ts'
import { generateSigningKey, readUnverified, sha256, signJws } from '../../shared/node/signing.ts'
import { AnswerPayload, type CompactJws, type Hash } from '../../shared/ticket.ts'
import type { People } from './people.ts'

/**
 * A main server as one agent sees it: the real contract over real mutual TLS on loopback, with a queue in place of a policy and a database. It repeats a
 * delivery until a poll names it, holds polls, and keeps what it was told.
 */
export type MainServerDouble = {
  origin: string
  ca: string
  deviceId: DeviceId
  polls: Input<AgentApi, 'device.poll'>[]
  answers: AnswerPayload[]
  events: AuditEvent[]
  enrolments: Input<AgentApi, 'device.enrol'>[]
  /** SHA-256 of the certificate that each poll came with. */
  shown: Hash[]
  sockets: Set<Socket>
  /** How many connections there were, and how many of them resumed a TLS session. */
  connections: { all: number; resumed: number }
  queue(delivery: Delivery): void
  /** Statements about the authority's key, for whoever polls. */
  authorityKeys: CompactJws[]
  /** While true, every call is answered 503. */
  away: boolean
  waitFor<T>(what: () => T | undefined | false): Promise<T>
  close(): Promise<void>
}

export type DoubleOptions = { people: People; secret?: string; authorityKey?: AnswerAuthority; repeatHandled?: boolean; certificateAgeMs?: number }
type AnswerAuthority = People['authority']['publicJwk']

export async function startMainServerDouble({
  people,
  secret = 'abcdefghijklmnopqrst',
  authorityKey,
  repeatHandled = false,
  certificateAgeMs = 0,
}: DoubleOptions): Promise<MainServerDouble> {
  const [serverCa, deviceCa, auditKey] = [await createCa('Test servers'), await createCa('Test devices'), generateSigningKey()]
  const issued = await issueServerCertificate(serverCa, { hosts: ['127.0.0.1'] })
  const deviceId = newId<DeviceId>('dev')
  const logId = newId('log')
  let used = false
  let queue: Delivery[] = []
  const waiters = new Set<() => void>()
  const changed = () => {
    for (const waiter of [...waiters]) waiter()
  }
  const head = (seq: number) => signJws('head', { version: 1, logId, seq, hash: firstPrev, at: Math.floor(Date.now() / 1000) }, auditKey)

  const handle = serve<AgentApi, TLSSocket>(
    agentApi,
    {
      async 'device.enrol'(input) {
        if (used || input.code !== secret) throw new AppError('enrol.code-bad')
        used = true
        double.enrolments.push(input)
        return {
          deviceId,
          name: 'CT Suite 3',
          customer: 'Lakeside Hospital',
          site: 'Main building',
          certificate: await issueDeviceCertificate(deviceCa, input.certificateRequest, deviceId, { now: Date.now() - certificateAgeMs }),
          deviceCa: deviceCa.certificatePem,
          authorityKey: authorityKey ?? people.authority.publicJwk,
          ticketKey: people.ticketKey.publicJwk,
          mainServerAuditKey: auditKey.publicJwk,
          agentOrigin: double.origin,
          accessServers: [{ name: 'access-1', site: 'East', host: '127.0.0.1', port: 1 }],
        }
      },
      async 'device.renew'({ certificateRequest }, socket) {
        requireDevice(socket)
        return { certificate: await issueDeviceCertificate(deviceCa, certificateRequest, deviceId) }
      },
      async 'device.poll'(input, socket) {
        requireDevice(socket)
        double.shown.push(sha256(socket.getPeerX509Certificate()?.raw ?? new Uint8Array()))
        double.polls.push(input)
        if (!repeatHandled) queue = queue.filter((one) => !input.handled.includes(one.id as DeliveryId))
        changed()
        if (queue.length === 0 && input.holdMs > 0) await waitMs(input.holdMs, socket)
        const { authorityKeys } = double
        return { deliveries: queue, serverTimeMs: Date.now(), ...(authorityKeys.length > 0 ? { authorityKeys } : {}) }
      },
      'access-request.answer'({ answer }, socket) {
        requireDevice(socket)
        double.answers.push(readUnverified(answer, AnswerPayload, 'device.answer-bad'))
        changed()
        return {}
      },
      async 'audit.report'({ events }, socket) {
        requireDevice(socket)
        const known = new Set(double.events.map((event) => event.id))
        double.events.push(...events.filter((event) => !known.has(event.id)))
        changed()
        return { head: await head(double.events.length + 1) }
      },
    },
    (error) => {
      throw error
    },
  )

  function requireDevice(socket: TLSSocket): void {
    if (!socket.authorized || deviceIdOf(socket.getPeerCertificate().subjectaltname) !== deviceId) throw new AppError('device.unknown')
  }

  async function waitMs(ms: number, socket: Socket): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (queue.length > 0) resolve()
    }
    const timer = setTimeout(resolve, ms)
    waiters.add(look)
    socket.once('close', resolve)
    await promise
    socket.off('close', resolve)
    waiters.delete(look)
    clearTimeout(timer)
  }

  const server = createServer(
    { cert: issued.certificatePem, key: issued.keyPem, ca: deviceCa.certificatePem, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      void answer(request, response)
    },
  )
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const name = (request.url ?? '').replace('/agent/v1/', '')
    const input: unknown = JSON.parse(Buffer.concat(chunks).toString())
    const result = double.away ? { ok: false, failure: toFailure(new AppError('audit.unavailable')) } : await handle(name, input, request.socket as TLSSocket)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(result))
  }
  const double: MainServerDouble = {
    origin: '',
    ca: serverCa.certificatePem,
    deviceId,
    polls: [],
    answers: [],
    events: [],
    enrolments: [],
    shown: [],
    sockets: new Set(),
    connections: { all: 0, resumed: 0 },
    authorityKeys: [],
    away: false,
    queue(delivery) {
      queue.push(delivery)
      changed()
    },
    async waitFor(what) {
      for (;;) {
        const value = what()
        if (value) return value
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    async close() {
      const done = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of double.sockets) socket.destroy()
      await done
    },
  }
  server.on('secureConnection', (socket) => {
    double.connections.all += 1
    if (socket.isSessionReused()) double.connections.resumed += 1
    double.sockets.add(socket)
    socket.once('close', () => double.sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  double.origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return double
}
