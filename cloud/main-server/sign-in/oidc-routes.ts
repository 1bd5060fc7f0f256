import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { SpecialistId } from '@gantry/shared/ids.ts'
import { signInEn } from '@gantry/shared/words/sign-in.en.ts'
import { signInFr } from '@gantry/shared/words/sign-in.fr.ts'
import type { FastifyInstance } from 'fastify'
import type { OidcContext, Provider } from 'oidc-provider'
import { renderPage } from './page.ts'

/** Hands everything under `/oidc` to the provider, bodies unread. */
export function addOidcRoutes(app: FastifyInstance, provider: Provider): void {
  const handle = provider.callback()
  void app.register(async (oidc) => {
    oidc.removeAllContentTypeParsers()
    oidc.addContentTypeParser('*', (_request, _body, done) => done(null))
    oidc.all('/oidc/*', async (request, reply) => {
      reply.hijack()
      const raw = request.raw as typeof request.raw & { originalUrl?: string }
      raw.originalUrl = request.url
      raw.url = request.url.slice('/oidc'.length)
      if (raw.url.startsWith('/auth')) forgetSession(raw.headers)
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
      await handle(raw, reply.raw)
    })
  })
}

/** Nobody is signed in again silently: each authorization starts without the browser's session, so password and code are asked every time. */
function forgetSession(headers: { cookie?: string | undefined }): void {
  const kept = headers.cookie?.split(';').filter((cookie) => !cookie.trim().startsWith('_session'))
  if (kept?.length) headers.cookie = kept.join(';')
  else delete headers.cookie
}

/** An authorization request that cannot be answered to its client, such as one with a redirect that is not registered. */
export function renderOidcError(context: OidcContext, code: string, organisation: string): void {
  const words = /^fr\b/i.test(context.req.headers['accept-language'] ?? '') ? signInFr : signInEn
  context.type = 'html'
  context.set('content-security-policy', "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'")
  context.body = renderPage({ step: 'refused', code }, { words, organisation, languageLink: null })
}

export type SignOutTools = {
  append: (event: NewAuditEvent) => void
  ended: (grantId: string, why: 'signed-out' | 'token-reused') => void
  /** The person is signed in at one place less. */
  changed: (specialistId: SpecialistId) => void
  /** Ends what was opened under it. */
  onReuse: (grantId: string, specialistId: SpecialistId) => void
}

/** A family of tokens has ended: signed out, or its code or one of its refresh tokens was used twice. */
export function auditSignOuts(provider: Provider, { append, ended, changed, onReuse }: SignOutTools): void {
  provider.on('grant.revoked', ({ oidc: { route, entities } }, grantId) => {
    const why = route === 'revocation' ? 'signed-out' : 'token-reused'
    ended(grantId, why)
    const who = SpecialistId.safeParse((entities.RefreshToken ?? entities.AccessToken ?? entities.AuthorizationCode)?.accountId)
    if (why === 'token-reused' && who.success) onReuse(grantId, who.data)
    if (who.success) changed(who.data)
    append({ kind: 'specialist.signed-out', actor: { kind: 'specialist', ...(who.success ? { id: who.data } : {}) }, data: { why } })
  })
}
