import { readdirSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { compareReleases, manifestName, type UpdateFile, UpdateManifest, type UpdateTarget, updateFormats } from '@gantry/shared/update-manifest.ts'
import type { ReleaseWords } from '@gantry/shared/words/release.en.ts'
import { countingFor, describeFile, drafted, publish, readPublished, type Source, usage } from './published.ts'

/** What the officer says of a manifest; what is left out stays as it was published last. */
export type Wishes = { percentage?: number | undefined; minimum?: string | undefined; halted?: boolean | undefined; days: number }
export type Draft = { manifest: UpdateManifest /** None where its files are published already. */; sources: readonly Source[] }
type At = { out: string; target: UpdateTarget; publicKey: PublicJwk; nowMs: number; words: ReleaseWords }

/**
 * A new release, from the files of its build. The serial goes on from what `out` holds, under this key. Errors: `usage.bad` for a build that does not fit, a folder that is not the one that was
 * published last, or a release that is not newer; `update.manifest-bad`, `update.published {name}`.
 */
export async function draftRelease(
  at: At,
  { from, release, isFirst, ...wishes }: Wishes & { from: string; release: string; isFirst: boolean },
): Promise<Draft> {
  const last = await readLast(at)
  if (last && isFirst) throw usage(at.words.notFirst)
  if (!last && !isFirst) throw usage(at.words.noManifest)
  if (last && compareReleases(release, last.release) <= 0) throw usage(at.words.notNewer(last.release))
  const found = await findFiles(from, release, at)
  const files = found.map(({ format, file }) => ({ format, ...file }))
  const { percentage = 100, minimum = last?.minimum ?? '0.0.0' } = wishes
  const manifest = next(at, last, { release, files, percentage, minimum, halted: false, days: wishes.days })
  return { manifest, sources: found }
}

/** The published release once more. Errors: `usage.bad` where none is, `update.manifest-bad`. */
export async function draftChange(at: At, wishes: Wishes): Promise<Draft> {
  const last = await readLast(at)
  if (!last) throw usage(at.words.noManifest)
  const { percentage = last.percentage, minimum = last.minimum, halted = last.halted, days } = wishes
  return { manifest: next(at, last, { ...last, percentage, minimum, halted, days }), sources: [] }
}

export async function writeDraft(out: string, { manifest, sources }: Draft, key: SigningKey): Promise<string> {
  return publish(out, sources, { name: manifestName(manifest), type: 'update', payload: manifest }, key)
}

type Content = Pick<UpdateManifest, 'release' | 'files' | 'percentage' | 'minimum' | 'halted'> & { days: number }

function next({ target, nowMs }: At, last: UpdateManifest | null, { release, files, percentage, minimum, halted, days }: Content): UpdateManifest {
  return drafted(UpdateManifest, {
    version: 1,
    serial: (last?.serial ?? 0) + 1,
    ...target,
    ...{ release, minimum, files, percentage, halted, ...countingFor(days, nowMs) },
  })
}

async function readLast({ out, target, publicKey }: At): Promise<UpdateManifest | null> {
  return readPublished(join(out, manifestName(target)), { type: 'update', schema: UpdateManifest, key: publicKey, failure: 'update.manifest-bad' })
}

/** By the number in their names, as electron-builder writes them. */
async function findFiles(from: string, release: string, { out, target, words }: At): Promise<(Source & Pick<UpdateFile, 'format'>)[]> {
  const formats: readonly UpdateFile['format'][] = updateFormats[target.platform]
  const names = readdirSync(from).filter((name) => name.split(/[^0-9.]+/).some((part) => part.replace(/\.$/, '') === release))
  const found: (Source & Pick<UpdateFile, 'format'>)[] = []
  for (const format of formats) {
    const [name, another] = names.filter((one) => extname(one) === `.${format}`)
    if (another !== undefined) throw usage(words.twoFiles(format))
    if (name !== undefined) found.push({ format, ...(await describeFile(join(from, name), name.replaceAll(' ', '-'), out)) })
  }
  if (found.length === 0) throw usage(words.noFiles(release, formats.join(', ')))
  return found
}
