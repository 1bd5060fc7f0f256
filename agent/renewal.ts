import type { AgentApi } from '@gantry/shared/agent-api.ts'
import type { ApiClient } from '@gantry/shared/node/api-client.ts'
import { certificateHash, createCertificateRequest, shareOfLife } from '@gantry/shared/node/certificates.ts'
import type { Audit } from './audit.ts'
import type { Clock } from './clock.ts'
import { requireOwn } from './enrolment.ts'
import type { IdentityStore } from './identity.ts'
import { factsOf, type Log } from './log.ts'

/**
 * This device's certificate, renewed by itself at two thirds of its life, with the key that it has. The one before stays good until its own end, so that nothing
 * hangs on the moment: an answer that is lost, a disk that is full or a crash leave the device with a certificate that works, and it asks again an hour later.
 */
export type RenewalWith = {
  identity: Pick<IdentityStore, 'keys' | 'enrolment' | 'renew'>
  call: ApiClient<Pick<AgentApi, 'device.renew'>>['call']
  audit: Pick<Audit, 'note'>
  clock: Pick<Clock, 'elapsed'>
  log: Log
}

/** Of its life; a device may be off for four months and still come back with a certificate of a year. */
const dueShare = 2 / 3
const againMs = 3_600_000

/** To be called after each answered poll, with the main server's time: it is who judges the certificate, and a device's clock may be wrong. Never throws. */
export function createRenewal({ identity, call, audit, clock, log }: RenewalWith): (serverTimeMs: number, signal: AbortSignal) => Promise<void> {
  let triedMs = Number.NEGATIVE_INFINITY
  const renew = async (nowMs: number, signal: AbortSignal) => {
    const enrolment = identity.enrolment()
    if (!enrolment) return
    const certificateRequest = await createCertificateRequest(identity.keys.device, 'gantry device')
    const { certificate } = await call('device.renew', { certificateRequest }, { signal })
    requireOwn({ ...enrolment, certificate }, identity.keys.device, nowMs)
    if (certificate === enrolment.certificate) return
    identity.renew(certificate)
    audit.note({ kind: 'device.renewed', actor: { kind: 'agent' }, data: { certificate: certificateHash(certificate) } })
  }
  return async (serverTimeMs, signal) => {
    const certificate = identity.enrolment()?.certificate
    if (!certificate || shareOfLife(certificate, serverTimeMs) < dueShare || clock.elapsed() - triedMs < againMs) return
    triedMs = clock.elapsed()
    await renew(serverTimeMs, signal).catch((error: unknown) => log.warn(factsOf(error), 'certificate not renewed yet'))
  }
}
