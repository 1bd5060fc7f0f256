import { readFileSync } from 'node:fs'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { AppError, errorCodes, type Failure, toFailure } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { errorWords, type Language } from '@gantry/shared/words/errors.ts'
import { signInEn } from '@gantry/shared/words/sign-in.en.ts'
import { signInFr } from '@gantry/shared/words/sign-in.fr.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Interaction, Provider } from 'oidc-provider'
import type { Database } from '../database.ts'
import { type Page, type Problem, renderPage, type SandboxCode } from './page.ts'
import { clientId, oidcScopes, resource, resourceScope } from './provider.ts'
import { checkCode, checkPassword } from './steps.ts'
import { type Account, beginCodeStep, endCodeStep, findAccount, findCodeStep } from './store.ts'
import { codeOf, secondsUntilStep, stepAt } from './totp.ts'

export type SignInTools = {
  db: Database
  provider: Provider
  organisation: string
  /** True only where the seed is a sandbox's and the server listens on loopback: then the page shows the code. */
  showsCode: boolean
  append: (event: NewAuditEvent) => void
  onDefect: (error: unknown) => void
  now: () => number
}
type Visit = { request: FastifyRequest; reply: FastifyReply; interaction: Interaction; language: Language }

const stepMinutes = 5
const words = { en: signInEn, fr: signInFr }
const style = readFileSync(new URL('./style.css', import.meta.url))
const icon = readFileSync(new URL('./icon.svg', import.meta.url))

/**
 * The pages between the authorization request and its answer. One address, `/sign-in/<uid>`; a form posts `username` and `password`, then `code`, to it. A
 * refusal is a page with status 401 or 429 whose header `gantry-failure` holds the failure as JSON, for clients without a screen.
 */
export function addSignInRoutes(app: FastifyInstance, tools: SignInTools): void {
  void app.register(async (pages) => {
    pages.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 4_096 }, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body.toString())))
    })
    pages.get('/sign-in/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').header('cache-control', 'max-age=3600').send(style))
    pages.get('/sign-in/icon.svg', (_request, reply) => reply.type('image/svg+xml').header('cache-control', 'max-age=3600').send(icon))
    pages.get('/sign-in/done', (request, reply) => sendPage(tools, { reply, language: languageOf(request) }, { step: 'done' }))
    pages.get('/sign-in/:uid', async (request, reply) => {
      const visit = await openVisit(tools, request, reply)
      return visit ? showStep(tools, visit, null) : reply
    })
    pages.post('/sign-in/:uid', async (request, reply) => {
      const visit = await openVisit(tools, request, reply)
      return visit ? takeStep(tools, visit) : reply
    })
  })
}

/** The sign-in that the browser's cookie belongs to; null after a page that says that it is over. */
async function openVisit(tools: SignInTools, request: FastifyRequest, reply: FastifyReply): Promise<Visit | null> {
  const interaction = await tools.provider.interactionDetails(request.raw, reply.raw).catch(() => null)
  const language = languageOf(request, interaction?.params.ui_locales)
  const { uid } = request.params as { uid: string }
  if (interaction?.uid === uid) return { request, reply, interaction, language }
  await sendPage(tools, { reply: reply.code(400), language }, { step: 'over' })
  return null
}

async function takeStep(tools: SignInTools, visit: Visit): Promise<FastifyReply> {
  const form = visit.request.body as Record<string, string> | undefined
  const pending = await findCodeStep(tools.db, visit.interaction.uid, tools.now())
  try {
    if (pending && form?.code !== undefined) return await takeCode(tools, visit, pending, form.code)
    if (form?.username === undefined || form.password === undefined) throw new AppError('contract.bad-input', { details: { field: 'username' } })
    return await takePassword(tools, visit, { username: form.username.trim().toLowerCase(), password: form.password })
  } catch (error) {
    if (!(error instanceof AppError)) tools.onDefect(error)
    return showStep(tools, visit, toFailure(error))
  }
}

async function takePassword(tools: SignInTools, { request, reply, interaction }: Visit, typed: { username: string; password: string }): Promise<FastifyReply> {
  const { db, now } = tools
  const account = await audited(tools, null, () => checkPassword(db, typed.username, typed.password, { address: request.ip, nowMs: now() }))
  await beginCodeStep(db, interaction.uid, account.id, now() + stepMinutes * 60_000)
  return reply.redirect(request.url, 303)
}

