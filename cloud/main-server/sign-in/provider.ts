import { randomBytes } from 'node:crypto'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import { type OidcContext, Provider } from 'oidc-provider'
import type { Logger } from 'pino'
import type { Database } from '../database.ts'
import { createOidcAdapter } from './oidc-adapter.ts'

export const clientId = 'gantry-desktop'
/** What an access token is for; the only thing that it is good for (RFC 8707). */
export const resource = 'urn:gantry:main-server'
export const resourceScope = 'gantry'
export const oidcScopes = 'openid offline_access'

/** A sign-in lasts a working day; within it the access token is changed every ten minutes. Seconds. */
const lifetimes = { accessToken: 600, signIn: 12 * 3_600, page: 900, code: 60 }

export type ProviderOptions = {
  issuer: string
  db: Database
  identityKey: SigningKey
  cookieSecret: string
  log: Logger
  renderError: (context: OidcContext, code: string) => void
}

/**
 * OpenID Connect for one native client (RFC 8252): code with PKCE S256, redirect to a loopback IP literal on any port, refresh tokens that rotate and whose
 * reuse revokes the whole family. Every token is bound to a key of the client's (DPoP), from the code on where the client names it (`dpop_jkt`). No other
 * grant, no registration, no device flow.
 */
export function createProvider({ issuer, db, identityKey, cookieSecret, log, renderError }: ProviderOptions): Provider {
  const provider = new Provider(issuer, {
    adapter: createOidcAdapter(db),
    clients: [client],
    jwks: { keys: [{ ...identityKey.privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }] },
    cookies: { keys: [cookieSecret], short: cookie, long: cookie },
    scopes: ['openid', 'offline_access'],
    responseTypes: ['code'],
    pkce: { required: () => true },
    // Which sign-in this one takes the place of (`elsewhere.ts`).
    extraParams: ['replaces'],
    allowOmittingSingleRegisteredRedirectUri: false,
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_context: unknown, { clientId: by }: { clientId: string }, token: { clientId: string }) => by === token.clientId,
      },
      // A proof is good with a nonce of this process alone: one that was made before, or for another time, is none.
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      resourceIndicators: { enabled: true, defaultResource: () => resource, useGrantedResource: () => true, getResourceServerInfo: resourceServer },
    },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256'] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/sign-in/${uid}` },
    // A refresh token comes with every sign-in, whether or not the client asked for the consent prompt that offline_access formally needs.
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    rotateRefreshToken: () => true,
    revokeGrantPolicy: () => true,
    extraTokenClaims: ({ oidc: { entities } }: OidcContext) => ({ mfaAt: (entities.AuthorizationCode ?? entities.RefreshToken)?.authTime }),
    ttl: {
      AccessToken: lifetimes.accessToken,
      AuthorizationCode: lifetimes.code,
      Grant: lifetimes.signIn,
      IdToken: lifetimes.accessToken,
      Interaction: lifetimes.page,
      // A rotated token inherits what is left: a sign-in does not grow longer by being used.
      RefreshToken: (context: OidcContext) => context.oidc.entities.RotatedRefreshToken?.remainingTTL ?? lifetimes.signIn,
      Session: lifetimes.page,
    },
    renderError: (context: OidcContext, { error }: { error: string }) => renderError(context, error),
  })
  provider.on('server_error', (_context, error) => log.error({ err: error }, 'sign-in defect'))
  return provider
}

const client = {
  client_id: clientId,
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  dpop_bound_access_tokens: true,
}

const cookie = { httpOnly: true, sameSite: 'lax', secure: true, signed: true }

function resourceServer() {
  return { scope: resourceScope, audience: resource, accessTokenFormat: 'opaque', accessTokenTTL: lifetimes.accessToken }
}
