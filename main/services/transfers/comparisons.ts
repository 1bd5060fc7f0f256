import { lstat, realpath, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { compareCalls } from '@gantry/shared/compare-calls.ts'
import type { Input, Output } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { Session, Transfers } from '../services.ts'
import { compareFolders, type Pair } from './compare.ts'
import { joinRemote } from './put-file.ts'

type Calls = typeof compareCalls
export type Comparisons = {
  start(input: Input<Calls, 'compare.start'>): Promise<Output<Calls, 'compare.start'>>
  stop(requestId: RequestId): void
  apply(input: Input<Calls, 'compare.apply'>): Promise<Output<Calls, 'compare.apply'>>
}
type ComparisonTools = { session: (requestId: RequestId) => Pick<Session, 'files' | 'directions'>; transfers: Pick<Transfers, 'start'> }
type Kept = { requestId: RequestId; local: string; remote: string; pairs: readonly Pair[] }
type Direction = 'put' | 'get'

/** Comparisons of this computer's folders with a device's: one at a time for each session, and the last of each can be applied. */
export function createComparisons({ session: sessionOf, transfers }: ComparisonTools): Comparisons {
  const kept = new Map<string, Kept>()
  const running = new Map<RequestId, AbortController>()
  let lastId = 0

  return {
    async start({ requestId, local: path, remote, digests }) {
      const { files, directions } = sessionOf(requestId)
      const local = resolve(path)
      running.get(requestId)?.abort(new AppError('file.cancelled'))
      const stop = new AbortController()
      running.set(requestId, stop)
      try {
        const { pairs, stopped, skipped } = await compareFolders({ files, local, remote, withDigests: digests, signal: stop.signal })
        for (const [id, old] of kept) if (old.requestId === requestId) kept.delete(id)
        const compareId = `cmp-${++lastId}`
        kept.set(compareId, { requestId, local, remote, pairs })
        return { compareId, rows: pairs.map(({ row }) => row), stopped, skipped, directions }
      } finally {
        if (running.get(requestId) === stop) running.delete(requestId)
      }
    },
    stop: (requestId) => running.get(requestId)?.abort(new AppError('file.cancelled')),
    async apply({ compareId, direction, copy, remove }) {
      const comparison = kept.get(compareId)
      if (!comparison) throw new AppError('file.not-found')
      const { files, directions } = sessionOf(comparison.requestId)
      if (!directions[direction]) throw new AppError('file.direction-closed')
      // Applied once: what it says is not so any more.
      kept.delete(compareId)
      const chosen = (rows: readonly number[]) => [...new Set(rows)].flatMap((at) => comparison.pairs[at] ?? [])
      const started = await startCopies(comparison, direction, chosen(copy).filter(isCopied(direction)), transfers)
      let removed = 0
      const removing = chosen(remove).filter(isRemoved(direction))
      for (const pair of removing) {
        const path = pair.there.reduce(joinRemote, comparison.remote)
        const doing = direction === 'put' ? files.call('files.delete', { path }) : removeHere(comparison.local, pair)
        await doing.then(
          () => removed++,
          () => undefined,
        )
      }
      return { transfers: started, removed, notRemoved: removing.length - removed }
    },
  }
}

/** Whether a direction copies a row: what the source has, and the target has not, or otherwise. */
function isCopied(direction: Direction): (pair: Pair) => boolean {
  return ({ row: { state, isRenamed } }) =>
    direction === 'put' ? !isRenamed && (state === 'only-here' || state === 'differs') : state === 'only-there' || state === 'differs'
}

/** Files alone, that only the target has. */
function isRemoved(direction: Direction): (pair: Pair) => boolean {
  return ({ row: { state, kind } }) => kind === 'file' && state === (direction === 'put' ? 'only-there' : 'only-here')
}

/** Rows of one folder are one request; each is a transfer of its own. */
async function startCopies(
  { requestId, local, remote }: Kept,
  direction: Direction,
  pairs: readonly Pair[],
  transfers: Pick<Transfers, 'start'>,
): Promise<number> {
  const groups = new Map<string, { to: string; replace: boolean; from: string[] }>()
  for (const { row, here, there } of pairs) {
    const [source, target] = [join(local, ...here), there.reduce(joinRemote, remote)]
    const to = direction === 'put' ? there.slice(0, -1).reduce(joinRemote, remote) : dirname(source)
    if (direction === 'get') await requireBelow(local, to)
    const replace = row.state === 'differs'
    const group = groups.get(`${replace} ${to}`) ?? { to, replace, from: [] }
    group.from.push(direction === 'put' ? source : target)
    groups.set(`${replace} ${to}`, group)
  }
  for (const { to, replace, from } of groups.values())
    for (let at = 0; at < from.length; at += mostAtOnce) await transfers.start({ requestId, direction, from: from.slice(at, at + mostAtOnce), to, replace })
  return pairs.length
}

const mostAtOnce = 1_000

/** Somebody may have put a link in a folder's place since it was looked at. */
async function requireBelow(root: string, folder: string): Promise<void> {
  const [whole, found] = await Promise.all([realpath(root), realpath(folder)]).catch((error: unknown) => {
    throw new AppError('file.not-found', { cause: error })
  })
  if (found !== join(whole, folder.slice(root.length))) throw new AppError('file.outside-root')
}

async function removeHere(local: string, { here, row }: Pair): Promise<void> {
  const path = join(local, ...here)
  await requireBelow(local, dirname(path))
  const stat = await lstat(path)
  // What was shown is what is deleted.
  if (!stat.isFile() || stat.size !== row.here?.size || Math.trunc(stat.mtimeMs) !== row.here.modifiedMs) throw new AppError('file.changed')
  await unlink(path)
}