async function takeCode(tools: SignInTools, { request, reply, interaction }: Visit, pending: SpecialistId, code: string): Promise<FastifyReply> {
  const { db, provider, append, now } = tools
  const account = await audited(tools, pending, () => checkCode(db, pending, code, { address: request.ip, nowMs: now() }))
  append({ kind: 'specialist.signed-in', actor: actorOf(account), data: { factors: 'password totp' } })
  await endCodeStep(db, interaction.uid)
  const grant = new provider.Grant({ accountId: account.id, clientId })
  grant.addOIDCScope(oidcScopes)
  grant.addResourceScope(resource, resourceScope)
  const login = { accountId: account.id, amr: ['pwd', 'otp'], remember: false }
  const result = { login, consent: { grantId: await grant.save() } }
  return reply.redirect(await provider.interactionResult(request.raw, reply.raw, result, { mergeWithLastSubmission: false }), 303)
}

/** A refused attempt is an event; one that was throttled is not looked at, and would fill the log at an attacker's will. What was typed is never written. */
async function audited(tools: SignInTools, pending: SpecialistId | null, check: () => Promise<Account>): Promise<Account> {
  try {
    return await check()
  } catch (error) {
    const { code } = toFailure(error)
    if (code !== 'auth.throttled')
      tools.append({ kind: 'specialist.sign-in-refused', actor: pending ? { kind: 'specialist', id: pending } : { kind: 'unknown' }, data: { code } })
    throw error
  }
}

export function actorOf({ id, name }: Pick<Account, 'id' | 'name'>): NewAuditEvent['actor'] {
  return { kind: 'specialist', id, name }
}

async function showStep(tools: SignInTools, visit: Visit, failure: Failure | null): Promise<FastifyReply> {
  const { db, now } = tools
  const { interaction, reply, language } = visit
  if (failure) void reply.code(errorCodes[failure.code].status).header('gantry-failure', JSON.stringify(failure))
  const pending = await findCodeStep(db, interaction.uid, now())
  const account = pending && (await findAccount(db, { id: pending }))
  const problem = failure && problemOf(failure, language)
  if (!account) return sendPage(tools, visit, { step: 'password', username: typedUsername(visit), problem })
  const sandbox = tools.showsCode ? sandboxCode(account, now()) : null
  return sendPage(tools, visit, { step: 'code', username: account.username, problem, sandbox })
}

function sandboxCode({ totpSecret, totpStep }: Account, nowMs: number): SandboxCode {
  const step = stepAt(nowMs)
  return totpStep < step ? { code: codeOf(totpSecret, step) } : { nextInSeconds: secondsUntilStep(totpStep + 1, nowMs) }
}

function problemOf(failure: Failure, language: Language): Problem {
  if (failure.code === 'auth.wrong-credentials') {
    const { code, password } = words[language]
    return { text: failure.details?.factor === 'code' ? code.wrong : password.wrong, code: failure.code }
  }
  const { what, todo } = errorWords(failure, language)
  return { text: `${what} ${todo}`, code: failure.code }
}

/** Only an account name in shape is shown again, since a password is easily typed into the wrong field. */
function typedUsername({ request }: Visit): string {
  const username = (request.body as Record<string, string> | undefined)?.username ?? ''
  return /^[a-z][a-z0-9._-]{1,31}$/.test(username) ? username : ''
}

function sendPage(
  tools: SignInTools,
  { reply, language, interaction }: Pick<Visit, 'reply' | 'language'> & { interaction?: Interaction },
  page: Page,
): FastifyReply {
  const frame = { words: words[language], organisation: tools.organisation, languageLink: `?lang=${words[language].other.tag}` }
  void reply.headers({
    'content-security-policy': pagePolicy(interaction),
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
function pagePolicy(interaction?: Interaction): string {
  const redirect = URL.parse(String(interaction?.params.redirect_uri ?? ''))
  const target = !redirect ? '' : redirect.hostname.startsWith('[') ? ' http:' : ` ${redirect.origin}`
  return `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'${target}; frame-ancestors 'none'; base-uri 'none'`
}

/** `?lang`, then what the client asked for, then what the browser prefers. */
export function languageOf(request: FastifyRequest, uiLocales?: unknown): Language {
  const { lang } = request.query as { lang?: unknown }
  for (const wish of [lang, uiLocales, request.headers['accept-language']]) {
    const found = typeof wish === 'string' ? /\b(en|fr)\b/i.exec(wish)?.[1]?.toLowerCase() : undefined
    if (found === 'en' || found === 'fr') return found
  }
  return 'en'
}
