import { z } from 'zod'
import { AppError } from '../errors.ts'
import { PublicJwk } from '../ticket.ts'
import { type BoxCost, openWithPassphrase, PassphraseBox, sealWithPassphrase } from './passphrase-box.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom } from './signing.ts'

/** The customer's policy key as a file: its private half behind a passphrase, so that the file alone loosens no device. It need not lie on a device at all. */
export const PolicyKeyFile = z.strictObject({ version: z.literal(1), publicJwk: PublicJwk, box: PassphraseBox })
export type PolicyKeyFile = z.infer<typeof PolicyKeyFile>

const purpose = 'gantry policy key'
/** Characters. */
export const minPassphrase = 8

export async function makePolicyKey(passphrase: string, cost?: BoxCost): Promise<{ key: SigningKey; file: PolicyKeyFile }> {
  const key = generateSigningKey()
  return { key, file: { version: 1, publicJwk: key.publicJwk, box: await sealWithPassphrase(privatePem(key), passphrase, purpose, cost) } }
}

/** Throws `policy.key-wrong` for a wrong passphrase or an altered file. */
export async function openPolicyKey({ box, publicJwk }: PolicyKeyFile, passphrase: string): Promise<SigningKey> {
  const pem = await openWithPassphrase(box, passphrase, purpose)
  const key = pem === null ? null : signingKeyFrom(pem)
  if (key?.publicJwk.x !== publicJwk.x) throw new AppError('policy.key-wrong')
  return key
}
