import { basename, join } from 'node:path'
import { LicensedManifest, licensedManifestName } from '@gantry/shared/licensed-software.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { compareReleases } from '@gantry/shared/update-manifest.ts'
import type { ReleaseWords } from '@gantry/shared/words/release.en.ts'
import { countingFor, describeFile, drafted, publish, readPublished, type Source, usage } from './published.ts'

export type LicensedDraft = { manifest: LicensedManifest /** None where its file is published already. */; sources: readonly Source[] }
type At = { out: string; feature: string; publicKey: PublicJwk; nowMs: number; words: ReleaseWords }

/**
 * R011: the file of a licensed feature, in a folder of its own; without `file` what is published, once more. The serial goes on from what `out` holds, under this key. Errors: `usage.bad` for a
 * folder that is not the one that was published last, or a release that is not newer; `contract.bad-input {field}`; `update.manifest-bad`, `update.published {name}`.
 */
export async function draftLicensed(
  { out, feature, publicKey, nowMs, words }: At,
  { file, release, isFirst, days }: { file: string | null; release: string; isFirst: boolean; days: number },
): Promise<LicensedDraft> {
  const folder = join(out, feature)
  const failure = 'update.manifest-bad'
  const last = await readPublished(join(folder, licensedManifestName), { type: 'licensed-software', schema: LicensedManifest, key: publicKey, failure })
  if (last && isFirst) throw usage(words.notFirst)
  if (!last && !(isFirst && file)) throw usage(words.noManifest)
  if (last && file && compareReleases(release, last.release) <= 0) throw usage(words.notNewer(last.release))
  const source = file === null ? null : await describeFile(file, basename(file).replaceAll(' ', '-'), folder)
  const content = source ? { release, file: source.file } : { release: last?.release, file: last?.file }
  const manifest = drafted(LicensedManifest, { version: 1, serial: (last?.serial ?? 0) + 1, feature, ...content, ...countingFor(days, nowMs) })
  return { manifest, sources: source ? [source] : [] }
}

export async function writeLicensed(out: string, { manifest, sources }: LicensedDraft, key: SigningKey): Promise<string> {
  return publish(join(out, manifest.feature), sources, { name: licensedManifestName, type: 'licensed-software', payload: manifest }, key)
}
