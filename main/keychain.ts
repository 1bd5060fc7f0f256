import { AppError } from '@gantry/shared/errors.ts'
import { maxSecretBytes, type SecretStore } from './services/secret-store.ts'

/** The part of keytar that is used; `loadKeytar` is a parameter so that a missing library can be told from a missing keyring in a test. */
export type Keytar = {
  getPassword(service: string, account: string): Promise<string | null>
  setPassword(service: string, account: string, password: string): Promise<void>
  deletePassword(service: string, account: string): Promise<boolean>
}

const service = 'Gantry'
/** A keyring that is locked and has nobody to ask would wait for ever. */
const answerMs = 60_000

/**
 * The OS keychain: Keychain on macOS, Credential Manager on Windows, the Secret Service (libsecret, DBus) on Linux. keytar is loaded at first use, since its native
 * part needs libsecret merely to load. Whatever is missing is one error with the same remedy: `auth.keychain-missing`. Nothing is ever kept elsewhere instead.
 */
export function createKeychain(loadKeytar: () => Promise<Keytar> = importKeytar): SecretStore {
  let loading: Promise<Keytar> | null = null
  const ask = async <T>(question: (keytar: Keytar) => Promise<T>): Promise<T> => {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(new Error('the keychain does not answer')), answerMs)
    try {
      loading ??= loadKeytar()
      const keytar = await loading
      return await Promise.race([question(keytar), late.promise])
    } catch (error) {
      loading = null
      throw new AppError('auth.keychain-missing', { cause: error })
    } finally {
      clearTimeout(timer)
    }
  }
  return {
    kind: 'keychain',
    get: (name) => ask((keytar) => keytar.getPassword(service, name)),
    async set(name, value) {
      // The Windows Credential Manager's own limit is a bare failure; ours has a code.
      if (Buffer.byteLength(value) > maxSecretBytes) throw new AppError('contract.too-large', { details: { maxBytes: maxSecretBytes } })
      await ask((keytar) => keytar.setPassword(service, name, value))
    },
    async delete(name) {
      await ask((keytar) => keytar.deletePassword(service, name))
    },
  }
}

async function importKeytar(): Promise<Keytar> {
  return (await import('keytar')).default
}
