import { AppError } from '@gantry/shared/errors.ts'

/**
 * What a name may be. Inside the device's files a path is a list of names below the root: `..` is refused and never resolved, so that what a person
 * or the audit reads is where the bytes go. Names are checked strictly where something new gets one; what is there already can be read and removed.
 */
export type DevicePath = readonly string[]

/** NUL and other controls, line and paragraph separators, zero-width and bidirectional marks (UAX 9): they make a name look like another one. */
const deceptive = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu
const maxNameBytes = 255
const maxNames = 256

/** Errors: `file.outside-root` for `..`, `file.name-not-allowed` for NUL, half a surrogate pair, or a path that no file system takes. */
export function splitPath(path: string): DevicePath {
  if (path.includes('\u0000') || !path.isWellFormed()) throw new AppError('file.name-not-allowed')
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.includes('..')) throw new AppError('file.outside-root')
  if (names.length > maxNames || names.some((name) => Buffer.byteLength(name) > maxNameBytes)) throw new AppError('file.name-not-allowed')
  return names
}

/** Throws `file.name-not-allowed` unless something new may be called so. */
export function requireCreatable(name: string): void {
  if (name === '' || name === '.' || name === '..' || name.search(deceptive) >= 0) throw new AppError('file.name-not-allowed')
}

export function joinPath(names: DevicePath): string {
  return `/${names.join('/')}`
}

/** A name of the disk as it may be shown: every octet that is no UTF-8 and every deceptive character becomes U+FFFD. Such a name is seen, not addressed. */
export function showName(name: Buffer | string): string {
  return (typeof name === 'string' ? name.toWellFormed() : name.toString('utf8')).replaceAll(deceptive, '\ufffd')
}

/** The same for a whole path, one line. */
export function showPath(path: string): string {
  return showName(path.slice(0, 4_096))
}

/** `.` and `..` worked out on the text alone, clamped at the root, as the SFTP request `realpath` wants it. Touches no disk, so it tells nothing. */
export function resolveText(path: string): string {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(name)
  }
  return joinPath(names)
}
