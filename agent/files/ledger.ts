import type { FileEvent } from './device-files.ts'
import { showPath } from './names.ts'

/**
 * What moved over a files leg and was not confirmed yet. A file comes in ranges and pieces, and is one event all the same: the confirmation's.
 * What is left when the leg closes moved too, and is recorded as a part.
 */
type Direction = 'sent' | 'received'

export function createLedger(record: (event: FileEvent) => void) {
  const open = new Map<string, { kind: Direction; path: string; bytes: number }>()
  const key = (kind: Direction, path: string) => `${kind} ${path}`
  return {
    moved(kind: Direction, path: string, bytes: number): void {
      if (bytes === 0) return
      const entry = open.get(key(kind, path))
      if (entry) entry.bytes += bytes
      else open.set(key(kind, path), { kind, path, bytes })
    },
    confirmed(kind: Direction, path: string): void {
      open.delete(key(kind, path))
    },
    close(): void {
      for (const { kind, path, bytes } of open.values()) record({ kind, path: showPath(path), bytes, whole: false, sha256: null })
      open.clear()
    },
  }
}
