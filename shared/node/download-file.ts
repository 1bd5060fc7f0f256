import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, rmSync, statSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs } from '../backoff.ts'
import { AppError, isUnreachable } from '../errors.ts'
import type { PublishedFile } from '../published-file.ts'
import { fileError } from './file-error.ts'
import { syncFolder } from './json-file.ts'

export type DownloadOptions = {
  file: PublishedFile
  /** Where it is put once it is whole and right; until then it lies beside, and the next try goes on from there. */
  path: string
  openFrom: (from: number, signal: AbortSignal) => Promise<Readable>
  onProgress: (bytes: number) => void
  signal: AbortSignal
  /** Between two tries. */
  pauseMs?: (attempt: number) => number
}

export const partialOf = (path: string) => `${path}.part`

/** Tries in a row that bring not one octet. */
const maxIdleTries = 5

/**
 * Brings the file, over as many connections as it takes, and gives it its name only when size and SHA-512 are those that were signed. Errors: `update.file-bad {name}` (what came is thrown
 * away), `server.*` (what came stays), `file.disk-full` and the like; an abort throws the signal's reason.
 */
export async function downloadFile(options: DownloadOptions): Promise<void> {
  const { file, path, onProgress, signal } = options
  const part = partialOf(path)
  if (existsSync(path) && (await isWhole(path, file, signal))) return onProgress(file.bytes)
  rmSync(path, { force: true })
  if (sizeOf(part) > file.bytes) rmSync(part, { force: true })
  await fillPart(options, part)
  if (!(await isWhole(part, file, signal))) {
    rmSync(part, { force: true })
    throw new AppError('update.file-bad', { details: { name: file.name } })
  }
  await putInPlace(part, path).catch((error: unknown) => {
    throw fileError(error)
  })
}

/** Whether this is, octet by octet, the file that was signed. */
export async function isWhole(path: string, { bytes, sha512 }: PublishedFile, signal?: AbortSignal): Promise<boolean> {
  if (sizeOf(path) !== bytes) return false
  const hash = createHash('sha512')
  for await (const block of createReadStream(path, { highWaterMark: 1_048_576, signal })) hash.update(block as Buffer)
  return hash.digest('base64url') === sha512
}

async function fillPart({ file, openFrom, onProgress, signal, pauseMs = pause }: DownloadOptions, part: string): Promise<void> {
  let idleTries = 0
  for (let have = sizeOf(part); have < file.bytes; have = sizeOf(part)) {
    onProgress(have)
    try {
      await append(await openFrom(have, signal), part, { have, onProgress, signal })
    } catch (error) {
      signal.throwIfAborted()
      idleTries = sizeOf(part) > have ? 0 : idleTries + 1
      if (!isUnreachable(error) || idleTries >= maxIdleTries) throw error
      await sleep(pauseMs(idleTries + 1), undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

/** Octets that came before a break stay. A stream that breaks is a server that cannot be reached; whatever else fails is this computer's disk. */
async function append(
  source: Readable,
  part: string,
  { have, onProgress, signal }: { have: number } & Pick<DownloadOptions, 'onProgress' | 'signal'>,
): Promise<void> {
  let bytes = have
  // Whichever breaks first takes the other with it.
  let broke: 'source' | 'disk' | null = null
  const out = createWriteStream(part, { flags: 'a', mode: 0o600 })
  source.once('error', () => {
    broke ??= 'source'
  })
  out.once('error', () => {
    broke ??= 'disk'
  })
  const count = new Transform({
    transform(block: Buffer, _encoding, done) {
      bytes += block.length
      onProgress(bytes)
      done(null, block)
    },
  })
  try {
    await pipeline(source, count, out, { signal })
  } catch (error) {
    throw broke === 'disk' ? fileError(error) : new AppError('server.unreachable', { cause: error, details: { hop: 'answer' } })
  }
}

async function putInPlace(part: string, path: string): Promise<void> {
  const file = await open(part, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(part, path)
  syncFolder(dirname(path))
}

/** 0 for what is not there. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function pause(attempt: number): number {
  return backoffMs(attempt, { baseMs: 1_000, maxMs: 30_000 })
}
