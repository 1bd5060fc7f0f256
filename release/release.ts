import { createHash } from 'node:crypto'
import { copyFileSync, createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { syncFolder, writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { type SigningKey, signJws, verifyJws } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { compareReleases, manifestName, type UpdateFile, UpdateManifest, type UpdateTarget, updateFormats } from '@gantry/shared/update-manifest.ts'
import type { ReleaseWords } from '@gantry/shared/words/release.en.ts'

/** What the officer says of a manifest; what is left out stays as it was published last. */
export type Wishes = { percentage?: number | undefined; minimum?: string | undefined; halted?: boolean | undefined; days: number }
export type Draft = { manifest: UpdateManifest /** Where each file is now; none where they are published already. */; sources: readonly string[] }
type At = { out: string; target: UpdateTarget; publicKey: PublicJwk; nowMs: number; words: ReleaseWords }

/**
 * A new release, from the files of its build. The serial goes on from what `out` holds, under this key. Errors: `usage.bad` for a build that does not fit, a folder that is not the one that was
 * published last, or a release that is not newer; `update.manifest-bad`, `update.published {name}`.
 */
export async function draftRelease(
  at: At,
  { from, release, isFirst, ...wishes }: Wishes & { from: string; release: string; isFirst: boolean },
): Promise<Draft> {
  const last = await readPublished(at)
  if (last && isFirst) throw usage(at.words.notFirst)
  if (!last && !isFirst) throw usage(at.words.noManifest)
  if (last && compareReleases(release, last.release) <= 0) throw usage(at.words.notNewer(last.release))
  const found = await findFiles(from, release, at)
  for (const { file } of found) await requireUnpublished(at.out, file)
  const files = found.map(({ file }) => file)
  const { percentage = 100, minimum = last?.minimum ?? '0.0.0' } = wishes
  const manifest = next(at, last, { release, files, percentage, minimum, halted: false, days: wishes.days })
  return { manifest, sources: found.map(({ path }) => path) }
}

/** The published release once more. Errors: `usage.bad` where none is, `update.manifest-bad`. */
export async function draftChange(at: At, wishes: Wishes): Promise<Draft> {
  const last = await readPublished(at)
  if (!last) throw usage(at.words.noManifest)
  const { percentage = last.percentage, minimum = last.minimum, halted = last.halted, days } = wishes
  return { manifest: next(at, last, { ...last, percentage, minimum, halted, days }), sources: [] }
}

/** Files first, and the manifest at once or not at all: whoever reads the folder at any moment finds all that a manifest names. */
export async function writeDraft(out: string, { manifest, sources }: Draft, key: SigningKey): Promise<string> {
  mkdirSync(out, { recursive: true })
  for (const [at, { name }] of manifest.files.entries()) {
    const source = sources[at]
    if (source === undefined || existsSync(join(out, name))) continue
    const partial = join(out, `.${name}.partial`)
    copyFileSync(source, partial)
    renameSync(partial, join(out, name))
  }
  syncFolder(out)
  const path = join(out, manifestName(manifest))
  writeFileWhole(path, await signJws('update', manifest, key), 0o644)
  return path
}

type Content = Pick<UpdateManifest, 'release' | 'files' | 'percentage' | 'minimum' | 'halted'> & { days: number }

function next({ target, nowMs }: At, last: UpdateManifest | null, { release, files, percentage, minimum, halted, days }: Content): UpdateManifest {
  const issuedAt = Math.floor(nowMs / 1_000)
  const times = { issuedAt, expiresAt: issuedAt + days * 86_400 }
  const { data, error } = UpdateManifest.safeParse({
    version: 1,
    serial: (last?.serial ?? 0) + 1,
    ...target,
    ...{ release, minimum, files, percentage, halted, ...times },
  })
  if (error) throw new AppError('contract.bad-input', { cause: error, details: { field: error.issues[0]?.path.join('.') || 'days' } })
  return data
}

async function readPublished({ out, target, publicKey }: At): Promise<UpdateManifest | null> {
  const path = join(out, manifestName(target))
  if (!existsSync(path)) return null
  return verifyJws(readFileSync(path, 'utf8').trim(), { type: 'update', schema: UpdateManifest, key: publicKey, failure: 'update.manifest-bad' })
}

/** By the number in their names, as electron-builder writes them. */
async function findFiles(from: string, release: string, { target, words }: At): Promise<{ path: string; file: UpdateFile }[]> {
  const formats: readonly UpdateFile['format'][] = updateFormats[target.platform]
  const names = readdirSync(from).filter((name) => name.split(/[^0-9.]+/).some((part) => part.replace(/\.$/, '') === release))
  const found: { path: string; file: UpdateFile }[] = []
  for (const format of formats) {
    const [name, another] = names.filter((one) => extname(one) === `.${format}`)
    if (another !== undefined) throw usage(words.twoFiles(format))
    if (name === undefined) continue
    const path = join(from, name)
    found.push({ path, file: { format, name: name.replaceAll(' ', '-'), bytes: statSync(path).size, sha512: await sha512Of(path) } })
  }
  if (found.length === 0) throw usage(words.noFiles(release, formats.join(', ')))
  return found
}

/** A client that is half way through a file must find the rest of the same one. */
async function requireUnpublished(out: string, { name, sha512 }: UpdateFile): Promise<void> {
  const path = join(out, name)
  if (existsSync(path) && (await sha512Of(path)) !== sha512) throw new AppError('update.published', { details: { name } })
}

async function sha512Of(path: string): Promise<string> {
  const hash = createHash('sha512')
  for await (const block of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(block as Buffer)
  return hash.digest('base64url')
}

export function usage(problem: string): AppError {
  return new AppError('usage.bad', { details: { problem: `${problem}.` } })
}
