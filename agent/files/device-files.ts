import type { Stats, StatsFs } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ErrorCode } from '@gantry/shared/errors.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { createChanges } from './changes.ts'
import { close } from './descriptors.ts'
import { createDigests, type Digests, smallBytes } from './digests.ts'
import { createListing } from './listing.ts'
import { createMoves, type Moves } from './moves.ts'
import { type DevicePath, joinPath, showPath, splitPath } from './names.ts'
import type { Moved, OpenFile } from './open-file.ts'
import { createOpening } from './opening.ts'
import { locate, openRoot, type Place, type Root } from './place.ts'
import type { Account } from './rights.ts'
import { createZones, type Zones } from './zones.ts'

/**
 * The device's files: the one module that opens, changes or names anything below the root. SFTP and the files leg are doors to it.
 * Paths are as in `shared/files.ts`. Every function throws a code of the `file.*` catalogue; what the device's rules refuse is recorded as well.
 */
export type FileRules = { toDevice: boolean; fromDevice: boolean; maxFileBytes: number }

export type FileEvent = { /** In what may hold patient data. */ restricted?: true } & (
  | { kind: 'deleted' | 'folder-made'; path: string }
  | { kind: 'renamed'; path: string; to: string }
  /** `sent` is to the device, `received` from it. `whole` is false for a part of a file, whose digest says nothing. */
  | { kind: 'sent' | 'received'; path: string; bytes: number; whole: boolean; sha256: Hash | null }
  /** The digest of a whole file that was told without it, since it would have kept the transfer waiting. */
  | { kind: 'digested'; path: string; bytes: number; sha256: Hash }
  | { kind: 'refused'; path: string; operation: string; code: ErrorCode }
)

export type DeviceFilesOptions = {
  root: string
  /** Who owns what is made here, and whose rights count; null: the agent's own. */
  account: Account | null
  rules: FileRules
  /** Where it applies; everywhere where it is left out. */
  zones?: Zones
  /** Called before what it tells is done (or, for transfers, before it is confirmed). It throws when it cannot be written; then nothing is done. */
  record(event: FileEvent): void
}

export type OpenMode = { read: boolean; write: boolean; create?: boolean; exclusive?: boolean; truncate?: boolean; mode?: number }
export type Attributes = { mode?: number; accessedSeconds?: number; modifiedSeconds?: number; size?: number }

export type DeviceFiles = {
  stat(path: string, link: 'follow' | 'keep'): Promise<Stats>
  /** Entries in the order of the disk, with names made safe to show. Stops when the caller does. */
  list(path: string): AsyncGenerator<FileEntry & { stat: Stats }, void, void>
  space(path: string): Promise<StatsFs>
  open(path: string, mode: OpenMode): Promise<OpenFile>
  digest(path: string): Promise<{ sha256: Hash; size: number }>
  /** Gives the name `to` to the file `from`, if that is still of this version (`versionOf`). */
  commit(input: { from: string; to: string; version: string; replace: boolean; modifiedMs?: number | undefined }): Promise<{ size: number }>
  /** Tells that a whole file of this version was read, and its digest when it is there. */
  received(path: string, version: string): Promise<void>
  /** Tells what moved, and its digest when it is there. */
  moved(kind: 'sent' | 'received', path: string, moved: Moved): Promise<void>
  moves: Moves
  rename(from: string, to: string, options: { replace: boolean }): Promise<void>
  /** A file, a link, or an empty folder. */
  remove(path: string, what: 'any' | 'file' | 'folder'): Promise<void>
  makeFolder(path: string, mode?: number): Promise<void>
  setAttributes(path: string, attributes: Attributes): Promise<void>
  readLink(path: string): Promise<string>
  /** Says that something was refused which has no function here, such as making a link. */
  refuse(path: string, operation: string, code: ErrorCode): never
  close(): Promise<void>
}

/** What the parts of this module share. */
export type Ground = {
  root: Root
  rules: FileRules
  digests: Digests
  record(event: FileEvent): void
  /** Makes a code of a failure, and records it if it is a refusal. */
  note(error: unknown, operation: string, path: string): AppError
  moved: DeviceFiles['moved']
  /** Finds the place, runs `act` on it, closes the place; failures become codes, and what the rules refuse is recorded. */
  visit<T>(operation: Operation, path: string, act: (place: Place, path: DevicePath) => Promise<T>): Promise<T>
}
export type Operation = { name: string; direction?: 'toDevice' | 'fromDevice'; lastLink: 'follow' | 'keep' }

