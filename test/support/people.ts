import type { Delivery } from '../../shared/agent-api.ts'
import { newId } from '../../shared/ids.ts'
import { commitmentTo } from '../../shared/node/matching-code.ts'
import { generateSigningKey, newNonce, requestHash, type SigningKey, signJws, signRequest, thumbprint } from '../../shared/node/signing.ts'
import type { AccessServerRef, CertificatePayload, CompactJws, Hash, PublicJwk, RequestPayload, RosterPayload, TicketPayload } from '../../shared/ticket.ts'

/** An authority, one certified specialist, and a main server's ticket key: all that signs on the way to a session. The names are invented. */
export type People = {
  authority: SigningKey
  ticketKey: SigningKey
  specialist: SigningKey
  support: SigningKey
  session: SigningKey
  person: CertificatePayload
  certificate(change?: Partial<CertificatePayload>, signer?: SigningKey): Promise<CompactJws>
  roster(change?: Partial<RosterPayload>, signer?: SigningKey): Promise<{ payload: RosterPayload; text: CompactJws }>
  request(device: Device, change?: Change): Promise<Asked>
}

export type Device = { deviceId: RequestPayload['deviceId']; deviceKey: PublicJwk }
export type AccessDelivery = Extract<Delivery, { kind: 'access-request' }>
export type Asked = { delivery: AccessDelivery; request: RequestPayload; ticket: TicketPayload; nonce: Hash }
export type Change = {
  request?: Partial<RequestPayload>
  ticket?: Partial<TicketPayload>
  certificate?: CompactJws
  signers?: { specialist?: SigningKey; support?: SigningKey; ticket?: SigningKey }
  nowSeconds?: number
}

/** A profile that narrows nothing. */
export const allLimits: TicketPayload['limits'] = { files: { toDevice: true, fromDevice: true, maxFileBytes: 1024 ** 4 }, actions: '*', patientData: true }

const accessServer: AccessServerRef = { name: 'access-1', site: 'East', host: '127.0.0.1', port: 1 }

export function createPeople(nowSeconds = Math.floor(Date.now() / 1000)): People {
  const key = generateSigningKey
  const [authority, ticketKey, specialist, support, session] = [key(), key(), key(), key(), key()]
  const person: CertificatePayload = {
    version: 1,
    specialistId: newId('spc'),
    username: 'e.marchetti',
    name: 'Elena Marchetti',
    employer: 'Norvane Service',
    country: 'CA',
    specialistKey: specialist.publicJwk,
    supportKey: support.publicJwk,
    issuedAt: nowSeconds - 1_000,
    expiresAt: nowSeconds + 90 * 86_400,
  }
  const entry = {
    specialistId: person.specialistId,
    username: person.username,
    specialistKey: thumbprint(person.specialistKey),
    supportKey: thumbprint(person.supportKey),
  }
  return {
    authority,
    ticketKey,
    specialist,
    support,
    session,
    person,
    certificate: (change = {}, signer = authority) => signJws('certificate', { ...person, ...change }, signer),
    async roster(change = {}, signer = authority) {
      const payload: RosterPayload = { version: 1, number: 1, issuedAt: nowSeconds - 60, expiresAt: nowSeconds + 14 * 86_400, specialists: [entry], ...change }
      return { payload, text: await signJws('roster', payload, signer) }
    },
    async request({ deviceId, deviceKey }, change = {}) {
      const now = change.nowSeconds ?? nowSeconds
      const nonce = newNonce()
      const request: RequestPayload = {
        version: 1,
        id: newId('req'),
        deviceId,
        specialistId: person.specialistId,
        access: 'os',
        serviceKind: 'support',
        reason: 'The console reacts slowly',
        caseId: '48213',
        minutes: 30,
        sessionKey: session.publicJwk,
        commitment: commitmentTo(nonce),
        issuedAt: now,
        ...change.request,
      }
      const signed = await signRequest(request, { specialist: change.signers?.specialist ?? specialist, support: change.signers?.support ?? support })
      const { id: requestId, specialistId, access, minutes, sessionKey } = request
      const ticket: TicketPayload = {
        version: 1,
        id: newId('tkt'),
        requestId,
        requestHash: requestHash(signed),
        deviceId: request.deviceId,
        specialistId,
        access,
        limits: allLimits,
        ask: false,
        minutes,
        sessionKey,
        deviceKey,
        accessServer,
        fallback: null,
        issuedAt: now,
        joinBefore: now + 300,
        ...change.ticket,
      }
      const delivery: AccessDelivery = {
        id: newId('dlv'),
        kind: 'access-request',
        ticket: await signJws('ticket', ticket, change.signers?.ticket ?? ticketKey),
        request: signed,
        certificate: change.certificate ?? (await signJws('certificate', person, authority)),
      }
      return { delivery, request, ticket, nonce }
    },
  }
}
