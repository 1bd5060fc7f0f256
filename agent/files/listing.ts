import type { Dir, Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import { errnoOf, fileError } from '@gantry/shared/node/file-error.ts'
import { at, close, flags, lstat, open, opendir, readlink, self, statfs } from './descriptors.ts'
import type { DeviceFiles, Ground } from './device-files.ts'
import { type DevicePath, showName } from './names.ts'
import type { Node } from './place.ts'
import { requireRight } from './rights.ts'

export type ListedEntry = FileEntry & { stat: Stats }

const namesAtOnce = 64

/** Looking at what is there: allowed in every session that holds files, whichever directions are open. */
export function createListing({ root, visit }: Ground): Pick<DeviceFiles, 'stat' | 'list' | 'space' | 'readLink'> {
  return {
    stat: (path, link) => visit({ name: 'stat', lastLink: link }, path, async ({ node }) => found(node).stat),

    async *list(path) {
      // A descriptor of its own, since the place is closed before the first entry is told.
      let names: DevicePath = []
      const folder = await visit({ name: 'list', lastLink: 'follow' }, path, async (place) => {
        names = place.names
        const { fd, stat } = found(place.node)
        if (!stat.isDirectory()) throw new AppError('file.not-a-folder')
        requireRight(stat, root.account, 'read')
        requireRight(stat, root.account, 'search')
        return open(self(fd), flags.folder)
      })
      try {
        for await (const entry of entriesOf(folder)) if (root.zones.tells([...names, entry.name], entry.stat)) yield entry
      } catch (error) {
        throw fileError(error)
      } finally {
        await close(folder)
      }
    },

    space: (path) => visit({ name: 'space', lastLink: 'follow' }, path, async ({ node }) => statfs(self(found(node).fd))),

    readLink: (path) =>
      visit({ name: 'readlink', lastLink: 'keep' }, path, async ({ folder, name, node }) => {
        if (!folder || !found(node).stat.isSymbolicLink()) throw new AppError('file.failed', { details: { reason: 'EINVAL' } })
        return showName(await readlink(at(folder.fd, name)))
      }),
  }
}

export function found(node: Node | null): Node {
  if (!node) throw new AppError('file.not-found')
  return node
}

async function* entriesOf(folder: number): AsyncGenerator<ListedEntry, void, void> {
  // Names are octets: one that is no UTF-8 must be looked up as it is. Node's types leave out that `buffer` is an encoding here (fs.opendir).
  const dir = await opendir(self(folder), { encoding: 'buffer' as BufferEncoding, bufferSize: 256 })
  try {
    for (let names = await nextNames(dir); names.length > 0; names = await nextNames(dir)) {
      for (const entry of await Promise.all(names.map((name) => entryAt(folder, name)))) {
        if (entry) yield entry
      }
    }
  } finally {
    await dir.close()
  }
}

async function nextNames(dir: Dir): Promise<Buffer[]> {
  const names: Buffer[] = []
  while (names.length < namesAtOnce) {
    const entry = await dir.read()
    if (!entry) break
    names.push(entry.name as unknown as Buffer)
  }
  return names
}

async function entryAt(folder: number, name: Buffer): Promise<ListedEntry | null> {
  try {
    const stat = await lstat(Buffer.concat([Buffer.from(at(folder, '')), name]))
    return { ...describe(stat), name: showName(name), stat }
  } catch (error) {
    // Removed between the reading of the folder and now.
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}

export function describe(stat: Stats): Omit<FileEntry, 'name'> {
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other'
  return { kind, size: stat.size, modifiedMs: Math.trunc(stat.mtimeMs), mode: stat.mode }
}
