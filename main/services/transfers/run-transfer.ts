import { lstat, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import type { Files } from '../services.ts'
import { getFile } from './get-file.ts'
import { keepOn } from './keep-on.ts'
import type { TransferMemory } from './memory.ts'
import type { Pace } from './pace.ts'
import { type Plan, planGet, planPut } from './plan.ts'
import { joinRemote, putFile } from './put-file.ts'

/** One transfer: a file, or a folder with everything below it. A file that fails is noted and the others go on, unless nothing could go on. */
export type TransferJob = {
  files: Files
  direction: 'put' | 'get'
  from: string
  to: string
  replace: boolean
  /** The name at the destination, in place of its own. */
  as: string | null
  signal: AbortSignal
  pace: Pace
  onPlan: (plan: { files: number; totalBytes: number }) => void
  onBytes: (bytes: number) => void
  onVerifying: () => void
  onWaiting: () => void
  onFileDone: () => void
  memory: TransferMemory
}

/** What ends the whole transfer: the next file would meet the same. */
const endsAll: ReadonlySet<string> = new Set([
  'file.disk-full',
  'file.direction-closed',
  'file.path-closed',
  'server.unreachable',
  'session.ended',
  'leg.refused',
  'session.channel-refused',
])

/** Resolves when every file is in its place and verified; else rejects with the first failure, and how many files failed. */
export async function runTransfer(job: TransferJob): Promise<void> {
  const plan = await (job.direction === 'put' ? planPut(job) : planGet({ ...job, files: patient(job) }))
  job.onPlan({ files: plan.files.length + plan.failed.length, totalBytes: plan.files.reduce((sum, file) => sum + file.size, 0) })
  const failed = [...plan.failed]
  const guarded = async (doing: () => Promise<void>) => {
    job.signal.throwIfAborted()
    try {
      await doing()
    } catch (error) {
      if (job.signal.aborted || !(error instanceof AppError) || endsAll.has(error.code)) throw error
      failed.push(error)
    }
  }
  await (job.direction === 'put' ? putAll(job, plan, guarded) : getAll(job, plan, guarded))
  if (failed.length > 0) throw summary(failed, plan.files.length + plan.failed.length)
}

/** The same device, whose calls wait out a break. */
function patient(job: TransferJob): Files {
  const { files } = job
  return { ...files, call: (name, input, options) => keepOn(job, () => files.call(name, input, options)) }
}

type Guard = (doing: () => Promise<void>) => Promise<void>

async function putAll(job: TransferJob, plan: Plan, guarded: Guard): Promise<void> {
  const { files, signal, replace } = job
  const place = (at: string[]) => at.reduce(joinRemote, job.to)
  for (const at of plan.folders) await guarded(() => makeRemoteFolder(patient(job), place(at), signal))
  await inParallel(notDone(job, plan), ({ from, at }) => {
    const counted = countBack(job)
    return guarded(async () => {
      const memory = job.memory.of(at)
      await counted.run(() =>
        putFile({ ...job, memory, onBytes: counted.onBytes, files, localPath: from, folder: place(at.slice(0, -1)), name: at.at(-1) ?? '', replace, signal }),
      )
      job.memory.done(at)
      job.onFileDone()
    })
  })
}

async function getAll(job: TransferJob, plan: Plan, guarded: Guard): Promise<void> {
  const root = await realpath(job.to).catch((error: unknown) => {
    throw fileError(error)
  })
  const place = (at: string[]) => join(root, ...at)
  for (const at of plan.folders) await guarded(() => makeLocalFolder(place(at)))
  await inParallel(notDone(job, plan), ({ from, at }) => {
    const counted = countBack(job)
    return guarded(async () => {
      const folder = place(at.slice(0, -1))
      if (at.length > 1) await requireFolder(folder)
      await counted.run(() => getFile({ ...job, memory: job.memory.of(at), onBytes: counted.onBytes, remotePath: from, folder, name: at.at(-1) ?? '' }))
      job.memory.done(at)
      job.onFileDone()
    })
  })
}

/** Those that an earlier start of the app did not bring to their end. */
function notDone({ memory, onBytes, onFileDone }: TransferJob, { files }: Plan): Plan['files'] {
  const [done, left] = [files.filter(({ at }) => memory.isDone(at)), files.filter(({ at }) => !memory.isDone(at))]
  for (const { size } of done) {
    onBytes(size)
    onFileDone()
  }
  return left
}

const filesAtOnce = 6

/** Small files spend their time in round trips and in the device's fsync; several at once share it. The first failure that ends all stops the rest at its next file. */
async function inParallel<T>(items: readonly T[], doing: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  let failure: { error: unknown } | null = null
  const work = async () => {
    while (next < items.length && !failure) {
      const item = items[next++] as T
      await doing(item).catch((error: unknown) => {
        failure ??= { error }
      })
    }
  }
  await Promise.all(Array.from({ length: Math.min(filesAtOnce, items.length) }, work))
  if (failure) throw (failure as { error: unknown }).error
}

/** Bytes of a file that failed do not count: the progress goes back by them. */
function countBack({ onBytes }: TransferJob) {
  let counted = 0
  return {
    onBytes(bytes: number) {
      counted += bytes
      onBytes(bytes)
    },
    async run(doing: () => Promise<void>) {
      try {
        await doing()
      } catch (error) {
        onBytes(-counted)
        throw error
      }
    },
  }
}

async function makeRemoteFolder(files: Files, path: string, signal: AbortSignal): Promise<void> {
  try {
    await files.call('files.make-folder', { path }, { signal })
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'file.exists') throw error
    const { kind } = await files.call('files.stat', { path }, { signal })
    if (kind !== 'folder') throw new AppError('file.not-a-folder', { cause: error })
  }
}

async function makeLocalFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw fileError(error)
    await requireFolder(path)
  }
}

/** A link that lies where a folder should be would lead out of the chosen folder. */
async function requireFolder(path: string): Promise<void> {
  const there = await lstat(path).catch((error: unknown) => {
    throw fileError(error)
  })
  if (there.isSymbolicLink()) throw new AppError('file.outside-root')
  if (!there.isDirectory()) throw new AppError('file.not-a-folder')
}

function summary(failed: unknown[], files: number): unknown {
  const [first] = failed
  if (!(first instanceof AppError) || files === 1) return first
  return new AppError(first.code, { cause: first, details: { ...first.details, failed: failed.length, files } })
}
