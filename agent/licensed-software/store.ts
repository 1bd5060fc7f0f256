import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { Feature } from '@gantry/shared/licences.ts'
import { licensedManifestName } from '@gantry/shared/licensed-software.ts'
import { isWhole, partialOf, sizeOf } from '@gantry/shared/node/download-file.ts'
import { syncFolder, writeFileWhole } from '@gantry/shared/node/json-file.ts'
import type { PublishedFile } from '@gantry/shared/published-file.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { openStateFile } from '../state-file.ts'

/** The folder of licensed software: for each feature a folder with the newest file and its manifest, which the device's own software may check once more. What has not come whole lies in `.partial`. */
export type SoftwareStore = {
  /** The highest that was ever taken; 0 for none. */
  serialOf(feature: Feature): number
  /** On disk when it returns: from then on nothing older is taken. */
  takeSerial(feature: Feature, serial: number): void
  isInPlace(feature: Feature, file: PublishedFile, signal: AbortSignal): Promise<boolean>
  /** Throws `file.too-large {maxBytes}` for all in the folder together, `file.disk-full`, and `file.denied` for a folder that is not the agent's own. */
  requireRoom(feature: Feature, file: PublishedFile): void
  /** Where that very file is downloaded to; what came of others of this feature is removed. */
  stage(feature: Feature, file: PublishedFile): string
  /** From there in its place, in one step; what was there before goes. */
  place(feature: Feature, file: PublishedFile, jws: CompactJws): void
  keepManifest(feature: Feature, jws: CompactJws): void
  /** Removes what has not come whole of any other feature. */
  dropPartials(features: readonly Feature[]): void
}

export type SoftwareStoreWith = { stateDir: string; folder: string; maxBytes: number; onLost: (what: string) => void }

/** It remembers nothing that opens anything: lost, an older manifest could be taken that has not ended. */
const Memory = z.strictObject({ version: z.literal(1), serials: z.record(Feature, z.number().int().positive()) })
/** Stays free: a device whose disk is full cannot write its audit, and lets nobody in. */
const reserveBytes = 268_435_456

export function openSoftwareStore({ stateDir, folder, maxBytes, onLost }: SoftwareStoreWith): SoftwareStore {
  const memory = openStateFile({
    path: join(stateDir, 'licensed-software.json'),
    schema: Memory,
    initial: (): z.infer<typeof Memory> => ({ version: 1, serials: {} }),
    onLost,
  })
  // `constructor` is a feature like another.
  const serialOf = (feature: Feature) => (Object.hasOwn(memory.value.serials, feature) ? (memory.value.serials[feature] ?? 0) : 0)
  const partials = join(folder, '.partial')
  const own = (...parts: string[]) => {
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    if (!isOwnFolder(folder)) throw new AppError('file.denied')
    const path = join(folder, ...parts)
    mkdirSync(path, { recursive: true, mode: 0o755 })
    return path
  }
  const keepManifest = (feature: Feature, jws: CompactJws) => writeFileWhole(join(own(feature), licensedManifestName), jws, 0o644)
  return {
    serialOf,
    takeSerial(feature, serial) {
      if (serialOf(feature) !== serial) memory.save({ version: 1, serials: { ...memory.value.serials, [feature]: serial } })
    },
    isInPlace: (feature, file, signal) => isWhole(join(folder, feature, file.name), file, signal),
    requireRoom(feature, file) {
      own(feature)
      const others = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile() && basename(one.parentPath) !== feature)
      const used = others.reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0)
      if (used + file.bytes > maxBytes) throw new AppError('file.too-large', { details: { maxBytes } })
      const { bavail, bsize } = statfsSync(folder)
      const missing = file.bytes - sizeOf(partialOf(join(partials, feature, file.sha512)))
      if (bavail * bsize < missing + reserveBytes) throw new AppError('file.disk-full')
    },
    stage(feature, { sha512 }) {
      const path = own('.partial', feature)
      for (const name of readdirSync(path)) if (!name.startsWith(sha512)) rmSync(join(path, name), { recursive: true, force: true })
      return join(path, sha512)
    },
    place(feature, { name, sha512 }, jws) {
      const staged = join(partials, feature, sha512)
      chmodSync(staged, 0o644)
      const path = own(feature)
      if (lstatSync(join(path, name), { throwIfNoEntry: false })?.isDirectory()) rmSync(join(path, name), { recursive: true })
      renameSync(staged, join(path, name))
      keepManifest(feature, jws)
      for (const old of readdirSync(path)) if (old !== name && old !== licensedManifestName) rmSync(join(path, old), { recursive: true, force: true })
      syncFolder(path)
    },
    keepManifest,
    dropPartials(features) {
      if (!existsSync(partials) || !isOwnFolder(folder)) return
      for (const name of readdirSync(partials)) if (!features.includes(name)) rmSync(join(partials, name), { recursive: true, force: true })
    },
  }
}

/** The agent may be root: where somebody else can write, a link would lead it astray. */
function isOwnFolder(path: string): boolean {
  const found = lstatSync(path)
  return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0
}
