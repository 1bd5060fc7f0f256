import type { AgentApi } from '@gantry/shared/agent-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { ApiClient } from '@gantry/shared/node/api-client.ts'
import { certificateHash, createCertificateRequest, shareOfLife } from '@gantry/shared/node/certificates.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { Audit } from './audit.ts'
import type { Clock } from './clock.ts'
import { requireOwn } from './enrolment.ts'
import type { Enrolment, IdentityStore } from './identity.ts'
import { factsOf, type Log } from './log.ts'

/**
 * This device's certificate, renewed by itself at two thirds of its life, with the key that it has. The one before stays good until its own end, so that nothing
 * hangs on the moment: an answer that is lost, a disk that is full or a crash leave the device with a certificate that works, and it asks again an hour later.
 */
export type RenewalWith = {
  identity: Pick<IdentityStore, 'keys' | 'enrolment' | 'renew'>
  call: ApiClient<Pick<AgentApi, 'device.renew'>>['call']
  /** SHA-256 of the device CAs that the authority has listed, the newest first. */
  deviceCas: () => readonly Hash[]
  audit: Pick<Audit, 'note'>
  clock: Pick<Clock, 'elapsed'>
  log: Log
}

/** Of its life; a device may be off for four months and still come back with a certificate of a year. */
const dueShare = 2 / 3
const againMs = 3_600_000

type Certified = Pick<Enrolment, 'certificate' | 'deviceCa'>

/** At two thirds of its life, or as soon as another CA has taken over from the one that issued it. */
function isDue({ certificate, deviceCa }: Certified, [newest]: readonly Hash[], serverTimeMs: number): boolean {
  return shareOfLife(certificate, serverTimeMs) >= dueShare || (newest !== undefined && certificateHash(deviceCa) !== newest)
}

/** Another CA than the pinned one counts where the authority has listed it: a main server alone cannot bring one in. */
function requireListed(deviceCa: string, pinned: string, listed: readonly Hash[]): void {
  if (deviceCa !== pinned && !listed.includes(certificateHash(deviceCa))) throw new AppError('server.answer-bad', { details: { what: 'device-ca' } })
}

/** To be called after each answered poll, with the main server's time: it is who judges the certificate, and a device's clock may be wrong. Never throws. */
export function createRenewal({ identity, call, deviceCas, audit, clock, log }: RenewalWith): (serverTimeMs: number, signal: AbortSignal) => Promise<void> {
  let triedMs = Number.NEGATIVE_INFINITY
  const renew = async (nowMs: number, signal: AbortSignal) => {
    const enrolment = identity.enrolment()
    if (!enrolment) return
    const certificateRequest = await createCertificateRequest(identity.keys.device, 'gantry device')
    const { certificate, deviceCa = enrolment.deviceCa } = await call('device.renew', { certificateRequest }, { signal })
    requireListed(deviceCa, enrolment.deviceCa, deviceCas())
    requireOwn({ ...enrolment, certificate, deviceCa }, identity.keys.device, nowMs)
    if (certificate === enrolment.certificate) return
    identity.renew({ certificate, deviceCa })
    audit.note({ kind: 'device.renewed', actor: { kind: 'agent' }, data: { certificate: certificateHash(certificate) } })
  }
  return async (serverTimeMs, signal) => {
    const enrolment = identity.enrolment()
    if (!enrolment || !isDue(enrolment, deviceCas(), serverTimeMs) || clock.elapsed() - triedMs < againMs) return
    triedMs = clock.elapsed()
    await renew(serverTimeMs, signal).catch((error: unknown) => log.warn(factsOf(error), 'certificate not renewed yet'))
  }
}
