import { lstat, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import type { Files } from '../services.ts'
import { joinRemote } from './put-file.ts'
import { receivedName, safeLocalName } from './safe-name.ts'

/** What one transfer moves: folders to make, parents first, then files. `at` is relative to the destination, as its parts. */
export type Plan = {
  folders: string[][]
  files: { from: string; at: string[]; size: number }[]
  /** What was left out: links and special files are never followed. */
  skipped: number
  /** Names that cannot be written here: each fails by itself. */
  failed: unknown[]
}

/** A device could list without end, or folders within folders. */
const limits = { entries: 100_000, depth: 64 } as const

export type PlanOptions = { files: Files; from: string; as: string | null; signal: AbortSignal }

export async function planPut({ from: path, as, signal }: Omit<PlanOptions, 'files'>): Promise<Plan> {
  const plan: Plan = { folders: [], files: [], skipped: 0, failed: [] }
  const walk = async (from: string, at: string[]): Promise<void> => {
    signal.throwIfAborted()
    const found = await lstat(from)
    if (found.isFile()) plan.files.push({ from, at, size: found.size })
    else if (found.isDirectory()) {
      plan.folders.push(at)
      requireLimits(plan, at)
      for (const name of (await readdir(from)).sort()) await walk(join(from, name), [...at, name])
    } else plan.skipped++
  }
  try {
    await walk(resolve(path), [as ?? basename(resolve(path))])
  } catch (error) {
    throw fileError(error)
  }
  return requireSomething(plan)
}

export async function planGet({ files, from: path, as, signal }: PlanOptions): Promise<Plan> {
  const plan: Plan = { folders: [], files: [], skipped: 0, failed: [] }
  const take = async (entry: FileEntry, from: string, parent: string[], taken: Set<string>): Promise<void> => {
    signal.throwIfAborted()
    if (entry.kind !== 'file' && entry.kind !== 'folder') return void plan.skipped++
    const at = [...parent, freeName(entry.name, taken)]
    if (entry.kind === 'file') return void plan.files.push({ from, at, size: entry.size })
    plan.folders.push(at)
    requireLimits(plan, at)
    const { entries } = await files.call('files.list', { path: from }, { signal })
    const below = new Set<string>()
    for (const one of entries) await take(one, joinRemote(from, one.name), at, below).catch((error: unknown) => noteName(plan, error))
  }
  const entry = await files.call('files.stat', { path }, { signal })
  await take({ ...entry, name: receivedName(path, as) }, path, [], new Set())
  return requireSomething(plan)
}

/** Two names of the device that would be one here (escaped alike, or differing in case alone): the second is refused, not written over the first. */
function freeName(name: string, taken: Set<string>): string {
  const safe = safeLocalName(name)
  const folded = safe.normalize('NFC').toLocaleLowerCase()
  const key = process.platform === 'win32' || process.platform === 'darwin' ? folded : safe
  if (taken.has(key)) throw new AppError('file.exists', { details: { path: safe.slice(0, 120) } })
  taken.add(key)
  return safe
}

function noteName(plan: Plan, error: unknown): void {
  const ofTheName = error instanceof AppError && (error.code === 'file.name-not-allowed' || error.code === 'file.exists' || error.code === 'file.denied')
  if (!ofTheName) throw error
  plan.failed.push(error)
}

function requireLimits(plan: Plan, at: string[]): void {
  if (at.length > limits.depth || plan.folders.length + plan.files.length > limits.entries) {
    throw new AppError('file.too-large', { details: { maxEntries: limits.entries, maxDepth: limits.depth } })
  }
}

function requireSomething(plan: Plan): Plan {
  if (plan.files.length + plan.folders.length + plan.failed.length === 0) throw new AppError('file.not-a-file')
  return plan
}
