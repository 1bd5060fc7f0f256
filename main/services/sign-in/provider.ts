import type { WellKnown } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { generateSigningKey, type SigningKey, sha256 } from '@gantry/shared/node/signing.ts'
import type { Language } from '@gantry/shared/words/errors.ts'
import * as oidc from 'openid-client'

/**
 * The OpenID provider as the client uses it: authorization code with PKCE S256 as a public native client (RFC 8252, RFC 7636), everything bound to a key that is
 * made for this sign-in (RFC 9449).
 */
export type Tokens = { accessToken: string; accessExpiresMs: number; refreshToken: string; proofKey: SigningKey }
/** Of a sign-in that has just been made: also whose it is, as the signed ID token says. */
export type FreshTokens = Tokens & { subject: string }
export type Provider = {
  /** In `language` as far as the provider has it (OpenID Connect Core section 3.1.2.1). `replaces`: a refresh token of the sign-in in whose place this one comes; its SHA-256 is told. */
  begin(asked: { language: Language; replaces: string | null }, redirectUri: (state: string) => Promise<string>): Promise<SignInAttempt>
  refresh(tokens: Pick<Tokens, 'refreshToken' | 'proofKey'>): Promise<Tokens>
  revoke(refreshToken: string): Promise<void>
}
/** `finish` exchanges the code; it checks state, nonce and issuer (RFC 9207) once more. */
export type SignInAttempt = { link: string; finish(answer: URL): Promise<FreshTokens> }

export const clientScope = 'openid offline_access gantry'
export const apiResource = 'urn:gantry:main-server'

export async function openProvider(
  { issuer, clientId }: Pick<WellKnown, 'issuer' | 'clientId'>,
  fetch: oidc.CustomFetch,
  now: () => number = Date.now,
): Promise<Provider> {
  const config = await attempt(() =>
    oidc.discovery(new URL(issuer), clientId, { token_endpoint_auth_method: 'none' }, oidc.None(), { [oidc.customFetch]: fetch, timeout: 15 }),
  )
  const read = (answer: oidc.TokenEndpointResponse, proofKey: SigningKey): Tokens => {
    if (!answer.refresh_token) throw new AppError('server.answer-bad', { details: { name: 'refresh_token' } })
    if (answer.token_type !== 'dpop') throw new AppError('server.answer-bad', { details: { name: 'token_type' } })
    return { accessToken: answer.access_token, refreshToken: answer.refresh_token, accessExpiresMs: now() + (answer.expires_in ?? 60) * 1_000, proofKey }
  }
  return {
    async begin({ language, replaces }, redirectUri) {
      const [verifier, state, nonce] = [oidc.randomPKCECodeVerifier(), oidc.randomState(), oidc.randomNonce()]
      const proofKey = generateSigningKey()
      const DPoP = await handleOf(config, proofKey)
      const asked = {
        scope: clientScope,
        resource: apiResource,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        dpop_jkt: await DPoP.calculateThumbprint(),
        // A sign-in always asks for password and code anew: an access request needs fresh MFA, and a browser's own session must not stand in for it.
        prompt: 'login consent',
        ui_locales: language,
        ...(replaces === null ? {} : { replaces: sha256(replaces) }),
      }
      // The provider's metadata may name no address to send a browser to, or none that may be opened.
      const link = await attempt(async () => oidc.buildAuthorizationUrl(config, asked))
      // Last, so that nothing listens for the answer to a question that could not be asked.
      link.searchParams.set('redirect_uri', await redirectUri(state))
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
      return {
        link: link.href,
        finish: (answer) =>
          attempt(async () => {
            const granted = await oidc.authorizationCodeGrant(config, answer, checks, { resource: apiResource }, { DPoP })
            return { ...read(granted, proofKey), subject: granted.claims()?.sub ?? '' }
          }),
      }
    },
    refresh: ({ refreshToken, proofKey }) =>
      attempt(async () => {
        const DPoP = await handleOf(config, proofKey)
        return read(await oidc.refreshTokenGrant(config, refreshToken, { resource: apiResource }, { DPoP }), proofKey)
      }),
    revoke: (refreshToken) => attempt(() => oidc.tokenRevocation(config, refreshToken, { token_type_hint: 'refresh_token' })),
  }
}

async function handleOf(config: oidc.Configuration, { privateKey, publicJwk }: SigningKey): Promise<oidc.DPoPHandle> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const pair = {
    privateKey: await crypto.subtle.importKey('pkcs8', new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' })), algorithm, false, ['sign']),
    publicKey: await crypto.subtle.importKey('jwk', publicJwk, algorithm, true, ['verify']),
  }
  return oidc.getDPoPHandle(config, pair)
}

async function attempt<T>(doing: () => Promise<T>): Promise<T> {
  try {
    return await doing()
  } catch (error) {
    throw judgeOidcError(error)
  }
}

/** One code for each kind of failure; the provider's own text stays in the cause. */
export function judgeOidcError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (error instanceof oidc.AuthorizationResponseError) {
    return new AppError(error.error === 'access_denied' ? 'auth.cancelled' : 'auth.callback-refused', { cause: error })
  }
  if (error instanceof oidc.ResponseBodyError)
    return new AppError(error.error === 'invalid_grant' ? 'auth.session-expired' : 'server.answer-bad', { cause: error })
  // openid-client wraps what its fetch threw.
  const inner = error instanceof Error ? error.cause : undefined
  if (inner instanceof AppError) return inner
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return new AppError('server.unreachable', { cause: error, details: { hop: 'answer', reason: 'timeout' } })
  }
  return new AppError('auth.callback-refused', { cause: error })
}
