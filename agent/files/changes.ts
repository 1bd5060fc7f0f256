import { AppError } from '@gantry/shared/errors.ts'
import {
  at,
  chmod,
  chown,
  close,
  fdatasync,
  flags,
  fstat,
  fsync,
  mkdir,
  open,
  opendir,
  rename,
  rmdir,
  self,
  truncate,
  unlink,
  utimes,
  versionOf,
} from './descriptors.ts'
import type { Attributes, DeviceFiles, Ground, Operation } from './device-files.ts'
import { found } from './listing.ts'
import { joinPath, requireCreatable } from './names.ts'
import type { Node, Place } from './place.ts'
import { requireEntryRight, requireOwner, requireRight } from './rights.ts'

/** Changing what is there. The event is written before the change, once everything that can be checked has been: what fails after that is the disk. */
export function createChanges(ground: Ground): Pick<DeviceFiles, 'commit' | 'rename' | 'remove' | 'makeFolder' | 'setAttributes'> {
  const { root, record, visit } = ground
  const changing = (name: string, lastLink: Operation['lastLink'] = 'keep'): Operation => ({ name, direction: 'toDevice', lastLink })

  return {
    commit: ({ from, to, version, replace, modifiedMs }) =>
      visitTwo(ground, 'commit', from, to, async (source, target) => {
        requireFree(target, replace)
        const fd = await open(self(regular(source).fd), flags.read)
        let sha256: Promise<string | null> = Promise.resolve(null)
        try {
          // The bytes are on the disk before the name says that they are (an upload is whole or not there).
          await fdatasync(fd)
          const stat = await fstat(fd)
          if (versionOf(stat) !== version) throw new AppError('file.digest-differs')
          // Before the digest, which is of a file that nobody touches meanwhile. A time that cannot be set is no reason to refuse the file.
          if (modifiedMs !== undefined) await utimes(self(fd), modifiedMs / 1_000, modifiedMs / 1_000).catch(() => undefined)
          sha256 = ground.digests
            .of(fd)
            .then((digest) => digest.sha256)
            .catch(() => null)
          await ground.moved('sent', to, { bytes: stat.size, whole: true, sha256 })
          await move(source, target)
          return { size: stat.size }
        } finally {
          void sha256.then(() => close(fd))
        }
      }),

    rename: (from, to, { replace }) =>
      visitTwo(ground, 'rename', from, to, async (source, target) => {
        found(source.node)
        requireFree(target, replace)
        record({ kind: 'renamed', path: from, to })
        await move(source, target)
      }),

    remove: (path, what) =>
      visit(changing('delete'), path, async ({ folder, name, node }, names) => {
        const { stat, fd } = found(node)
        if (!folder) throw new AppError('file.denied')
        requireEntryRight(folder.stat, stat, root.account)
        const isFolder = stat.isDirectory()
        if (isFolder && what === 'file') throw new AppError('file.not-a-file')
        if (!isFolder && what === 'folder') throw new AppError('file.not-a-folder')
        if (isFolder && !(await isEmpty(fd))) throw new AppError('file.not-empty')
        record({ kind: 'deleted', path: joinPath(names) })
        await (isFolder ? rmdir : unlink)(at(folder.fd, name))
      }),

    makeFolder: (path, mode = 0o755) =>
      visit(changing('make-folder'), path, async (place, names) => {
        if (place.node) throw new AppError('file.exists')
        const folder = parentOf(place)
        requireCreatable(place.name)
        requireEntryRight(folder.stat, null, root.account)
        record({ kind: 'folder-made', path: joinPath(names) })
        await mkdir(at(folder.fd, place.name), 0o700)
        await handOver(ground, folder, place.name, mode)
      }),

    setAttributes: (path, attributes) =>
      visit(changing('set-attributes', 'follow'), path, async ({ node }) => applyAttributes(ground, found(node), attributes)),
  }
}

/** Two places at once. Both names are held open until `act` is through. */
function visitTwo<T>({ visit, root }: Ground, name: string, from: string, to: string, act: (source: Place, target: Place) => Promise<T>): Promise<T> {
  const operation: Operation = { name, direction: 'toDevice', lastLink: 'keep' }
  return visit(operation, from, (source) =>
    visit(operation, to, async (target) => {
      requireCreatable(target.name)
      // Carried out of what may hold patient data it would be anybody's in the next session.
      if (source.restricted !== target.restricted)
        throw new AppError('file.restricted', { details: { path: joinPath((source.restricted ? source : target).names) } })
      requireEntryRight(parentOf(source).stat, source.node?.stat ?? null, root.account)
      requireEntryRight(parentOf(target).stat, target.node?.stat ?? null, root.account)
      return act(source, target)
    }),
  )
}

async function move(source: Place, target: Place): Promise<void> {
  const folder = parentOf(target)
  await rename(at(parentOf(source).fd, source.name), at(folder.fd, target.name))
  const fd = await open(self(folder.fd), flags.sync)
  await fsync(fd).finally(() => close(fd))
}

/** The root has no folder that one may reach. */
function parentOf(place: Place): Node {
  if (!place.folder) throw new AppError('file.denied')
  return place.folder
}

function regular(place: Place): Node {
  const node = found(place.node)
  if (!node.stat.isFile()) throw new AppError('file.not-a-file')
  return node
}

function requireFree(target: Place, replace: boolean): void {
  if (!target.node) return
  if (!replace) throw new AppError('file.exists')
  if (target.node.stat.isDirectory()) throw new AppError('file.not-a-file')
}

async function isEmpty(folder: number): Promise<boolean> {
  const dir = await opendir(self(folder))
  return (await dir.read().finally(() => dir.close())) === null
}

/**
 * Gives a folder that was just made to the device's user. That user could swap the name meanwhile, so only a folder that is still the agent's own
 * and empty changes hands.
 */
async function handOver({ root }: Ground, folder: Node, name: string, mode: number): Promise<void> {
  const fd = await open(at(folder.fd, name), flags.folder | flags.name)
  try {
    const stat = await fstat(fd)
    if (stat.uid !== process.geteuid?.() || !(await isEmpty(fd))) throw new AppError('file.denied')
    if (root.account) await chown(self(fd), root.account.uid, root.account.gid)
    await chmod(self(fd), mode & 0o777)
  } finally {
    await close(fd)
  }
}

/** Mode without set-id and sticky bits, times, and size; never an owner. */
async function applyAttributes({ root, rules }: Ground, { fd, stat }: Node, attributes: Attributes): Promise<void> {
  const { mode, accessedSeconds, modifiedSeconds, size } = attributes
  if (mode !== undefined || modifiedSeconds !== undefined) requireOwner(stat, root.account)
  if (size !== undefined) {
    if (!stat.isFile()) throw new AppError('file.not-a-file')
    requireRight(stat, root.account, 'write')
    if (size > rules.maxFileBytes) throw new AppError('file.too-large', { details: { maxBytes: rules.maxFileBytes } })
    await truncate(self(fd), size)
  }
  if (mode !== undefined) await chmod(self(fd), mode & 0o777)
  if (modifiedSeconds !== undefined) await utimes(self(fd), accessedSeconds ?? modifiedSeconds, modifiedSeconds)
}
