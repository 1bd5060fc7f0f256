import { z } from 'zod'
import { AppError } from '../errors.ts'
import { PublicJwk } from '../ticket.ts'
import { type BoxCost, openWithPassphrase, PassphraseBox, sealWithPassphrase } from './passphrase-box.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom } from './signing.ts'

/** A person's signing key as a file: its private half behind a passphrase, so that the file alone signs nothing. It need not lie where what it signs is used. */
export const KeyFile = z.strictObject({ version: z.literal(1), publicJwk: PublicJwk, box: PassphraseBox })
export type KeyFile = z.infer<typeof KeyFile>

/** What it signs: a customer's device policies, or the vendor's updates of the desktop client. */
const kinds = {
  policy: { purpose: 'gantry policy key', failure: 'policy.key-wrong' },
  update: { purpose: 'gantry update key', failure: 'update.key-wrong' },
} as const
export type KeyKind = keyof typeof kinds
/** Characters. */
export const minPassphrase = 8

export async function makeKeyFile(kind: KeyKind, passphrase: string, cost?: BoxCost): Promise<{ key: SigningKey; file: KeyFile }> {
  const key = generateSigningKey()
  return { key, file: { version: 1, publicJwk: key.publicJwk, box: await sealWithPassphrase(privatePem(key), passphrase, kinds[kind].purpose, cost) } }
}

/** Throws `policy.key-wrong` or `update.key-wrong` for a wrong passphrase, an altered file, or a key of the other kind. */
export async function openKeyFile(kind: KeyKind, { box, publicJwk }: KeyFile, passphrase: string): Promise<SigningKey> {
  const pem = await openWithPassphrase(box, passphrase, kinds[kind].purpose)
  const key = pem === null ? null : signingKeyFrom(pem)
  if (key?.publicJwk.x !== publicJwk.x) throw new AppError(kinds[kind].failure)
  return key
}
