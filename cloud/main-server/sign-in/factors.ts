import type { UpstreamSettings } from '../upstream-settings.ts'

/**
 * What the methods of RFC 8176 rest on. Those that are left out count for nothing: a message to a telephone (`sms`, `tel`) can be had by somebody else
 * (NIST SP 800-63B section 5.1.3.3), and a place or a risk score is no factor.
 */
const kinds: Readonly<Record<string, 'known' | 'held' | 'inherent'>> = {
  ...{ pwd: 'known', pin: 'known' },
  ...{ otp: 'held', hwk: 'held', swk: 'held', sc: 'held' },
  ...{ face: 'inherent', fpt: 'inherent', iris: 'inherent', retina: 'inherent', vbm: 'inherent' },
}

/** True where the provider says that two factors of different kinds were asked; everything that it does not say, or says in another shape, is a no. */
export function hasSecondFactor({ amr, acr }: Readonly<Record<string, unknown>>, policy: Pick<UpstreamSettings, 'acr' | 'secondFactor'>): boolean {
  if (policy.secondFactor === 'always') return false
  if (typeof acr === 'string' && policy.acr.includes(acr)) return true
  const methods = methodsOf(amr)
  return methods.includes('mfa') || new Set(methods.flatMap((method) => (Object.hasOwn(kinds, method) ? [kinds[method]] : []))).size > 1
}

/** Names of the methods, for the audit; what has not the shape of one is left out. */
export function methodsOf(amr: unknown): string[] {
  if (!Array.isArray(amr)) return []
  return amr.filter((method): method is string => typeof method === 'string' && /^[A-Za-z0-9_-]{1,20}$/.test(method)).slice(0, 10)
}
