import { createHmac, randomBytes } from 'node:crypto'
import { AppError } from '@gantry/shared/errors.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { createHttpsFetch, type HttpsFetch } from '@gantry/shared/node/https-fetch.ts'
import { signingKeyFrom, thumbprint } from '@gantry/shared/node/signing.ts'
import * as oidc from 'openid-client'
import { readAuthorities, readCredential, type UpstreamCredential, type UpstreamSettings } from '../upstream-settings.ts'
import { hasSecondFactor, methodsOf } from './factors.ts'

/** The organisation's own OpenID provider, of which this server is a client. */
export type Upstream = {
  issuer: string
  name: string
  /** Where to send the person. `state` names the visit; it is shown to the browser and to the provider, and is good once. Throws as `finish`. */
  begin(language: string): Promise<{ link: string; state: string }>
  /**
   * What the provider says of who came back with this query, after a visit that began at `sentMs`. Errors: `auth.provider-unreachable {host, reason}`,
   * `auth.provider-refused {reason}`, `auth.provider-answer-bad {reason}`.
   */
  finish(query: URLSearchParams, visit: { state: string; sentMs: number }): Promise<Vouched>
}
/** `vouchedMs`: when the person signed in there, by the provider's clock, and never later than now. */
export type Vouched = { subject: string; vouchedMs: number; hasSecondFactor: boolean; methods: string[] }

export type UpstreamOptions = {
  settings: UpstreamSettings
  /** The one address to which it may send people back. */
  redirectUri: string
  /** From which each visit's nonce and verifier are derived, so that neither is stored. */
  secret: string
  now: () => number
}

/** How far the provider's clock may be from ours. */
const toleranceSeconds = 30
/** Sent along so that `auth_time` is said. Not 0, which some providers refuse (glewlwyd 2.7). */
const maxAgeSeconds = 60
/** For how long its metadata is taken as they were read. */
const metadataMs = 3_600_000

/**
 * Authorization code with PKCE S256 (RFC 6749, RFC 7636), state, nonce, and the answer's issuer (RFC 9207). The issuer is pinned, and every endpoint to it or to
 * `origins`. ID tokens are checked by signature, issuer, audience, authorized party, times and nonce, although they come over TLS. Each visit asks for a new sign-in there
 * (`prompt=login`), and `auth_time`, which `max_age` makes the provider say, must show one: a provider's session that somebody left open opens nothing.
 */
export function createUpstream({ settings, redirectUri, secret, now }: UpstreamOptions): Upstream {
  const credential = readCredential(settings)
  const origins = [new URL(settings.issuer).origin, ...settings.origins]
  const fetch = notDown(createHttpsFetch({ origins, dial: createDialler({ ca: readAuthorities(settings) }) }))
  let known: { config: Promise<oidc.Configuration>; untilMs: number } | null = null
  const open = (): Promise<oidc.Configuration> => {
    if (known && known.untilMs > now()) return known.config
    const config = discover(settings, { credential, origins, fetch })
    const fresh = { config, untilMs: now() + metadataMs }
    known = fresh
    config.catch(() => {
      if (known === fresh) known = null
    })
    return config
  }
  const derive = (what: 'nonce' | 'verifier', state: string) => createHmac('sha256', secret).update(`upstream ${what} ${state}`).digest('base64url')
  return {
    ...{ issuer: settings.issuer, name: settings.name },
    begin: (language) =>
      judged(settings, async () => {
        const state = randomBytes(32).toString('base64url')
        const link = oidc.buildAuthorizationUrl(await open(), {
          redirect_uri: redirectUri,
          scope: 'openid',
          state,
          nonce: derive('nonce', state),
          code_challenge: await oidc.calculatePKCECodeChallenge(derive('verifier', state)),
          code_challenge_method: 'S256',
          prompt: 'login',
          max_age: String(maxAgeSeconds),
          ui_locales: language,
          ...(settings.acr.length > 0 ? { acr_values: settings.acr.join(' ') } : {}),
        })
        return { link: link.href, state }
      }),
    finish: (query, { state, sentMs }) =>
      judged(settings, async () => {
        const answer = new URL(`${redirectUri}?${query}`)
        const checks = { pkceCodeVerifier: derive('verifier', state), expectedState: state, expectedNonce: derive('nonce', state), idTokenExpected: true }
        const granted = await oidc.authorizationCodeGrant(await open(), answer, checks)
        const claims = granted.claims()
        if (!claims) throw bad('id_token')
        // The library asks for it only beside several audiences (OpenID Connect Core section 3.1.3.7, 5).
        if (claims.azp !== undefined && claims.azp !== settings.clientId) throw bad('azp')
        const saysWhen = settings.authTime === 'required' || Boolean(claims.auth_time)
        // Not before the person was sent there, as far as `prompt=login` was kept to.
        const vouchedMs = saysWhen ? requireNew(claims.auth_time, sentMs, now()) : sentMs
        return { subject: claims.sub, vouchedMs, hasSecondFactor: saysWhen && hasSecondFactor(claims, settings), methods: methodsOf(claims.amr) }
      }),
  }
}

