import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { audited, finishSignIn } from './finish.ts'
import { passkeysOf } from './passkey-store.ts'
import { beginCodeStep, beginVisit, endVisit, findByIdentity, findVisit } from './store.ts'
import type { Upstream, Vouched } from './upstream.ts'
import { problemOf, type SignInTools, sendRefusal, type Visit } from './visit.ts'

/** For how long a person may take at the provider, and then for the code. */
const visitMs = 15 * 60_000
export const codeMs = 5 * 60_000

/** Sends the person on to the provider; where that cannot be, a page says so. */
export async function goUpstream(tools: SignInTools, upstream: Upstream, visit: Visit): Promise<FastifyReply> {
  const { interaction, reply, language } = visit
  const sentMs = tools.now()
  try {
    const { link, state } = await upstream.begin(language)
    await beginVisit(tools.db, interaction.uid, { state, sentMs, expiresMs: sentMs + visitMs })
    return reply.redirect(link, 303)
  } catch (error) {
    return refuseUpstream(tools, upstream, visit, error)
  }
}

/**
 * The provider sends everybody back to one address; from there the browser is sent on below its own sign-in's, where it has to show that sign-in's cookie. Null where no
 * sign-in waits for this answer.
 */
export async function placeOfAnswer({ db, now }: SignInTools, request: FastifyRequest): Promise<string | null> {
  const query = queryOf(request)
  const uid = await findVisit(db, query.get('state') ?? '', now())
  return uid && `/sign-in/${uid}/answer?${query}`
}

/** What the provider answered, in the browser that was sent there. Each answer counts once, whatever comes of it. */
export async function takeAnswer(tools: SignInTools, upstream: Upstream, visit: Visit): Promise<FastifyReply> {
  const { db, now } = tools
  const query = queryOf(visit.request)
  try {
    const vouched = await audited(tools, null, async () => {
      const state = query.get('state') ?? ''
      const sent = await endVisit(db, visit.interaction.uid, state, now())
      if (!sent) throw new AppError('auth.callback-refused')
      return upstream.finish(query, { state, sentMs: sent.sentMs })
    })
    return await letIn(tools, upstream, visit, vouched)
  } catch (error) {
    return refuseUpstream(tools, upstream, visit, error)
  }
}

async function letIn(tools: SignInTools, { issuer }: Upstream, visit: Visit, { subject, vouchedMs, hasSecondFactor, methods }: Vouched): Promise<FastifyReply> {
  const { db, now } = tools
  const account = await audited(tools, null, async () => {
    const found = await findByIdentity(db, { issuer, subject })
    if (!found) throw new AppError('auth.no-account', { details: { subject: subject.slice(0, 255) } })
    return found
  })
  if (hasSecondFactor) return finishSignIn(tools, visit, account, { factors: 'provider', methods, atMs: vouchedMs })
  await audited(tools, account.id, async () => {
    if (account.totpSecret !== '') return
    const hasPasskey = tools.passkeys !== null && (await passkeysOf(db, account.id)).length > 0
    if (!hasPasskey) throw new AppError('auth.second-factor-missing')
  })
  await beginCodeStep(db, visit.interaction.uid, { specialistId: account.id, vouchedMs, expiresMs: now() + codeMs })
  return visit.reply.redirect(`/sign-in/${visit.interaction.uid}`, 303)
}

export function refuseUpstream(tools: SignInTools, { name }: Upstream, visit: Visit, error: unknown): FastifyReply {
  if (!(error instanceof AppError)) tools.onDefect(error)
  const failure = toFailure(error)
  tools.log.warn({ code: failure.code, ...failure.details }, 'no sign-in through the provider')
  return sendRefusal(tools, visit, failure, {
    step: 'upstream',
    name,
    problem: problemOf(failure, visit.language),
    again: `/sign-in/${visit.interaction.uid}`,
  })
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  return new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?')) : '')
}
