import { timingSafeEqual } from 'node:crypto'
import type { AgentApi } from '@gantry/shared/agent-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { ApiClient } from '@gantry/shared/node/api-client.ts'
import { namedAuthorityKeys } from '@gantry/shared/node/authority-keys.ts'
import { checkDeviceCertificate, createCertificateRequest } from '@gantry/shared/node/certificates.ts'
import { type SigningKey, thumbprint } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { Enrolment, hostKeyText, type Keys } from './identity.ts'
import { agentVersion } from './version.ts'

/**
 * The enrolment code: `GNT1-<secret>-<authority>`. The secret goes to the main server, once. The rest, 26 characters of base 32 (RFC 4648, any case, no padding),
 * is the first 128 bits of the authority key's thumbprint and stays here: a stolen main server that pins an authority of its own is found out (architecture 3.5).
 */
export type EnrolmentCode = { secret: string; authority: Buffer }

/** Throws `enrol.code-bad` for anything else. */
export function parseEnrolmentCode(text: string): EnrolmentCode {
  const match = /^GNT1-([A-Z2-7]{16,64})-([A-Z2-7]{26})$/i.exec(text.trim())
  if (!match?.[1] || !match[2]) throw new AppError('enrol.code-bad')
  return { secret: match[1], authority: decodeBase32(match[2]).subarray(0, 16) }
}

/** The key that the code names, of all that the main server tells: an authority whose key changed has several. Throws `enrol.authority-mismatch`. */
export function authorityOf(code: EnrolmentCode, told: readonly PublicJwk[]): PublicJwk {
  const named = told.find((key) => {
    const mark = Buffer.from(thumbprint(key), 'base64url').subarray(0, 16)
    return code.authority.length === mark.length && timingSafeEqual(code.authority, mark)
  })
  if (!named) throw new AppError('enrol.authority-mismatch')
  return named
}

export type EnrolWith = {
  code: EnrolmentCode
  keys: Keys
  model: string
  call: ApiClient<Pick<AgentApi, 'device.enrol'>>['call']
  signal: AbortSignal
}

/**
 * Asks once. What comes back is believed only as far as it fits: the authority named by the code, and a certificate for this device's own key.
 * Throws `enrol.code-bad`, `enrol.authority-mismatch`, `server.answer-bad {what}`, and whatever the call throws.
 */
export async function enrol({ code, keys, model, call, signal }: EnrolWith): Promise<Enrolment> {
  const certificateRequest = await createCertificateRequest(keys.device, 'gantry device')
  const input = { code: code.secret, certificateRequest, hostKey: hostKeyText(keys.host.publicJwk), auditKey: keys.audit.publicJwk, model, agentVersion }
  const answer = await call('device.enrol', input, { signal })
  const authorityKey = authorityOf(code, [answer.authorityKey, ...namedAuthorityKeys(answer.authorityKeys ?? [])])
  const enrolment = Enrolment.parse({ ...answer, authorityKey })
  requireOwn(enrolment, keys.device)
  return enrolment
}

/** Throws `server.answer-bad {what}` for a certificate that is not of the pinned CA, for this device, for its own key, or not in its time. */
export function requireOwn(
  { certificate, deviceCa, deviceId }: Pick<Enrolment, 'certificate' | 'deviceCa' | 'deviceId'>,
  key: SigningKey,
  nowMs = Date.now(),
): void {
  const certified = checkDeviceCertificate(certificate, deviceCa, 'server.answer-bad', nowMs)
  const isOwn = certified.deviceId === deviceId && thumbprint(certified.publicJwk) === thumbprint(key.publicJwk)
  if (!isOwn) throw new AppError('server.answer-bad', { details: { what: 'certificate' } })
}

/** RFC 4648 section 6; the caller has checked the alphabet. */
function decodeBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const character of text.toUpperCase()) {
    held = (held << 5) | 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character)
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 255)
    }
    held &= (1 << bits) - 1
  }
  return Buffer.from(bytes)
}
