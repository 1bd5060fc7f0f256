import { AppError } from '@gantry/shared/errors.ts'
import { readUnverified, signingKeyFrom, thumbprint } from '@gantry/shared/node/signing.ts'
import { CertificatePayload, CompactJws } from '@gantry/shared/ticket.ts'
import type { SecretStore } from '../secret-store.ts'
import type { Keys } from '../services.ts'

/**
 * The specialist's two keys and the authority's certificate over them. The workstation does not judge the certificate's signature (devices do, and pin the authority);
 * it only makes sure that it speaks of these keys, so that nobody signs in another's name by mistake.
 */
export function createKeys(store: SecretStore, now: () => number): Keys {
  return {
    async load() {
      const [specialistPem, supportPem, text] = await Promise.all([store.get('specialist-key'), store.get('support-key'), store.get('certificate')])
      if (specialistPem === null || supportPem === null || text === null) throw new AppError('auth.keys-missing')
      const [specialist, support] = [signingKeyFrom(specialistPem), signingKeyFrom(supportPem)]
      const certificate = CompactJws.safeParse(text.trim())
      if (!certificate.success) throw new AppError('auth.keys-missing')
      const payload = readUnverified(certificate.data, CertificatePayload, 'auth.keys-missing')
      const same = thumbprint(payload.specialistKey) === thumbprint(specialist.publicJwk) && thumbprint(payload.supportKey) === thumbprint(support.publicJwk)
      if (!same) throw new AppError('auth.keys-missing')
      if (now() / 1_000 > payload.expiresAt) throw new AppError('auth.certificate-expired')
      return { specialist, support, certificate: certificate.data, payload }
    },
  }
}
