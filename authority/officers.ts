import type { KeyObject } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { readJsonFile, readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { type BoxCost, openWithPassphrase, PassphraseBox, sealWithPassphrase } from '@gantry/shared/node/passphrase-box.ts'
import { openByBoth, sealToBoth } from '@gantry/shared/node/sealed-to.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom, thumbprint } from '@gantry/shared/node/signing.ts'
import { Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { OfficerName } from './statement.ts'

/** The people of the security office: two keys each, behind a passphrase; and the authority's key, sealed once for each pair of them (decision 19). */
export const OfficerFile = z.strictObject({ version: z.literal(1), name: OfficerName, signingKey: PublicJwk, sealingKey: PublicJwk, box: PassphraseBox })
export type OfficerFile = z.infer<typeof OfficerFile>
/** As long as nobody has left the computer. */
export type Officer = { name: OfficerName; signing: SigningKey; sealing: KeyObject }

export const minPassphraseCharacters = 12
const Inside = z.strictObject({ signing: z.string(), sealing: z.string() })
const Pairs = z.strictObject({
  version: z.literal(1),
  publicKey: PublicJwk,
  pairs: z.array(z.strictObject({ officers: z.tuple([OfficerName, OfficerName]), sealed: z.string().max(4_000) })),
})

const officerPath = (folder: string, name: string) => join(folder, 'officers', `${name}.json`)
const purposeOf = (name: string) => `gantry-officer ${name}`

/** Two fresh keys. Throws `authority.passphrase-short`. */
export async function makeOfficer(name: OfficerName, passphrase: string, cost?: BoxCost): Promise<OfficerFile> {
  if ([...passphrase].length < minPassphraseCharacters) throw new AppError('authority.passphrase-short', { details: { min: minPassphraseCharacters } })
  const [signing, sealing] = [generateSigningKey(), generateSigningKey()]
  const inside = JSON.stringify({ signing: privatePem(signing), sealing: privatePem(sealing) })
  const box = await sealWithPassphrase(inside, passphrase, purposeOf(name), cost)
  return { version: 1, name: OfficerName.parse(name), signingKey: signing.publicJwk, sealingKey: sealing.publicJwk, box }
}

export function storeOfficer(folder: string, officer: OfficerFile): void {
  mkdirSync(join(folder, 'officers'), { recursive: true, mode: 0o700 })
  writeJsonFile(officerPath(folder, officer.name), officer)
}

/** Also of one who has left: their signatures stay good. */
export function readOfficerIfThere(folder: string, name: string): OfficerFile | null {
  return OfficerName.safeParse(name).success ? readJsonFileIfThere(officerPath(folder, name), OfficerFile) : null
}

/** Null when the passphrase is wrong. */
export async function unlockOfficer(file: OfficerFile, passphrase: string): Promise<Officer | null> {
  const inside = await openWithPassphrase(file.box, passphrase, purposeOf(file.name))
  if (inside === null) return null
  const { signing, sealing } = Inside.parse(JSON.parse(inside))
  return { name: file.name, signing: signingKeyFrom(signing), sealing: signingKeyFrom(sealing).privateKey }
}

/** By which an officer's keys are known in the audit. */
export function officerMarks({ signingKey, sealingKey }: Pick<OfficerFile, 'signingKey' | 'sealingKey'>): { signingKey: Hash; sealingKey: Hash } {
  return { signingKey: thumbprint(signingKey), sealingKey: thumbprint(sealingKey) }
}

/** The authority's key, and the one that may follow it; each sealed in the same way. */
export const keyFiles = { inUse: 'authority-key.json', next: 'next-key.json' } as const
type KeyFile = (typeof keyFiles)[keyof typeof keyFiles]

/** Seals the key anew for each pair of these officers; pairs of anybody else are gone. */
export async function sealKey(
  folder: string,
  key: SigningKey,
  officers: readonly Pick<OfficerFile, 'name' | 'sealingKey'>[],
  file: KeyFile = keyFiles.inUse,
): Promise<void> {
  const pem = privatePem(key)
  const sorted = [...officers].sort((a, b) => (a.name < b.name ? -1 : 1))
  const couples = sorted.flatMap((first, place) => sorted.slice(place + 1).map((second) => [first, second] as const))
  const pairs = await Promise.all(
    couples.map(async ([first, second]) => ({
      officers: [first.name, second.name] as [OfficerName, OfficerName],
      sealed: await sealToBoth(pem, [first.sealingKey, second.sealingKey]),
    })),
  )
  writeJsonFile(join(folder, file), { version: 1, publicKey: key.publicJwk, pairs })
}

/** The key itself, for the time of one signature. Throws `authority.officer-unknown` where it is not sealed to these two, `state.unreadable` for a damaged file. */
export async function openKey(folder: string, officers: readonly [Officer, Officer], file: KeyFile = keyFiles.inUse): Promise<SigningKey> {
  const { pairs, publicKey } = readJsonFile(join(folder, file), Pairs)
  const [first, second] = [...officers].sort((a, b) => (a.name < b.name ? -1 : 1)) as [Officer, Officer]
  const pair = pairs.find((one) => one.officers[0] === first.name && one.officers[1] === second.name)
  if (!pair) throw new AppError('authority.officer-unknown', { details: { name: second.name } })
  const key = await openByBoth(pair.sealed, [first.sealing, second.sealing]).then(signingKeyFrom, (error: unknown) => {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'key' } })
  })
  if (thumbprint(key.publicJwk) !== thumbprint(publicKey)) throw new AppError('state.unreadable', { details: { what: 'key' } })
  return key
}

export function readPublicKeyIfThere(folder: string, file: KeyFile = keyFiles.inUse): PublicJwk | null {
  return readJsonFileIfThere(join(folder, file), Pairs)?.publicKey ?? null
}
