import { AppError } from '@gantry/shared/errors.ts'
import { openWithPassphrase, PassphraseBox, sealWithPassphrase } from '@gantry/shared/node/passphrase-box.ts'
import { z } from 'zod'
import type { SecretStore } from '../secret-store.ts'

/** The personal PIN before the support key. The keychain keeps the box, the PIN opens it, and nobody but its owner has both. */
export const minPinCharacters = 6
const purpose = 'gantry-support-key'

/** Free tries, then a wait that doubles. It outlives the process, and a try counts before it is made. */
const freeTries = 3
const firstWaitMs = 30_000
const longestWaitMs = 15 * 60_000
const Tries = z.strictObject({ wrong: z.number().int().min(0), untilMs: z.number() })

export async function sealWithPin(pem: string, pin: string): Promise<string> {
  if ([...pin].length < minPinCharacters) throw new AppError('auth.pin-short', { details: { min: minPinCharacters } })
  return JSON.stringify(await sealWithPassphrase(pem, pin, purpose))
}

/** Null for what is no box: a key in clear, as a sandbox has it. */
export function readBox(text: string): PassphraseBox | null {
  try {
    return PassphraseBox.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** The key as PEM. Errors: `auth.pin-needed` without one, `auth.pin-wrong {triesLeft}`, `auth.pin-blocked {seconds}`. */
export async function openWithPin(box: PassphraseBox, pin: string | undefined, { store, now }: { store: SecretStore; now: () => number }): Promise<string> {
  if (pin === undefined || pin === '') throw new AppError('auth.pin-needed')
  const before = await readTries(store)
  // A clock that was set back must not lock anybody out for longer than the longest wait.
  const waitMs = Math.min(before.untilMs - now(), longestWaitMs)
  if (waitMs > 0) throw new AppError('auth.pin-blocked', { details: { seconds: Math.ceil(waitMs / 1_000) } })
  const wrong = before.wrong + 1
  await store.set('pin-tries', JSON.stringify({ wrong, untilMs: wrong < freeTries ? 0 : now() + waitAfter(wrong) }))
  const pem = await openWithPassphrase(box, pin, purpose)
  if (pem === null) {
    if (wrong < freeTries) throw new AppError('auth.pin-wrong', { details: { triesLeft: freeTries - wrong } })
    throw new AppError('auth.pin-blocked', { details: { seconds: waitAfter(wrong) / 1_000 } })
  }
  await store.delete('pin-tries')
  return pem
}

function waitAfter(wrong: number): number {
  return Math.min(firstWaitMs * 2 ** (wrong - freeTries), longestWaitMs)
}

async function readTries(store: SecretStore): Promise<z.infer<typeof Tries>> {
  const text = await store.get('pin-tries')
  if (text === null) return { wrong: 0, untilMs: 0 }
  try {
    return Tries.parse(JSON.parse(text))
  } catch {
    // Who could write into the keychain gets no fresh tries for it.
    return { wrong: freeTries - 1, untilMs: 0 }
  }
}
