import { AppError } from '@gantry/shared/errors.ts'
import { SpecialistId } from '@gantry/shared/ids.ts'
import type { FastifyRequest } from 'fastify'
import type { AccessToken, Provider } from 'oidc-provider'
import type { Authenticate, Caller } from '../caller.ts'
import { createProofs } from './proofs.ts'
import { resource, resourceScope } from './provider.ts'

export function createAuthenticate({ provider, now }: { provider: Provider; now: () => number }): Authenticate {
  const proofs = createProofs(now)
  return async (request, reply) => {
    const token = tokenOf(request)
    if (token === null) throw new AppError('auth.not-signed-in')
    const found = await provider.AccessToken.find(token)
    const specialistId = SpecialistId.safeParse(found?.accountId)
    const mfaAt = found?.extra?.mfaAt
    if (!found?.jkt || found.isExpired || !isForUs(found) || !specialistId.success || typeof mfaAt !== 'number') throw new AppError('auth.session-expired')
    // The header `Host` is one of this server's names by now.
    const url = new URL(request.url, `https://${request.headers.host}`)
    await proofs.require(request.headers.dpop, { method: request.method, url, token, jkt: found.jkt }, (headers) => void reply.headers(headers))
    return { specialistId: specialistId.data, grantId: found.grantId, mfaAtMs: mfaAt * 1000 }
  }
}

export async function isSignedIn(provider: Provider, { grantId }: Caller): Promise<boolean> {
  return (await provider.Grant.find(grantId)) !== undefined
}

/** `Bearer` is no scheme here, so nobody gets around the proof by leaving it out (section 7.2). */
function tokenOf(request: FastifyRequest): string | null {
  return /^DPoP ([A-Za-z0-9._~+/-]{20,200})$/.exec(request.headers.authorization ?? '')?.[1] ?? null
}

function isForUs({ aud, scopes }: AccessToken): boolean {
  return [aud].flat().includes(resource) && scopes.has(resourceScope)
}
