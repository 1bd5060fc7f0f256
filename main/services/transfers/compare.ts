import { createHash } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompareRow } from '@gantry/shared/compare-calls.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import type { Files } from '../services.ts'
import { joinRemote } from './put-file.ts'
import { safeLocalName, visibleName } from './safe-name.ts'

/** How far a comparison goes, and by how much times may differ: file systems keep them to 2 s at the coarsest (FAT). */
export const compareLimits = { entries: 10_000, depth: 32, slackMs: 2_000 } as const

/** A row with the places it stands for; the window gets the row alone, so that it cannot name others. */
export type Pair = {
  row: CompareRow
  /** Below the two folders, as the disks have it; `there` differs from `here` where a name of the device cannot be written here as it is. */
  here: readonly string[]
  there: readonly string[]
}
export type Comparison = { pairs: Pair[]; stopped: 'entries' | 'depth' | null; skipped: number }
export type CompareJob = { files: Files; local: string; remote: string; withDigests: boolean; signal: AbortSignal }

type Side = { name: string; kind: FileEntry['kind']; size: number; modifiedMs: number }

/**
 * What two folders have and have not in common. Links and special files are counted and never followed; a folder that only one side has is one row. Names of the device are
 * matched as they could be written here (`safeLocalName`); one that cannot be, or that would be a second one's, is shown as refused.
 * Errors: `file.*`, `session.ended`; an abort throws the signal's reason.
 */
export async function compareFolders(job: CompareJob): Promise<Comparison> {
  const found: Comparison = { pairs: [], stopped: null, skipped: 0 }
  const root = await lstat(job.local).catch((error: unknown) => {
    throw fileError(error)
  })
  if (!root.isDirectory()) throw new AppError('file.not-a-folder')
  await walk(job, found, [], [])
  return found
}

async function walk(job: CompareJob, found: Comparison, here: readonly string[], there: readonly string[]): Promise<void> {
  job.signal.throwIfAborted()
  if (here.length >= compareLimits.depth) {
    found.stopped ??= 'depth'
    return
  }
  const [own, theirs] = await Promise.all([listHere(join(job.local, ...here)), listThere(job, there)])
  const matched = new Set<string>()
  for (const entry of theirs) {
    if (isFull(found)) return
    const at = { here, there: [...there, entry.name] }
    const name = nameHere(entry.name)
    if (entry.kind === 'link' || entry.kind === 'other') {
      found.skipped++
      if (name !== null) matched.add(name)
    } else if (name === null || matched.has(name)) {
      found.pairs.push(pairOf({ ...at, here: [...here, visibleName(entry.name)] }, null, entry, 'refused'))
    } else {
      matched.add(name)
      await compareOne(job, found, { here: [...here, name], there: at.there }, own.get(name) ?? null, entry)
    }
  }
  for (const entry of own.values()) {
    if (isFull(found)) return
    if (matched.has(entry.name)) continue
    if (entry.kind === 'link' || entry.kind === 'other') found.skipped++
    else found.pairs.push(pairOf({ here: [...here, entry.name], there: [...there, entry.name] }, entry, null, 'only-here'))
  }
}

type At = { here: readonly string[]; there: readonly string[] }

async function compareOne(job: CompareJob, found: Comparison, at: At, own: Side | null, theirs: Side): Promise<void> {
  if (!own) return void found.pairs.push(pairOf(at, null, theirs, 'only-there'))
  // A link here would lead what is fetched elsewhere.
  if (own.kind !== theirs.kind) return void found.pairs.push(pairOf(at, own, theirs, 'refused'))
  if (own.kind === 'folder') return walk(job, found, at.here, at.there)
  found.pairs.push(pairOf(at, own, theirs, (await areSame(job, at, own, theirs)) ? 'same' : 'differs'))
}

async function areSame(job: CompareJob, at: At, own: Side, theirs: Side): Promise<boolean> {
  if (own.size !== theirs.size) return false
  if (!job.withDigests) return Math.abs(own.modifiedMs - theirs.modifiedMs) <= compareLimits.slackMs
  const [mine, other] = await Promise.all([
    digestHere(join(job.local, ...at.here), job.signal),
    job.files.call('files.digest', { path: at.there.reduce(joinRemote, job.remote) }, { signal: job.signal }),
  ])
  return mine === other.sha256
}

function pairOf(at: At, own: Side | null, theirs: Side | null, state: CompareRow['state']): Pair {
  const facts = (side: Side | null) => side && { size: side.size, modifiedMs: Math.max(0, Math.trunc(side.modifiedMs)) }
  const kind = (theirs ?? own)?.kind === 'folder' ? 'folder' : 'file'
  // Sent back under its local name it would be another file there.
  const isRenamed = theirs !== null && at.here.at(-1) !== at.there.at(-1)
  return { ...at, row: { path: at.here.map(visibleName).join('/'), kind, state, isRenamed, here: facts(own), there: facts(theirs) } }
}

function isFull(found: Comparison): boolean {
  if (found.pairs.length + found.skipped < compareLimits.entries) return false
  found.stopped = 'entries'
  return true
}

function nameHere(name: string): string | null {
  try {
    // A device could list a path in place of a name.
    return name.includes('/') ? null : safeLocalName(name)
  } catch {
    return null
  }
}

async function listHere(folder: string): Promise<Map<string, Side>> {
  try {
    const sides = new Map<string, Side>()
    for (const name of (await readdir(folder)).sort().slice(0, compareLimits.entries + 1)) {
      const stat = await lstat(join(folder, name)).catch(() => null)
      if (stat) sides.set(name, { name, kind: kindOf(stat), size: stat.size, modifiedMs: stat.mtimeMs })
    }
    return sides
  } catch (error) {
    throw fileError(error)
  }
}

function kindOf(stat: Stats): Side['kind'] {
  return stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other'
}

async function listThere({ files, remote, signal }: CompareJob, there: readonly string[]): Promise<readonly FileEntry[]> {
  const { entries } = await files.call('files.list', { path: there.reduce(joinRemote, remote) }, { signal })
  return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function digestHere(path: string, signal: AbortSignal): Promise<string> {
  try {
    await using file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    const hash = createHash('sha256')
    for await (const octets of file.createReadStream({ autoClose: false, signal })) hash.update(octets)
    return hash.digest('base64url')
  } catch (error) {
    signal.throwIfAborted()
    throw fileError(error)
  }
}
