import { AppError } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Database } from '../database.ts'
import { verifyPassword } from '../password.ts'
import { recordFailure, requireNotThrottled, type Trial } from '../throttle.ts'
import { type Account, findById, findByUsername, useTotpStep } from './store.ts'
import { matchStep, secondsUntilStep, stepAt } from './totp.ts'

export type Attempt = Pick<Trial, 'address' | 'nowMs'>

/**
 * First factor. A name that nobody has costs the same time and gets the same answer, throttling included.
 * Errors: `auth.throttled {seconds}`, `auth.wrong-credentials`.
 */
export async function checkPassword(db: Database, username: string, password: string, attempt: Attempt): Promise<Account> {
  await requireNotThrottled(db, trialOf(username, attempt))
  const account = await findByUsername(db, username)
  if ((await verifyPassword(password, account?.password ?? null)) && account) return account
  await recordFailure(db, trialOf(username, attempt))
  throw new AppError('auth.wrong-credentials')
}

/**
 * Second factor, for someone whose first was right. A code counts once (RFC 6238 section 5.2).
 * Errors: `auth.throttled {seconds}`, `auth.wrong-credentials`, `auth.code-used {seconds}` until the next one.
 */
export async function checkCode(db: Database, id: SpecialistId, code: string, attempt: Attempt): Promise<Account> {
  const account = await findById(db, id)
  if (!account || account.totpSecret === '') throw new AppError('auth.wrong-credentials')
  await requireNotThrottled(db, trialOf(account.username, attempt))
  const step = matchStep(account.totpSecret, code, attempt.nowMs)
  if (step === null) {
    await recordFailure(db, trialOf(account.username, attempt))
    throw new AppError('auth.wrong-credentials', { details: { factor: 'code' } })
  }
  if (await useTotpStep(db, id, step)) return account
  const next = Math.max(step, stepAt(attempt.nowMs)) + 1
  throw new AppError('auth.code-used', { details: { seconds: secondsUntilStep(next, attempt.nowMs) } })
}

/**
 * The other second factor. `check` is asked only where too many attempts did not fail before, and its refusal counts as one.
 * Errors: `auth.throttled {seconds}`, `auth.passkey-refused {reason}`, `auth.wrong-credentials` for who was disabled meanwhile.
 */
export async function checkPasskey<T>(db: Database, id: SpecialistId, check: () => Promise<T>, attempt: Attempt): Promise<{ account: Account; method: T }> {
  const account = await findById(db, id)
  if (!account) throw new AppError('auth.wrong-credentials')
  await requireNotThrottled(db, trialOf(account.username, attempt))
  try {
    return { account, method: await check() }
  } catch (error) {
    await recordFailure(db, trialOf(account.username, attempt))
    throw error
  }
}

/** A typed name may be anything, also a password typed in the wrong field: it is not kept. */
function trialOf(username: string, attempt: Attempt): Trial {
  return { door: 'sign-in', account: sha256(username), ...attempt }
}