/** The sign-in at the provider must have been made on this visit. */
function requireNew(authTime: unknown, sentMs: number, nowMs: number): number {
  if (typeof authTime !== 'number' || !Number.isSafeInteger(authTime)) throw bad('auth_time')
  const slackMs = toleranceSeconds * 1_000
  // Whole seconds: what happened in the second of the sending counts.
  if (authTime * 1_000 < sentMs - 1_000 - slackMs || authTime * 1_000 > nowMs + slackMs) throw bad('auth_time')
  return Math.min(authTime * 1_000, nowMs)
}

type Discover = { credential: UpstreamCredential; origins: readonly string[]; fetch: HttpsFetch }

async function discover({ issuer, clientId }: UpstreamSettings, { credential, origins, fetch }: Discover): Promise<oidc.Configuration> {
  const found = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), { [oidc.customFetch]: fetch, timeout: 15 })
  const metadata = found.serverMetadata()
  if (metadata.issuer !== issuer) throw bad('issuer')
  if (!origins.includes(URL.parse(metadata.authorization_endpoint ?? '')?.origin ?? '')) throw bad('authorization_endpoint')
  const config = new oidc.Configuration(metadata, clientId, { [oidc.clockTolerance]: toleranceSeconds }, await proofOf(credential))
  config[oidc.customFetch] = fetch
  config.timeout = 15
  oidc.enableNonRepudiationChecks(config)
  return config
}

async function proofOf(credential: UpstreamCredential): Promise<oidc.ClientAuth> {
  if ('secret' in credential) return credential.in === 'header' ? oidc.ClientSecretBasic(credential.secret) : oidc.ClientSecretPost(credential.secret)
  const { privateKey, publicJwk } = signingKeyFrom(credential.keyPem)
  const pkcs8 = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return oidc.PrivateKeyJwt({ key, kid: thumbprint(publicJwk) })
}

/** A proxy in front of a provider that is down answers for it. */
function notDown(fetch: HttpsFetch): HttpsFetch {
  return async (url, options) => {
    const response = await fetch(url, options)
    if (response.status < 500) return response
    throw new AppError('server.unreachable', { details: { host: new URL(url).hostname, hop: 'answer', reason: String(response.status) } })
  }
}

function bad(reason: string): AppError {
  return new AppError('auth.provider-answer-bad', { details: { reason } })
}

async function judged<T>({ issuer }: UpstreamSettings, doing: () => Promise<T>): Promise<T> {
  try {
    return await doing()
  } catch (error) {
    throw judgeUpstreamError(error, new URL(issuer).hostname)
  }
}

/** One code for each kind of failure. The library's own error may hold the person's claims, so only its name and code go on. */
function judgeUpstreamError(error: unknown, host: string): AppError {
  const chain = causesOf(error)
  const ours = chain.find((one) => one instanceof AppError)
  if (ours?.code.startsWith('auth.')) return ours
  if (ours) return new AppError('auth.provider-unreachable', { cause: ours, details: { host, reason: String(ours.details?.reason ?? ours.code) } })
  if (error instanceof oidc.AuthorizationResponseError) return new AppError('auth.provider-refused', { details: { reason: plain(error.error) } })
  if (chain.some((one) => one instanceof Error && (one.name === 'AbortError' || one.name === 'TimeoutError')))
    return new AppError('auth.provider-unreachable', { details: { host, reason: 'timeout' } })
  if (error instanceof oidc.ResponseBodyError) return bad(plain(error.error))
  return bad(plain(claimOf(chain) ?? (error instanceof Error && 'code' in error ? error.code : 'unknown')))
}

function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one !== undefined && one !== null && chain.length < 6; one = one instanceof Error ? one.cause : undefined) chain.push(one)
  return chain
}

/** Which claim of the ID token, or which field of the answer, did not fit: oauth4webapi names it beside the values. */
function claimOf(chain: unknown[]): string | undefined {
  for (const one of chain) if (typeof one === 'object' && one !== null && 'claim' in one && typeof one.claim === 'string') return one.claim
  return undefined
}

function plain(text: unknown): string {
  return String(text)
    .replaceAll(/[^A-Za-z0-9_.-]/g, '?')
    .slice(0, 60)
}
