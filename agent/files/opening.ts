import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import { at, close, fchmod, fchown, flags, fstat, open, self, versionOf } from './descriptors.ts'
import type { DeviceFiles, Ground, OpenMode, Operation } from './device-files.ts'
import { found } from './listing.ts'
import { requireCreatable } from './names.ts'
import { createOpenFile } from './open-file.ts'
import type { Node, Place } from './place.ts'
import { requireEntryRight, requireRight } from './rights.ts'

const defaultMode = 0o644

/** Opening files for their content. Only regular files are ever opened: a pipe could hang the agent, a device could do anything. */
export function createOpening(ground: Ground): Pick<DeviceFiles, 'open' | 'digest' | 'received'> {
  const { root, rules, digests, visit, note } = ground
  /** A client has many writes under way when the disk is full: one of them is told. */
  const noteOnce = (path: string) => {
    const told = new Set<string>()
    return (error: unknown, operation: string) => {
      const failure = fileError(error)
      if (told.has(failure.code)) return failure
      told.add(failure.code)
      return note(failure, operation, path)
    }
  }
  return {
    async open(path, mode) {
      const operation: Operation = { name: mode.write ? 'write' : 'read', direction: mode.write ? 'toDevice' : 'fromDevice', lastLink: 'follow' }
      if (mode.write && mode.read && !rules.fromDevice) mode = { ...mode, read: false }
      for (let tries = 0; ; tries += 1) {
        try {
          const fd = await visit(operation, path, (place) => openPlace(ground, place, mode))
          return createOpenFile({ fd, readable: mode.read, writable: mode.write, account: root.account, rules, digests, note: noteOnce(path) })
        } catch (error) {
          // It appeared between the look and the creation: look again, then it is there.
          if (!(error instanceof AppError && error.code === 'file.exists' && !mode.exclusive && tries < 3)) throw error
        }
      }
    },

    digest: (path) =>
      visit({ name: 'digest', lastLink: 'follow' }, path, async ({ node }) => {
        const fd = await openFile(found(node), (stat) => requireRight(stat, root.account, 'read'), flags.read)
        return digests.of(fd).finally(() => close(fd))
      }),

    received: (path, version) =>
      visit({ name: 'received', lastLink: 'follow' }, path, async ({ node }) => {
        const fd = await openFile(found(node), (stat) => requireRight(stat, root.account, 'read'), flags.read)
        const stat = await fstat(fd)
        const same = versionOf(stat) === version
        const sha256 = same
          ? digests
              .of(fd)
              .then((digest) => digest.sha256)
              .catch(() => null)
          : Promise.resolve(null)
        void sha256.then(() => close(fd))
        if (!same) throw new AppError('file.digest-differs')
        await ground.moved('received', path, { bytes: stat.size, whole: true, sha256 })
      }),
  }
}

async function openPlace(ground: Ground, place: Place, mode: OpenMode): Promise<number> {
  if (place.node) return openExisting(ground, place.node, mode)
  if (!mode.create || !place.folder) throw new AppError('file.not-found')
  return createFile(ground, { ...place, folder: place.folder }, mode)
}

async function openExisting({ root, rules }: Ground, node: Node, mode: OpenMode): Promise<number> {
  if (mode.create && mode.exclusive) throw new AppError('file.exists')
  const check = (stat: Stats) => {
    if (mode.read || !mode.write) requireRight(stat, root.account, 'read')
    if (mode.write) requireRight(stat, root.account, 'write')
    if (!mode.write && stat.size > rules.maxFileBytes) throw new AppError('file.too-large', { details: { maxBytes: rules.maxFileBytes } })
  }
  return openFile(node, check, mode.write ? flags.write : flags.read)
}

/** Opens exactly the file that was looked at, whatever has its name by now. */
async function openFile(node: Node, check: (stat: Stats) => void, how: number): Promise<number> {
  if (!node.stat.isFile()) throw new AppError('file.not-a-file')
  check(node.stat)
  return open(self(node.fd), how)
}

async function createFile({ root }: Ground, { folder, name }: { folder: Node; name: string }, mode: OpenMode): Promise<number> {
  requireCreatable(name)
  requireEntryRight(folder.stat, null, root.account)
  // 0600 until it belongs to the device's user: nobody reads it in between.
  const fd = await open(at(folder.fd, name), flags.create, 0o600)
  try {
    if (root.account) await fchown(fd, root.account.uid, root.account.gid)
    await fchmod(fd, (mode.mode ?? defaultMode) & 0o777)
    return fd
  } catch (error) {
    await close(fd)
    throw error
  }
}
