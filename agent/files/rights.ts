import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * The agent may run as root, but a specialist has the rights of the device's user and no more: a file in the root that this user cannot read stays
 * closed, also when it came there as a hard link. Without a separate user (`null`) the kernel's own check is all there is.
 */
export type Account = { uid: number; gid: number }
export type Right = 'read' | 'write' | 'search'

const bits = { read: 4, write: 2, search: 1 } as const

/** The classic permission bits (path_resolution(7)): owner, else group, else others. */
export function holdsRight(stat: Stats, account: Account | null, right: Right): boolean {
  if (!account) return true
  const shift = stat.uid === account.uid ? 6 : stat.gid === account.gid ? 3 : 0
  return ((stat.mode >> shift) & bits[right]) !== 0
}

export function requireRight(stat: Stats, account: Account | null, right: Right): void {
  if (!holdsRight(stat, account, right)) throw new AppError('file.denied')
}

/** Entries of a folder may be added, renamed and removed; in a sticky folder (like /tmp) only one's own. */
export function requireEntryRight(folder: Stats, entry: Stats | null, account: Account | null): void {
  requireRight(folder, account, 'write')
  requireRight(folder, account, 'search')
  if (!account || !entry || (folder.mode & 0o1000) === 0) return
  if (folder.uid !== account.uid && entry.uid !== account.uid) throw new AppError('file.denied')
}

export function requireOwner(stat: Stats, account: Account | null): void {
  if (account && stat.uid !== account.uid) throw new AppError('file.denied')
}
