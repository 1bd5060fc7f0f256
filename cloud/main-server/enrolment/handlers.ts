import { X509Certificate } from 'node:crypto'
import type { Region } from '@gantry/shared/access-api.ts'
import type { AgentApi } from '@gantry/shared/agent-api.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { type Ca, certificateHash, checkDeviceCertificate, issueDeviceCertificate, shareOfLife } from '@gantry/shared/node/certificates.ts'
import { thumbprint as thumbprintOf } from '@gantry/shared/node/signing.ts'
import type { AccessServerRef, CompactJws, PublicJwk } from '@gantry/shared/ticket.ts'
import type { DeviceCaller } from '../caller.ts'
import type { Database } from '../database.ts'
import { recordFailure, requireNotThrottled, type Trial } from '../throttle.ts'
import { enrolDevice, findCertificate, findGoodCode, storeCertificate } from './store.ts'

export type EnrolmentTools = {
  db: Database
  deviceCa: () => Ca
  authorityKey: PublicJwk
  /** How it came to be another one: a device's code may name any of these keys. */
  authorityKeys: () => readonly CompactJws[]
  ticketKey: () => PublicJwk
  auditKey: PublicJwk
  agentOrigin: string
  /** All that this customer's sessions may use, up or not: the device lets out to these and no others. */
  endpoints: (regions: readonly Region[] | null) => AccessServerRef[]
  append: (event: NewAuditEvent) => void
  now: () => number
}

/** An OpenSSH public key line without a comment: the type, then base64 of the key blob (RFC 4253 section 6.6, RFC 5656 section 3.1). */
const hostKeyLine = /^ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY[A-Za-z0-9+/]{80,120}={0,2}$/

/** Errors: `enrol.code-bad`, for an unknown, a used and an old code alike; `auth.throttled {seconds}` after too many of them from one address; `enrol.request-bad {field}`. */
export function createEnrolmentHandlers(tools: EnrolmentTools): Pick<Handlers<AgentApi, { address: string }>, 'device.enrol'> {
  const { db, deviceCa, append, now } = tools
  return {
    async 'device.enrol'({ code, certificateRequest, hostKey, auditKey, model, agentVersion }, { address }) {
      const trial: Trial = { door: 'enrolment', account: '', address, nowMs: now() }
      await requireNotThrottled(db, trial)
      const device = await findGoodCode(db, code, now())
      if (!device) {
        await recordFailure(db, trial)
        append({ kind: 'enrolment.refused', actor: { kind: 'unknown' }, data: { code: 'enrol.code-bad' } })
        throw new AppError('enrol.code-bad')
      }
      const { deviceId, name, customer, site, onlyRegions } = device
      if (!hostKeyLine.test(hostKey)) throw new AppError('enrol.request-bad', { details: { field: 'hostKey' } })
      const ca = deviceCa()
      const certificate = await issueDeviceCertificate(ca, certificateRequest, deviceId, { days: certificateDays, now: now() })
      const { publicJwk: deviceKey } = checkDeviceCertificate(certificate, ca.certificatePem, 'enrol.request-bad', now())
      const thumbprint = certificateHash(certificate)
      append({ kind: 'device.enrolled', actor: { kind: 'agent', id: deviceId, name }, deviceId, data: { model, agentVersion, certificate: thumbprint } })
      await enrolDevice(db, code, { deviceId, certificate, thumbprint, deviceKey, hostKey, auditKey, agentVersion }, now())
      const { authorityKey, authorityKeys, ticketKey, agentOrigin, endpoints } = tools
      return {
        deviceId,
        name,
        customer,
        site,
        certificate,
        deviceCa: ca.certificatePem,
        authorityKey,
        authorityKeys: [...authorityKeys()],
        ticketKey: ticketKey(),
        mainServerAuditKey: tools.auditKey,
        agentOrigin,
        accessServers: endpoints(onlyRegions),
      }
    },
  }
}

const certificateDays = 365

export type RenewalTools = Pick<EnrolmentTools, 'db' | 'deviceCa' | 'append' | 'now'>

/**
 * A fresh certificate for the key that the device has: whoever calls has just proven it (TLS), and the request is signed by it too. One that is young, of the CA in use, is answered again, so that a lost
 * answer costs nothing and nobody collects certificates. Errors: `enrol.request-bad {field}`, `device.unknown`.
 */
export function createRenewalHandlers({ db, deviceCa, append, now }: RenewalTools): Pick<Handlers<AgentApi, DeviceCaller>, 'device.renew'> {
  return {
    async 'device.renew'({ certificateRequest }, { deviceId, name }) {
      const known = await findCertificate(db, deviceId)
      if (!known) throw new AppError('device.unknown')
      const ca = deviceCa()
      const young = shareOfLife(known.certificate, now()) < youngShare && isIssuedBy(known.certificate, ca)
      if (young) return { certificate: known.certificate, deviceCa: ca.certificatePem }
      const certificate = await issueDeviceCertificate(ca, certificateRequest, deviceId, { days: certificateDays, now: now() })
      const { publicJwk } = checkDeviceCertificate(certificate, ca.certificatePem, 'enrol.request-bad', now())
      if (thumbprintOf(publicJwk) !== thumbprintOf(known.deviceKey)) throw new AppError('enrol.request-bad', { details: { field: 'key' } })
      const thumbprint = certificateHash(certificate)
      append({ kind: 'device.renewed', actor: { kind: 'agent', id: deviceId, name }, deviceId, data: { certificate: thumbprint } })
      await storeCertificate(db, deviceId, { certificate, thumbprint })
      return { certificate, deviceCa: ca.certificatePem }
    },
  }
}

function isIssuedBy(certificatePem: string, { certificatePem: caPem }: Ca): boolean {
  return new X509Certificate(certificatePem).checkIssued(new X509Certificate(caPem))
}

/** A certificate that has lived less than this share of its life needs no successor. */
const youngShare = 0.5
