import { AppError } from '@gantry/shared/errors.ts'
import { SpecialistId } from '@gantry/shared/ids.ts'
import type { AccessToken, Provider } from 'oidc-provider'
import type { Caller } from '../caller.ts'
import { resource, resourceScope } from './provider.ts'

/** Whom an access token stands for. Errors: `auth.not-signed-in` without one, `auth.session-expired` for one that is over, revoked or for something else. */
export async function authenticateBearer(provider: Provider, token: string | null): Promise<Caller> {
  if (token === null) throw new AppError('auth.not-signed-in')
  const found = await provider.AccessToken.find(token)
  const specialistId = SpecialistId.safeParse(found?.accountId)
  const mfaAt = found?.extra?.mfaAt
  if (!found || found.isExpired || !isForUs(found) || !specialistId.success || typeof mfaAt !== 'number') throw new AppError('auth.session-expired')
  return { specialistId: specialistId.data, grantId: found.grantId, mfaAtMs: mfaAt * 1000 }
}

export async function isSignedIn(provider: Provider, { grantId }: Caller): Promise<boolean> {
  return (await provider.Grant.find(grantId)) !== undefined
}

function isForUs({ aud, scopes }: AccessToken): boolean {
  return [aud].flat().includes(resource) && scopes.has(resourceScope)
}
