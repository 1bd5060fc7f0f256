import { AppError, type Failure } from '@gantry/shared/errors.ts'
import type { FastifyReply } from 'fastify'
import { actorOf, audited, finishSignIn } from './finish.ts'
import type { Page, SandboxCode } from './page.ts'
import { type Passkey, passkeysOf, removePasskey } from './passkey-store.ts'
import { maxPasskeys, type Passkeys } from './passkeys.ts'
import { checkCode, checkPasskey } from './steps.ts'
import { type Account, findById, keepShown, type Pending, type Shown } from './store.ts'
import { codeOf, secondsUntilStep, stepAt } from './totp.ts'
import { problemOf, type SignInTools, sendPage, sendRefusal, type Visit } from './visit.ts'

type Form = Readonly<Record<string, string>>
type Known = Pending & { account: Account }

/** What was posted by somebody whose first factor was right; null where it is none of this step's. */
export async function takeSecond(tools: SignInTools, visit: Visit, pending: Pending, form: Form): Promise<FastifyReply | null> {
  const { passkeys } = tools
  if (pending.shown) return passkeys ? lookAfter(tools, passkeys, visit, { ...pending, shown: pending.shown }, form) : null
  const attempt = { address: visit.request.ip, nowMs: tools.now() }
  if (form.code !== undefined) {
    const account = await audited(tools, pending.specialistId, () => checkCode(tools.db, pending.specialistId, form.code ?? '', attempt))
    return goOn(tools, visit, account, shownBy(pending, 'totp', 'otp', attempt.nowMs))
  }
  if (form.passkey === undefined || !passkeys) return null
  const { account, method } = await audited(tools, pending.specialistId, () =>
    checkPasskey(tools.db, pending.specialistId, () => passkeys.check(visit.interaction.uid, pending.specialistId, form.passkey ?? ''), attempt),
  )
  return goOn(tools, visit, account, shownBy(pending, 'passkey', method, attempt.nowMs))
}

export async function showSecond(tools: SignInTools, visit: Visit, known: Known, failure: Failure | null): Promise<FastifyReply> {
  const problem = failure && problemOf(failure, visit.language)
  const page: Page = { ...(await (known.shown ? passkeysPage(tools, visit, known) : codePage(tools, visit, known))), problem }
  return failure ? sendRefusal(tools, visit, failure, page) : sendPage(tools, visit, page)
}

function shownBy({ vouchedMs }: Pending, factor: string, method: string, nowMs: number): Shown {
  if (vouchedMs === null) return { factors: `password ${factor}`, methods: ['pwd', method], atMs: nowMs }
  return { factors: `provider ${factor}`, methods: [method], atMs: vouchedMs }
}

/** Back to the client, or first to the passkeys where the person asked for them. */
async function goOn(tools: SignInTools, visit: Visit, account: Account, shown: Shown): Promise<FastifyReply> {
  if (!tools.passkeys || !wantsPasskeys(visit)) return finishSignIn(tools, visit, account, shown)
  await keepShown(tools.db, visit.interaction.uid, shown)
  return visit.reply.redirect(visit.request.url, 303)
}

function wantsPasskeys({ request }: Visit): boolean {
  return (request.query as { passkeys?: unknown }).passkeys !== undefined
}

/** The person has shown both factors, a moment ago: only then may a passkey be added or removed. */
async function lookAfter(tools: SignInTools, passkeys: Passkeys, visit: Visit, pending: Pending & { shown: Shown }, form: Form): Promise<FastifyReply> {
  const { db, append } = tools
  const { uid } = visit.interaction
  const account = await findById(db, pending.specialistId)
  if (!account) throw new AppError('auth.wrong-credentials')
  if (form.attestation !== undefined) {
    const id = await passkeys.add(uid, account.id, form.attestation)
    append({ kind: 'specialist.passkey-added', actor: actorOf(account), data: { passkey: id } })
  } else if (form.remove !== undefined) {
    if (isLastWayIn(account, await passkeysOf(db, account.id))) throw new AppError('auth.passkey-refused', { details: { reason: 'last' } })
    const removed = await removePasskey(db, account.id, form.remove)
    if (removed) append({ kind: 'specialist.passkey-removed', actor: actorOf(account), data: { passkey: form.remove } })
  } else {
    return finishSignIn(tools, visit, account, pending.shown)
  }
  return visit.reply.redirect(visit.request.url, 303)
}

/** Who has no authenticator app keeps one passkey, or could not come back without the administrator. */
function isLastWayIn({ totpSecret }: Account, passkeys: readonly Passkey[]): boolean {
  return totpSecret === '' && passkeys.length === 1
}

async function codePage(tools: SignInTools, visit: Visit, { account }: Known) {
  const { passkeys, upstream, showsCode, now } = tools
  return {
    step: 'code',
    username: account.username,
    takesCode: account.totpSecret !== '',
    passkey: (await passkeys?.ask(visit.interaction.uid, account.id)) ?? null,
    after: passkeys ? (wantsPasskeys(visit) ? 'shown' : 'offered') : null,
    sandbox: showsCode && account.totpSecret !== '' ? sandboxCode(account, now()) : null,
    first: upstream ? 'upstream' : 'password',
  } as const
}

async function passkeysPage({ db, passkeys: offers, upstream }: SignInTools, { interaction }: Visit, { account }: Known) {
  const passkeys = await passkeysOf(db, account.id)
  return {
    step: 'passkeys',
    passkeys,
    mayRemove: !isLastWayIn(account, passkeys),
    most: maxPasskeys,
    offer: (await offers?.offer(interaction.uid, account)) ?? null,
    first: upstream ? 'upstream' : 'password',
  } as const
}

function sandboxCode({ totpSecret, totpStep }: Account, nowMs: number): SandboxCode {
  const step = stepAt(nowMs)
  return totpStep < step ? { code: codeOf(totpSecret, step) } : { nextInSeconds: secondsUntilStep(totpStep + 1, nowMs) }
}
