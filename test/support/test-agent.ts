import { type AgentApi, agentApi, type Delivery } from '../../shared/agent-api.ts'
import type { AuditEvent, NewAuditEvent } from '../../shared/audit.ts'
import type { Input, Output } from '../../shared/contract.ts'
import { type EventId, newId } from '../../shared/ids.ts'
import { type ApiClient, createApiClient } from '../../shared/node/api-client.ts'
import { createCertificateRequest } from '../../shared/node/certificates.ts'
import { commitmentTo } from '../../shared/node/matching-code.ts'
import { generateSigningKey, newNonce, privatePem, readUnverified, type SigningKey, sha256, signJws, signRequest } from '../../shared/node/signing.ts'
import { type AnswerPayload, type CompactJws, type Hash, type RequestPayload, type SignedRequest, TicketPayload } from '../../shared/ticket.ts'
import type { TestDevice, TestPerson, TestServer } from './main-server.ts'

/** A device's side of the agents' API, by hand: no loop, no policy, nothing by itself. */
export type TestAgent = {
  device: TestDevice
  key: SigningKey
  hostKey: string
  certificate: string
  api: ApiClient<AgentApi>
  /** Of its process: all polls of one agent say the same. */
  run: Hash
  poll(change?: Partial<Poll>): Promise<Delivery[]>
  answer(ticket: CompactJws, answer: AnswerPayload['answer'], signer?: SigningKey): Promise<void>
  report(events: NewAuditEvent[] | AuditEvent[]): Promise<Output<AgentApi, 'audit.report'>>
}

const hostKey = `ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY${'A'.repeat(110)}=`
const rules = { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask-typed' } as const

type Poll = Input<AgentApi, 'device.poll'>

/** What a device at rest says in a poll, with a clock that is right. */
export function plainPoll(nowMs: number, change: Partial<Poll> = {}): Poll {
  const versions = { agentVersion: '1.0.0', softwareVersion: '4.2', rosterNumber: 1 }
  return { ...{ holdMs: 0, handled: [], run: newNonce(), clockMs: nowMs }, ...versions, instantPickup: false, rules, separated: true, ...change }
}

export function agentClient({ agentOrigin, dial }: Pick<TestServer, 'agentOrigin' | 'dial'>, identity: { cert?: string; key?: string }): ApiClient<AgentApi> {
  return createApiClient(agentApi, { origin: agentOrigin, prefix: '/agent/v1/', dial, keepAlive: false, ...identity })
}

export async function enrolmentOf(device: TestDevice, key: SigningKey, auditKey: SigningKey): Promise<Input<AgentApi, 'device.enrol'>> {
  const certificateRequest = await createCertificateRequest(key, device.name)
  return { code: device.secret, certificateRequest, hostKey, auditKey: auditKey.publicJwk, model: 'nv-520', agentVersion: '1.0.0' }
}

export async function enrolAgent(server: TestServer, device: TestDevice): Promise<TestAgent> {
  const [key, auditKey] = [generateSigningKey(), generateSigningKey()]
  const people = createApiClient(agentApi, { origin: server.origin, prefix: '/agent/v1/', dial: server.dial, keepAlive: false })
  const { certificate } = await people.call('device.enrol', await enrolmentOf(device, key, auditKey))
  const api = agentClient(server, { cert: certificate, key: privatePem(key) })
  const logId = newId('log')
  const run = newNonce()
  return {
    ...{ device, key, hostKey, certificate, api, run },
    async poll(change = {}) {
      return (await api.call('device.poll', plainPoll(server.now(), { run, ...change }))).deliveries
    },
    async answer(ticket, answer, signer = key) {
      const { requestId, id: ticketId, deviceId } = readUnverified(ticket, TicketPayload, 'ticket.bad')
      const at = Math.floor(server.now() / 1000)
      const payload: AnswerPayload = { version: 1, requestId, ticketId, ticketHash: sha256(ticket), deviceId, at, answer }
      await api.call('access-request.answer', { answer: await signJws('answer', payload, signer) })
    },
    async report(events) {
      const whole = events.map((event) => ({ id: newId<EventId>('evt'), at: new Date(server.now()).toISOString(), ...event }) as AuditEvent)
      const head = await signJws('head', { version: 1, logId, seq: 1, hash: newNonce(), at: 1 }, auditKey)
      return api.call('audit.report', { events: whole, head })
    },
  }
}

export type Asked = { signed: SignedRequest; payload: RequestPayload; nonce: Hash }
export async function signedRequest(server: TestServer, person: TestPerson, device: TestDevice, change: Record<string, unknown> = {}): Promise<Asked> {
  const nonce = newNonce()
  const payload = {
    version: 1,
    id: newId('req'),
    deviceId: device.id,
    specialistId: person.id,
    access: 'files',
    serviceKind: 'support',
    reason: 'The console reacts slowly',
    caseId: '48213',
    minutes: 30,
    sessionKey: generateSigningKey().publicJwk,
    commitment: commitmentTo(nonce),
    issuedAt: Math.floor(server.now() / 1000),
    ...change,
  } as RequestPayload
  return { signed: await signRequest(payload, person.keys), payload, nonce }
}