/** So long a digest is waited for, ms: one that has kept up with its transfer is there by then. */
const promptMs = 30
const maxLater = 64

/** Refusals by rule or right, as opposed to a file that is not there; they are told to the person and audited. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'file.denied',
  'file.outside-root',
  'file.name-not-allowed',
  'file.too-large',
  'file.direction-closed',
  'file.path-closed',
  'file.restricted',
  'file.disk-full',
  'file.digest-differs',
])

/** What changes nothing and reads no content, and what takes a name from its place. */
const looks: ReadonlySet<string> = new Set(['stat', 'list', 'space'])
const moving: ReadonlySet<string> = new Set(['rename', 'delete', 'commit'])

/** What is not there yet is shut by its name. */
async function learnZones(root: Root): Promise<void> {
  const open: Root = { ...root, zones: createZones({}) }
  for (const path of root.zones.restricted) {
    const place = await locate(open, splitPath(path), 'follow').catch(() => null)
    if (place?.node) root.zones.learn(place.node.stat)
    await place?.close()
  }
}

/** Errors: `file.not-found` when the root is missing. Close it when the session ends. */
export async function openDeviceFiles({ root: rootPath, account, rules, zones = createZones({}), ...options }: DeviceFilesOptions): Promise<DeviceFiles> {
  const root = await openRoot(rootPath, account, zones).catch((error: unknown) => {
    throw fileError(error)
  })
  await learnZones(root)
  const inRestricted = new Set<string>()
  const record = (event: FileEvent) => options.record(inRestricted.has(event.path) ? { ...event, restricted: true } : event)
  const digests = createDigests()
  const moves = createMoves(record)
  const later = new Set<Promise<void>>()
  const noted = new WeakSet<AppError>()
  const note = (error: unknown, operation: string, path: string): AppError => {
    const failure = fileError(error)
    // One visit may stand inside another: what was refused is told once.
    if (refusals.has(failure.code) && !noted.has(failure)) record({ kind: 'refused', path: showPath(path), operation, code: failure.code })
    noted.add(failure)
    return failure
  }
  const ground: Ground = {
    root,
    rules,
    digests,
    record,
    note,
    async moved(kind, path, { bytes, whole, sha256 }) {
      const shown = showPath(path)
      const prompt = whole ? await (bytes <= smallBytes ? sha256 : Promise.race([sha256, sleep(promptMs, null)])) : null
      record({ kind, path: shown, bytes, whole, sha256: prompt })
      if (!whole || prompt) return
      // An audit that cannot be written has ended the session by then.
      const telling: Promise<void> = sha256
        .then((digest) => digest && record({ kind: 'digested', path: shown, bytes, sha256: digest }))
        .then(
          () => undefined,
          () => undefined,
        )
        .finally(() => later.delete(telling))
      later.add(telling)
      // Each holds a file open.
      if (later.size >= maxLater) await Promise.race(later)
    },
    async visit({ name, direction, lastLink }, path, act) {
      let place: Place | undefined
      try {
        if (direction && !rules[direction]) throw new AppError('file.direction-closed')
        const names = splitPath(path)
        place = await locate(root, names, lastLink)
        zones.requireOpen(place.names, looks.has(name) ? 'looks' : 'acts')
        if (moving.has(name)) zones.requireKept(place.names)
        // As it is named in the events of this session.
        if (place.restricted) for (const told of [showPath(path), joinPath(names)]) inRestricted.add(told)
        return await act(place, names)
      } catch (error) {
        throw note(error, name, path)
      } finally {
        await place?.close()
      }
    },
  }
  return {
    ...createListing(ground),
    ...createOpening(ground),
    ...createChanges(ground),
    moved: ground.moved,
    moves,
    refuse(path, operation, code) {
      throw note(new AppError(code), operation, path)
    },
    async close() {
      moves.close()
      await close(root.fd)
      // What is still digested outlives the session: nobody waits for it, and the audit gets it all the same.
      void Promise.allSettled(later).then(() => digests.close())
    },
  }
}
