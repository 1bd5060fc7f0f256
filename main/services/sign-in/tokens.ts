import { AppError } from '@gantry/shared/errors.ts'
import { z } from 'zod'
import type { ProfileLock } from '../profile-lock.ts'
import { maxSecretBytes, type SecretStore } from '../secret-store.ts'
import type { Provider, Tokens } from './provider.ts'

/**
 * The tokens of one sign-in, shared by every process of this profile through the secret store. A refresh token is good for one use, and a second use of an old one
 * ends the whole family (RFC 9700 section 4.14.2): so a refresh happens under the profile's lock, after reading the store again.
 */
const Kept = z.strictObject({ accessToken: z.string().nullable(), accessExpiresMs: z.number(), refreshToken: z.string().min(1) })
type Kept = z.infer<typeof Kept>

export type TokenKeeper = {
  /** True when a sign-in is kept. */
  isKept(): Promise<boolean>
  keep(tokens: Tokens): Promise<void>
  /**
   * An access token with a minute left or more; `rejected` is one that the server has just refused. Errors: `auth.not-signed-in`, `auth.session-expired` (the sign-in
   * is then forgotten), `auth.keychain-missing`, `server.*`.
   */
  access(rejected?: string): Promise<string>
  /** Takes the sign-in out of the store and returns its refresh token. */
  forget(): Promise<string | null>
}
export type TokenKeeperOptions = { store: SecretStore; provider: () => Promise<Provider>; lock: ProfileLock; now: () => number }

const marginMs = 60_000

export function createTokenKeeper({ store, provider, lock, now }: TokenKeeperOptions): TokenKeeper {
  let cached: Kept | null = null
  let running: Promise<string> | null = null

  const isGood = (kept: Kept | null, rejected: string | undefined): kept is Kept & { accessToken: string } =>
    kept !== null && kept.accessToken !== null && kept.accessToken !== rejected && kept.accessExpiresMs > now() + marginMs

  const read = async (): Promise<Kept | null> => {
    const text = await store.get('sign-in')
    const kept = text === null ? null : Kept.safeParse(parseJson(text))
    // What does not fit is of another version: the person signs in again.
    cached = kept?.success ? kept.data : null
    return cached
  }

  const write = async (tokens: Tokens) => {
    const whole: Kept = { ...tokens }
    const fits = Buffer.byteLength(JSON.stringify(whole)) <= maxSecretBytes
    await store.set('sign-in', JSON.stringify(fits ? whole : { ...whole, accessToken: null }))
    cached = whole
  }

  const renew = (rejected: string | undefined): Promise<string> =>
    lock(async () => {
      const kept = await read()
      if (!kept) throw new AppError('auth.not-signed-in')
      // Another process was faster.
      if (isGood(kept, rejected)) return kept.accessToken
      try {
        const fresh = await (await provider()).refresh(kept.refreshToken)
        await write(fresh)
        return fresh.accessToken
      } catch (error) {
        if (error instanceof AppError && error.code === 'auth.session-expired') {
          cached = null
          await store.delete('sign-in')
        }
        throw error
      }
    })

  return {
    isKept: async () => (await read()) !== null,
    keep: (tokens) => lock(() => write(tokens)),
    async access(rejected) {
      if (isGood(cached, rejected)) return cached.accessToken
      running ??= renew(rejected).finally(() => {
        running = null
      })
      return running
    },
    forget: () =>
      lock(async () => {
        const kept = await read()
        cached = null
        await store.delete('sign-in')
        return kept?.refreshToken ?? null
      }),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
