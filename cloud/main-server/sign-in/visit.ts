import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { errorCodes, type Failure } from '@gantry/shared/errors.ts'
import { errorWords, type Language } from '@gantry/shared/words/errors.ts'
import { signInEn } from '@gantry/shared/words/sign-in.en.ts'
import { signInFr } from '@gantry/shared/words/sign-in.fr.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Interaction, Provider } from 'oidc-provider'
import type { Logger } from 'pino'
import type { Database } from '../database.ts'
import { languageOf } from '../pages.ts'
import type { Elsewhere } from './elsewhere.ts'
import { type Page, type Problem, renderPage, usesScript } from './page.ts'
import type { Passkeys } from './passkeys.ts'
import type { Upstream } from './upstream.ts'

export type SignInTools = {
  db: Database
  provider: Provider
  /** The organisation's own provider; null: people sign in with a password kept here. */
  upstream: Upstream | null
  /** Null where this server has no domain name that one could belong to. */
  passkeys: Passkeys | null
  elsewhere: Pick<Elsewhere, 'note'>
  organisation: string
  /** True only where the seed is a sandbox's and the server listens on loopback: then the page shows the code. */
  showsCode: boolean
  append: (event: NewAuditEvent) => void
  log: Logger
  onDefect: (error: unknown) => void
  now: () => number
}
/** One browser at one sign-in of the provider's. */
export type Visit = { request: FastifyRequest; reply: FastifyReply; interaction: Interaction; language: Language }

export const words = { en: signInEn, fr: signInFr }

/** The sign-in that the browser's cookie belongs to; null after a page that says that it is over. */
export async function openVisit(tools: SignInTools, request: FastifyRequest, reply: FastifyReply): Promise<Visit | null> {
  const interaction = await tools.provider.interactionDetails(request.raw, reply.raw).catch(() => null)
  const language = languageOf(request, interaction?.params.ui_locales)
  const { uid } = request.params as { uid: string }
  if (interaction?.uid === uid) return { request, reply, interaction, language }
  await sendPage(tools, { reply: reply.code(400), language }, { step: 'over' })
  return null
}

/** A page that says what was refused: its status is the failure's, which is also in the header, for clients without a screen. */
export function sendRefusal(tools: SignInTools, visit: Visit, failure: Failure, page: Page): FastifyReply {
  void visit.reply.code(errorCodes[failure.code].status).header('gantry-failure', JSON.stringify(failure))
  return sendPage(tools, visit, page)
}

export function problemOf(failure: Failure, language: Language): Problem {
  if (failure.code === 'auth.wrong-credentials') {
    const { code, password } = words[language]
    return { text: failure.details?.factor === 'code' ? code.wrong : password.wrong, code: failure.code }
  }
  const { what, todo } = errorWords(failure, language)
  return { text: `${what} ${todo}`, code: failure.code }
}

export function sendPage(
  tools: SignInTools,
  { reply, language, interaction }: Pick<Visit, 'reply' | 'language'> & { interaction?: Interaction },
  page: Page,
): FastifyReply {
  const frame = { words: words[language], organisation: tools.organisation, languageLink: `?lang=${words[language].other.tag}` }
  void reply.headers({
    'content-security-policy': pagePolicy(page, interaction),
    'referrer-policy': 'same-origin',
    'content-language': language,
    vary: 'accept-language',
  })
  return reply.type('text/html; charset=utf-8').send(renderPage(page, frame))
}

/**
 * Chromium holds every redirect after a form to `form-action`, so the client's loopback address is named. An IPv6 literal cannot be written in a policy
 * (CSP level 3 section 2.3.1), so there the scheme has to do.
 */
function pagePolicy(page: Page, interaction?: Interaction): string {
  const redirect = URL.parse(String(interaction?.params.redirect_uri ?? ''))
  const target = !redirect ? '' : redirect.hostname.startsWith('[') ? ' http:' : ` ${redirect.origin}`
  const script = usesScript(page) ? " script-src 'self';" : ''
  return `default-src 'none';${script} style-src 'self'; img-src 'self'; form-action 'self'${target}; frame-ancestors 'none'; base-uri 'none'`
}
