import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { copyFile, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { partialOf } from '@gantry/shared/node/download-file.ts'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { compareReleases, manifestName, Release, type UpdateFile, type UpdateTarget } from '@gantry/shared/update-manifest.ts'
import { z } from 'zod'

const Memory = z.strictObject({ version: z.literal(1), installation: z.string().length(22), serials: z.record(z.string(), z.number().int().positive()) })
type Memory = z.infer<typeof Memory>

/** The folder `updates` of the profile: one folder for each release with its file, and what must not be forgotten. */
export type UpdateStore = {
  folder: string
  /** Drawn once for this profile, and told to nobody. */
  installation: string
  serialOf(target: UpdateTarget): number
  /** On disk when it returns: from then on nothing older is taken. */
  takeSerial(target: UpdateTarget, serial: number): void
  /** Where that file belongs; its folder is made. */
  pathOf(release: string, file: Pick<UpdateFile, 'name'>): string
  /** The file that runs now, kept where there is none of its release. */
  keepRunning(release: string, path: string): Promise<void>
  /** The newest file that is older than that release. */
  before(release: string): { release: string; path: string } | null
  /** Removes every release but these and the one before the first of them. */
  prune(installed: string, offered: string | null): void
}

/** A memory that cannot be read counts as none: then the manifest's own end, and that nothing older is ever installed, are what holds. */
export function openUpdateStore(profileDir: string): UpdateStore {
  const folder = join(profileDir, 'updates')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'memory.json')
  let memory = readMemory(path)
  if (!memory) {
    memory = { version: 1, installation: randomBytes(16).toString('base64url'), serials: {} }
    writeJsonFile(path, memory)
  }
  const { installation } = memory
  let { serials } = memory
  const fileOf = (release: string) => {
    const name = existsSync(join(folder, release)) ? readdirSync(join(folder, release)).find((one) => !one.endsWith(partialOf(''))) : undefined
    return name === undefined ? null : { release, path: join(folder, release, name) }
  }
  const releases = () => readdirSync(folder).filter((name) => Release.safeParse(name).success)
  const before = (release: string) =>
    releases()
      .filter((one) => compareReleases(one, release) < 0)
      .sort((a, b) => compareReleases(b, a))
      .map(fileOf)
      .find((found) => found !== null) ?? null
  return {
    folder,
    installation,
    serialOf: (target) => serials[manifestName(target)] ?? 0,
    takeSerial(target, serial) {
      if (serials[manifestName(target)] === serial) return
      serials = { ...serials, [manifestName(target)]: serial }
      writeJsonFile(path, { version: 1, installation, serials } satisfies Memory)
    },
    pathOf(release, { name }) {
      mkdirSync(join(folder, release), { recursive: true, mode: 0o700 })
      return join(folder, release, name)
    },
    async keepRunning(release, running) {
      if (fileOf(release)) return
      const kept = this.pathOf(release, { name: basename(running) })
      await copyFile(running, partialOf(kept))
      await rename(partialOf(kept), kept)
    },
    before,
    prune(installed, offered) {
      const stay = [installed, offered, before(installed)?.release]
      for (const release of releases()) if (!stay.includes(release)) rmSync(join(folder, release), { recursive: true, force: true })
    },
  }
}

function readMemory(path: string): Memory | null {
  try {
    return readJsonFileIfThere(path, Memory)
  } catch {
    return null
  }
}
