import { createHash } from 'node:crypto'
import { copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { syncFolder, writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { type Expected, type SigningKey, signJws, verifyJws } from '@gantry/shared/node/signing.ts'
import type { PublishedFile } from '@gantry/shared/published-file.ts'

/** A folder that is carried to the main server, and comes back for the next signature. */
export type Source = { path: string; file: PublishedFile }

/** The manifest as it was published last, under this key; null before the first. */
export async function readPublished<T>(path: string, expected: Expected<T>): Promise<T | null> {
  return existsSync(path) ? verifyJws(readFileSync(path, 'utf8').trim(), expected) : null
}

/** A file of the build under the name that it is published by. Throws `update.published {name}`: whoever is half way through a file must find the rest of the same one. */
export async function describeFile(path: string, name: string, out: string): Promise<Source> {
  const sha512 = await sha512Of(path)
  const published = join(out, name)
  if (existsSync(published) && (await sha512Of(published)) !== sha512) throw new AppError('update.published', { details: { name } })
  return { path, file: { name, bytes: statSync(path).size, sha512 } }
}

/** Files first, and the manifest at once or not at all: whoever reads the folder at any moment finds all that a manifest names. Returns where the manifest is. */
export async function publish(out: string, sources: readonly Source[], { name, type, payload }: Manifest, key: SigningKey): Promise<string> {
  mkdirSync(out, { recursive: true })
  for (const { path, file } of sources) {
    if (existsSync(join(out, file.name))) continue
    const partial = join(out, `.${file.name}.partial`)
    copyFileSync(path, partial)
    renameSync(partial, join(out, file.name))
  }
  syncFolder(out)
  writeFileWhole(join(out, name), await signJws(type, payload, key), 0o644)
  return join(out, name)
}
type Manifest = { name: string; type: 'update' | 'licensed-software'; payload: object }

/** What is going to be signed, by its schema: what does not fit is the officer's to mend. Throws `contract.bad-input {field}`. */
export function drafted<T>(schema: Expected<T>['schema'], payload: object): T {
  const { data, error } = schema.safeParse(payload)
  if (error) throw new AppError('contract.bad-input', { cause: error, details: { field: error.issues[0]?.path.join('.') || 'days' } })
  return data
}

/** From now on, for so many days. */
export function countingFor(days: number, nowMs: number): { issuedAt: number; expiresAt: number } {
  const issuedAt = Math.floor(nowMs / 1_000)
  return { issuedAt, expiresAt: issuedAt + days * 86_400 }
}

async function sha512Of(path: string): Promise<string> {
  const hash = createHash('sha512')
  for await (const block of createReadStream(path, { highWaterMark: 1_048_576 })) hash.update(block as Buffer)
  return hash.digest('base64url')
}

export function usage(problem: string): AppError {
  return new AppError('usage.bad', { details: { problem: `${problem}.` } })
}
