import { readFileSync } from 'node:fs'
import { AppError, type Failure, toFailure } from '@gantry/shared/errors.ts'
import { passkeyScript } from '@gantry/shared/passkey-script.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { languageOf, takeForms } from '../pages.ts'
import { audited } from './finish.ts'
import { createTurns } from './in-turn.ts'
import { showSecond, takeSecond } from './second-step.ts'
import { checkPassword } from './steps.ts'
import { beginCodeStep, findById, findCodeStep, type Pending } from './store.ts'
import { openVisit, problemOf, type SignInTools, sendPage, sendRefusal, type Visit } from './visit.ts'
import { codeMs, goUpstream, placeOfAnswer, refuseUpstream, takeAnswer } from './visit-upstream.ts'

const style = readFileSync(new URL('./style.css', import.meta.url))
const icon = readFileSync(new URL('./icon.svg', import.meta.url))

/**
 * The pages between the authorization request and its answer. One address, `/sign-in/<uid>`; a form posts `username` and `password`, then `code` or `passkey`, to it. With an
 * upstream provider the address leads there instead of asking a password, and the provider answers to `/sign-in/answer`. A refusal is a page with status 401, 403,
 * 429, 502 or 503 whose header `gantry-failure` holds the failure as JSON, for clients without a screen.
 */
export function addSignInRoutes(app: FastifyInstance, tools: SignInTools): void {
  const { upstream } = tools
  const first = upstream ? 'upstream' : 'password'
  const inTurn = createTurns()
  void app.register(async (pages) => {
    takeForms(pages)
    pages.get('/sign-in/style.css', (_request, reply) => reply.type('text/css; charset=utf-8').header('cache-control', 'max-age=3600').send(style))
    pages.get('/sign-in/icon.svg', (_request, reply) => reply.type('image/svg+xml').header('cache-control', 'max-age=3600').send(icon))
    pages.get('/sign-in/passkey.js', (_request, reply) =>
      reply.type('text/javascript; charset=utf-8').header('cache-control', 'max-age=3600').send(passkeyScript),
    )
    pages.get('/sign-in/done', (request, reply) => sendPage(tools, { reply, language: languageOf(request) }, { step: 'done', first }))
    pages.get('/sign-in/:uid', async (request, reply) => {
      const visit = await openVisit(tools, request, reply)
      return visit ? beginStep(tools, visit) : reply
    })
    // Enter pressed twice sends a form twice; the second finds what the first has done.
    pages.post<{ Params: { uid: string } }>('/sign-in/:uid', (request, reply) =>
      inTurn(request.params.uid, async () => {
        const visit = await openVisit(tools, request, reply)
        return visit ? takeStep(tools, visit) : reply
      }),
    )
    if (!upstream) return
    pages.get('/sign-in/answer', async (request, reply) => {
      const place = await placeOfAnswer(tools, request)
      return place ? reply.redirect(place, 303) : sendPage(tools, { reply: reply.code(400), language: languageOf(request) }, { step: 'over' })
    })
    pages.get('/sign-in/:uid/answer', async (request, reply) => {
      const visit = await openVisit(tools, request, reply)
      return visit ? takeAnswer(tools, upstream, visit) : reply
    })
  })
}

/** What is asked next of this sign-in. A first factor that was given under another setting of `upstream` is none. */
async function findPending({ db, upstream, now }: SignInTools, { interaction }: Visit): Promise<Pending | null> {
  const found = await findCodeStep(db, interaction.uid, now())
  return found && (found.vouchedMs !== null) === (upstream !== null) ? found : null
}

async function beginStep(tools: SignInTools, visit: Visit): Promise<FastifyReply> {
  const pending = await findPending(tools, visit)
  return tools.upstream && !pending ? goUpstream(tools, tools.upstream, visit) : showStep(tools, visit, pending, null)
}

async function takeStep(tools: SignInTools, visit: Visit): Promise<FastifyReply> {
  const { upstream } = tools
  const { interaction } = visit
  const form = visit.request.body as Record<string, string> | undefined
  const pending = await findPending(tools, visit)
  try {
    const second = pending && form && (await takeSecond(tools, visit, pending, form))
    if (second) return second
    if (!pending && interaction.result && form?.username === undefined) return visit.reply.redirect(interaction.returnTo, 303)
    if (upstream) throw new AppError('contract.bad-input', { details: { field: 'code' } })
    if (form?.username === undefined || form.password === undefined) throw new AppError('contract.bad-input', { details: { field: 'username' } })
    return await takePassword(tools, visit, { username: form.username.trim().toLowerCase(), password: form.password })
  } catch (error) {
    if (upstream && !pending) return refuseUpstream(tools, upstream, visit, error)
    if (!(error instanceof AppError)) tools.onDefect(error)
    return showStep(tools, visit, pending, toFailure(error))
  }
}

async function takePassword(tools: SignInTools, { request, reply, interaction }: Visit, typed: { username: string; password: string }): Promise<FastifyReply> {
  const { db, now } = tools
  const account = await audited(tools, null, () => checkPassword(db, typed.username, typed.password, { address: request.ip, nowMs: now() }))
  await beginCodeStep(db, interaction.uid, { specialistId: account.id, vouchedMs: null, expiresMs: now() + codeMs })
  return reply.redirect(request.url, 303)
}

async function showStep(tools: SignInTools, visit: Visit, pending: Pending | null, failure: Failure | null): Promise<FastifyReply> {
  const account = pending && (await findById(tools.db, pending.specialistId))
  if (account) return showSecond(tools, visit, { ...pending, account }, failure)
  const page = { step: 'password', username: typedUsername(visit), problem: failure && problemOf(failure, visit.language) } as const
  return failure ? sendRefusal(tools, visit, failure, page) : sendPage(tools, visit, page)
}

/** Only an account name in shape is shown again, since a password is easily typed into the wrong field. */
function typedUsername({ request }: Visit): string {
  const username = (request.body as Record<string, string> | undefined)?.username ?? ''
  return /^[a-z][a-z0-9._-]{1,31}$/.test(username) ? username : ''
}
