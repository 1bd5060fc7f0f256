import type { FileEntry } from '@gantry/shared/files.ts'

/** Paths of this computer (either slash) and of the device (`/` is the root that its owner chose). */
export function separatorOf(path: string): '/' | '\\' {
  return /^[a-z]:|^\\\\/i.test(path) ? '\\' : '/'
}

export function joined(folder: string, name: string): string {
  const separator = separatorOf(folder)
  return folder.endsWith(separator) ? folder + name : folder + separator + name
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(separatorOf(path)) + 1)
}

export function parentOf(path: string): string | null {
  const separator = separatorOf(path)
  const trimmed = path.endsWith(separator) ? path.slice(0, -1) : path
  const at = trimmed.lastIndexOf(separator)
  if (trimmed === '' || at < 0) return null
  const parent = trimmed.slice(0, at)
  return parent === '' || /^[a-z]:$/i.test(parent) ? parent + separator : parent
}

export type Crumb = { name: string; path: string }

/** The folders above and the folder itself, the root first. */
export function crumbsOf(path: string): Crumb[] {
  const crumbs: Crumb[] = []
  for (let at: string | null = path; at !== null; at = parentOf(at)) {
    const separator = separatorOf(at)
    const trimmed = at.endsWith(separator) ? at.slice(0, -1) : at
    crumbs.unshift({ name: trimmed.slice(trimmed.lastIndexOf(separator) + 1), path: at })
  }
  return crumbs
}

export function isGoodName(name: string): boolean {
  return name.trim() !== '' && name !== '.' && name !== '..' && name.length <= 255 && !/[/\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(name)
}

export type FileSortKey = 'name' | 'size' | 'changed' | 'mode'
export type FileSort = { key: FileSortKey; isDescending: boolean }
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Folders first, whichever column is sorted. */
export function sortedFiles(entries: readonly FileEntry[], { key, isDescending }: FileSort): FileEntry[] {
  const sign = isDescending ? -1 : 1
  const compare: Record<FileSortKey, (a: FileEntry, b: FileEntry) => number> = {
    name: (a, b) => collator.compare(a.name, b.name),
    size: (a, b) => a.size - b.size,
    changed: (a, b) => a.modifiedMs - b.modifiedMs,
    mode: (a, b) => a.mode - b.mode,
  }
  return entries.toSorted((a, b) => Number(b.kind === 'folder') - Number(a.kind === 'folder') || sign * compare[key](a, b) || collator.compare(a.name, b.name))
}

/** `drwxr-x---`, as a shell shows it. */
export function modeText({ kind, mode }: Pick<FileEntry, 'kind' | 'mode'>): string {
  const type = kind === 'folder' ? 'd' : kind === 'link' ? 'l' : kind === 'other' ? '?' : '-'
  const bits = [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-')).join('')
  return type + bits
}
