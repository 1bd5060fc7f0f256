import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { type DevicePath, joinPath, splitPath } from './names.ts'

/**
 * Which places below the root are open in a session. `paths`: where files may be reached at all, and on the way to which folders may be looked at. `restricted`: what may
 * hold patient data (R086) and stays shut through every door until a person at the device says yes in this very session.
 *
 * A walk goes by descriptors from the root, so whatever it reaches inside a restricted place it reaches through that place: by its name, or, where a link, a mount or a
 * new name of a folder above leads there, by its inode. A second name of a file (a hard link) passes by none of them; with places shut, such files are shut everywhere.
 */
export type Zones = {
  readonly restricted: readonly string[]
  readonly isLifted: boolean
  /** The person's yes. It lasts as long as this object, which is the session's. */
  lift(): void
  /** The inode that a restricted name has when the session begins. */
  learn(stat: Stats): void
  /** True for a node that is restricted; throws `file.restricted {path}` while those are shut. `stat` null: only the name is known yet. */
  pass(names: DevicePath, stat: Stats | null): boolean
  /** Throws `file.path-closed` for a place outside of `paths`; who only looks may look on the way there. */
  requireOpen(names: DevicePath, how: 'looks' | 'acts'): void
  /** Throws `file.restricted`, with a yes too: gone from its place, a restricted name would protect nothing in the next session. */
  requireKept(names: DevicePath): void
  /** Whether a listing tells this entry. */
  tells(names: DevicePath, stat: Stats): boolean
}

export type ZoneRules = { paths?: readonly string[] | null; restricted?: readonly string[] }

export function createZones({ paths = null, restricted = [] }: ZoneRules): Zones {
  const openPaths = paths?.map(splitPath) ?? null
  const shut = restricted.map(splitPath)
  const inodes = new Set<string>()
  let isLifted = false

  const isRestricted = (names: DevicePath, stat: Stats | null) => {
    if (shut.some((path) => isWithin(names, path))) return true
    if (!stat || shut.length === 0) return false
    return inodes.has(inodeOf(stat)) || (!isLifted && stat.isFile() && stat.nlink > 1)
  }
  const isReachable = (names: DevicePath, how: 'looks' | 'acts') =>
    openPaths === null || openPaths.some((path) => isWithin(names, path) || (how === 'looks' && isWithin(path, names)))

  return {
    restricted,
    get isLifted() {
      return isLifted
    },
    lift() {
      isLifted = true
    },
    learn: (stat) => void inodes.add(inodeOf(stat)),
    pass(names, stat) {
      const restrictedHere = isRestricted(names, stat)
      if (restrictedHere && !isLifted) throw new AppError('file.restricted', { details: { path: joinPath(names) } })
      return restrictedHere
    },
    requireOpen(names, how) {
      if (!isReachable(names, how)) throw new AppError('file.path-closed')
    },
    requireKept(names) {
      if (shut.some((path) => isWithin(path, names))) throw new AppError('file.restricted', { details: { path: joinPath(names) } })
    },
    tells: (names, stat) => isReachable(names, 'looks') && (isLifted || !isRestricted(names, stat)),
  }
}

const isWithin = (names: DevicePath, folder: DevicePath) => folder.every((name, at) => names[at] === name)
const inodeOf = ({ dev, ino }: Stats) => `${dev}:${ino}`
