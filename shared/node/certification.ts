import { AppError } from '../errors.ts'
import { CertificationPayload, type Hash, type SignedRequest } from '../ticket.ts'
import { readUnverified, type SigningKey, sha256, signByBoth, thumbprint, verifyByBoth } from './signing.ts'

/** A request for a certificate is good for this long, in seconds: somebody has to carry it to the security office. */
export const certificationSeconds = 14 * 86_400
const slackSeconds = 300

/** What a workstation hands to the security office. Both keys sign, so that nobody can have a key certified that they do not hold. */
export function signCertification(payload: CertificationPayload, keys: { specialist: SigningKey; support: SigningKey }): Promise<SignedRequest> {
  return signByBoth('certification', CertificationPayload.parse(payload), [keys.specialist, keys.support])
}

/** `now` in Unix seconds. Throws `authority.request-bad`: a signature, shape or time that does not hold, or one key twice. */
export async function checkCertification(signed: SignedRequest, now: number): Promise<CertificationPayload> {
  const failure = 'authority.request-bad'
  const said = readUnverified(`.${signed.payload}.`, CertificationPayload, failure)
  const payload = await verifyByBoth(signed, {
    ...{ type: 'certification', schema: CertificationPayload, failure },
    keys: [said.specialistKey, said.supportKey],
  })
  const inTime = payload.issuedAt <= now + slackSeconds && now <= payload.issuedAt + certificationSeconds
  if (!inTime || thumbprint(payload.specialistKey) === thumbprint(payload.supportKey)) throw new AppError(failure)
  return payload
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Sixteen characters that a person can read out, for both keys, over their RFC 7638 thumbprints. */
export function shortFingerprint(marks: { specialistKey: Hash; supportKey: Hash }): string {
  return shortMark(`${marks.specialistKey} ${marks.supportKey}`)
}

/** Sixteen characters that a person can read out: 80 bits of SHA-256. */
export function shortMark(of: string): string {
  const bytes = Buffer.from(sha256(of), 'base64url').subarray(0, 16)
  const text = [...bytes].map((byte) => alphabet[byte & 31]).join('')
  return text.match(/.{4}/g)?.join('-') ?? ''
}
