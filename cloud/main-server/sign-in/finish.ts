import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { FastifyReply } from 'fastify'
import { clientId, oidcScopes, resource, resourceScope } from './provider.ts'
import { type Account, endCodeStep, type Shown } from './store.ts'
import type { SignInTools, Visit } from './visit.ts'

/** Both factors were right: back to the client, with a grant. */
export async function finishSignIn(tools: SignInTools, { request, reply, interaction }: Visit, account: Account, shown: Shown): Promise<FastifyReply> {
  const { db, provider, append, elsewhere } = tools
  const address = request.ip
  append({ kind: 'specialist.signed-in', actor: actorOf(account), data: { factors: shown.factors, methods: shown.methods.join(' '), address } })
  await endCodeStep(db, interaction.uid)
  const grant = new provider.Grant({ accountId: account.id, clientId })
  grant.addOIDCScope(oidcScopes)
  grant.addResourceScope(resource, resourceScope)
  const login = { accountId: account.id, amr: shown.methods, remember: false, ts: Math.floor(shown.atMs / 1_000) }
  const grantId = await grant.save()
  await elsewhere.note({ grantId, specialistId: account.id, replaces: interaction.params.replaces, address, userAgent: request.headers['user-agent'] })
  const result = { login, consent: { grantId } }
  return reply.redirect(await provider.interactionResult(request.raw, reply.raw, result, { mergeWithLastSubmission: false }), 303)
}

/** A refused attempt is an event; one that was throttled is not looked at, and would fill the log at an attacker's will. What was typed is never written. */
export async function audited<T>({ append }: SignInTools, pending: SpecialistId | null, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    const { code, details } = toFailure(error)
    const said = Object.fromEntries(['reason', 'subject'].flatMap((name) => (details?.[name] === undefined ? [] : [[name, String(details[name])]])))
    if (code !== 'auth.throttled')
      append({ kind: 'specialist.sign-in-refused', actor: pending ? { kind: 'specialist', id: pending } : { kind: 'unknown' }, data: { code, ...said } })
    throw error
  }
}

export function actorOf({ id, name }: Pick<Account, 'id' | 'name'>): NewAuditEvent['actor'] {
  return { kind: 'specialist', id, name }
}
