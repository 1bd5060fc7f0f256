import { AppError } from '@gantry/shared/errors.ts'
import { partName } from '@gantry/shared/files.ts'

/**
 * A device's file name as a name on this computer. Names from a device are hostile: one must not leave the chosen folder, hide its ending behind a bidirectional mark,
 * break a line of a listing, or mean a port on Windows. Characters that could are written as `%XX` of their UTF-8, which a person can see; names that cannot be written
 * at all are refused. Errors: `file.name-not-allowed`.
 */
export function safeLocalName(name: string, platform: NodeJS.Platform = process.platform): string {
  if (name === '' || name === '.' || name === '..' || name.includes('\u0000') || !name.isWellFormed()) throw notAllowed(name)
  const refused = platform === 'win32' ? notOnWindows : notAnywhere
  let safe = name.replaceAll(refused, percent)
  // Windows drops these at the end, so that two names would mean one file.
  if (platform === 'win32') safe = safe.replace(/[. ]+$/, percent)
  if (reserved.test(safe)) safe = percent(safe.slice(0, 1)) + safe.slice(1)
  if (Buffer.byteLength(partName(safe)) > maxNameBytes) throw notAllowed(name)
  return safe
}

/** What a file or folder of the device is called here, before `safeLocalName`. */
export function receivedName(remotePath: string, as: string | null): string {
  return as ?? remotePath.split('/').findLast((part) => part !== '') ?? 'device'
}

/** What a message may repeat of a name: the same, and short. */
export function visibleName(name: string): string {
  return name.toWellFormed().replaceAll('\u0000', '%00').replaceAll(invisible, percent).slice(0, 120)
}

/** Of almost every file system; the temporary name has to fit too. */
const maxNameBytes = 255
/** Controls, zero-width and bidirectional marks, line separators, byte order mark. */
const invisible = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu
const notAnywhere = new RegExp(`${invisible.source}|[/\\\\]`, 'gu')
const notOnWindows = new RegExp(`${invisible.source}|[/\\\\:*?"<>|]`, 'gu')
/** Device names of Windows, with any ending, also after spaces; written visibly everywhere, since files travel on. */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)/i

function percent(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
}

function notAllowed(name: string): AppError {
  return new AppError('file.name-not-allowed', { details: { path: visibleName(name) } })
}
