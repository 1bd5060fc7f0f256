import { AppError } from '@gantry/shared/errors.ts'
import type { Access } from '@gantry/shared/node/dpop.ts'
import { privatePem, type SigningKey, signingKeyFrom } from '@gantry/shared/node/signing.ts'
import { z } from 'zod'
import type { ProfileLock } from '../profile-lock.ts'
import { maxSecretBytes, type SecretStore } from '../secret-store.ts'
import type { Provider, Tokens } from './provider.ts'

/**
 * The tokens of one sign-in, shared by every process of this profile through the secret store. A refresh token is good for one use, and a second use of an old one
 * ends the whole family (RFC 9700 section 4.14.2): so a refresh happens under the profile's lock, after reading the store again. The key that they are bound to
 * lies in the same entry, as PKCS#8 PEM, so that tokens and key are never those of two sign-ins.
 */
const Kept = z.strictObject({
  accessToken: z.string().nullable(),
  accessExpiresMs: z.number(),
  refreshToken: z.string().min(1),
  proofKey: z.string().transform((pem): SigningKey => signingKeyFrom(pem)),
})
type Kept = z.infer<typeof Kept>

export type TokenKeeper = {
  /** True when a sign-in is kept. */
  isKept(): Promise<boolean>
  /** Returns the refresh token of the sign-in whose place it takes. */
  keep(tokens: Tokens): Promise<string | null>
  /**
   * An access token with a minute left or more, and its key; `rejected` is one that the server has just refused. Errors: `auth.not-signed-in`, `auth.session-expired` (the sign-in
   * is then forgotten), `auth.keychain-missing`, `server.*`.
   */
  access(rejected?: string): Promise<Access>
  /** Of the sign-in that is kept; it is not used. */
  refreshToken(): Promise<string | null>
  /** Takes the sign-in out of the store and returns its refresh token. */
  forget(): Promise<string | null>
}
export type TokenKeeperOptions = { store: SecretStore; provider: () => Promise<Provider>; lock: ProfileLock; now: () => number }

const marginMs = 60_000

export function createTokenKeeper({ store, provider, lock, now }: TokenKeeperOptions): TokenKeeper {
  let cached: Kept | null = null
  let running: Promise<Access> | null = null

  const isGood = (kept: Kept | null, rejected: string | undefined): kept is Kept & { accessToken: string } =>
    kept !== null && kept.accessToken !== null && kept.accessToken !== rejected && kept.accessExpiresMs > now() + marginMs

  const read = async (): Promise<Kept | null> => {
    const text = await store.get('sign-in')
    // What does not fit is of another version: the person signs in again.
    cached = text === null ? null : readKept(text)
    return cached
  }

  const write = async ({ accessToken, accessExpiresMs, refreshToken, proofKey }: Tokens) => {
    const tokens = { accessToken, accessExpiresMs, refreshToken }
    const whole: z.input<typeof Kept> = { ...tokens, proofKey: privatePem(proofKey) }
    const fits = Buffer.byteLength(JSON.stringify(whole)) <= maxSecretBytes
    await store.set('sign-in', JSON.stringify(fits ? whole : { ...whole, accessToken: null }))
    cached = { ...tokens, proofKey }
  }

  const renew = (rejected: string | undefined): Promise<Access> =>
    lock(async () => {
      const kept = await read()
      if (!kept) throw new AppError('auth.not-signed-in')
      // Another process was faster.
      if (isGood(kept, rejected)) return accessOf(kept)
      try {
        const fresh = await (await provider()).refresh(kept)
        await write(fresh)
        return accessOf(fresh)
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
    keep: (tokens) =>
      lock(async () => {
        const before = await read()
        await write(tokens)
        return before?.refreshToken ?? null
      }),
    async access(rejected) {
      if (isGood(cached, rejected)) return accessOf(cached)
      running ??= renew(rejected).finally(() => {
        running = null
      })
      return running
    },
    refreshToken: async () => (await read())?.refreshToken ?? null,
    forget: () =>
      lock(async () => {
        const kept = await read()
        cached = null
        await store.delete('sign-in')
        return kept?.refreshToken ?? null
      }),
  }
}

function accessOf({ accessToken, proofKey }: { accessToken: string; proofKey: SigningKey }): Access {
  return { token: accessToken, proofKey }
}

function readKept(text: string): Kept | null {
  try {
    return Kept.parse(JSON.parse(text))
  } catch {
    return null
  }
}
