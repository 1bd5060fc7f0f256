import { statSync } from 'node:fs'

/** Changes whenever a file is written or replaced; empty where there is none. For files that are looked at again and again: file events are not to be had on every file system. */
export function fileMark(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : ''
}
