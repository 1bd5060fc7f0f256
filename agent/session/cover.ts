import { existsSync, lstatSync, realpathSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '@gantry/shared/errors.ts'
import type { SessionReach } from './grant.ts'
import type { Covered, Isolation } from './isolation.ts'
import { processesOf } from './processes.ts'
import type { Separation } from './separation.ts'

/**
 * What may hold patient data, kept from the programs of a session (R086): its mount namespace shows them something else in that place. It is for sessions whose level
 * runs programs; files are kept by `../files/zones.ts`.
 */
export type Cover = {
  /** The person's yes. Throws `access.restricted-open` while a program of the same account, but not of this session, runs: it could look on through this one's. */
  lift(): Promise<void>
}

export type CoverWith = { separation: Separation; mark: string; filesRoot: string; restricted: readonly string[] }

/**
 * Throws `access.restricted-open` where it cannot be done: no namespaces, a place that is not there (its name would be free), or with other names, or a program of the same
 * account beside the session, through which it could be seen (`/proc/<pid>/root`, proc(5)). Then no program is started.
 */
export async function coverRestricted({ separation, mark, filesRoot, restricted }: CoverWith): Promise<Cover> {
  if (restricted.length === 0) return { lift: async () => undefined }
  const { isolation, user } = separation
  if (!isolation) throw new AppError('access.restricted-open')
  await requireAlone(user.uid, mark)
  const places = await hide(isolation, filesRoot, restricted)
  return {
    async lift() {
      await requireAlone(user.uid, mark)
      await isolation.uncover(places)
    },
  }
}

export type CoverFacts = { network: SessionReach; uid: number | null; filesRoot: string; restricted: readonly string[] }

/** The same question before anybody is asked: why it could not be done now, as far as can be seen from outside. */
export function whyNotCovered({ network, uid, filesRoot, restricted }: CoverFacts): 'open' | 'others' | null {
  if (restricted.length === 0) return null
  if (network !== 'none' || uid === null || !restricted.every((path) => existsSync(join(filesRoot, path)))) return 'open'
  return processesOf(uid).length > 0 ? 'others' : null
}

const aloneTries = 4
const aloneMs = 150

/** A session that has just ended, or a namespace that is made for the next one, may have one for a moment. */
async function requireAlone(uid: number, mark: string): Promise<void> {
  for (let tries = aloneTries; processesOf(uid).some((one) => one.mark !== mark); tries -= 1) {
    if (tries === 0) throw new AppError('access.restricted-open', { details: { reason: 'others' } })
    await sleep(aloneMs)
  }
}

async function hide(isolation: Isolation, filesRoot: string, restricted: readonly string[]): Promise<Covered[]> {
  try {
    const root = realpathSync(filesRoot)
    const places = restricted.map((path) => placeOf(root, path))
    await isolation.cover(places)
    return places
  } catch (cause) {
    throw new AppError('access.restricted-open', { cause })
  }
}

function placeOf(root: string, restricted: string): Covered {
  const path = realpathSync(join(root, restricted))
  const inside = relative(root, path)
  if (inside === '' || inside.startsWith('..')) throw new Error('outside of the files')
  const above: string[] = []
  for (let folder = dirname(path); folder.length >= root.length; folder = dirname(folder)) above.unshift(folder)
  return { path, above, kind: lstatSync(path).isDirectory() ? 'folder' : 'file' }
}
