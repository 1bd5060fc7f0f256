import type { Stats } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { errnoOf } from '@gantry/shared/node/file-error.ts'
import { at, close, flags, fstat, open, readlink, self } from './descriptors.ts'
import type { DevicePath } from './names.ts'
import { type Account, requireRight } from './rights.ts'
import type { Zones } from './zones.ts'

/**
 * Where a path leads. The walk goes name by name from the open root, follows no link by itself, and works out links by the same rules as names:
 * one that climbs above the root, or is absolute and points elsewhere, is `file.outside-root`. Links inside the root are followed.
 */
export type Node = { fd: number; stat: Stats }
export type Place = {
  /** The folder that holds the name; null for the root itself, which can be listed but not renamed or removed. */
  folder: Node | null
  name: string
  /** Where it lies, links worked out. */
  names: DevicePath
  /** Whether it is, or lies in, what may hold patient data. */
  restricted: boolean
  /** Null where nothing has that name yet. A descriptor that names the file without opening it. */
  node: Node | null
  close(): Promise<void>
}

export type Root = { path: string; fd: number; account: Account | null; zones: Zones }

const maxLinks = 20

export async function openRoot(path: string, account: Account | null, zones: Zones): Promise<Root> {
  return { path, fd: await open(path, flags.folder), account, zones }
}

/** `lastLink` says what to do with a link at the path's end. Close the place in any case. */
export async function locate(root: Root, path: DevicePath, lastLink: 'follow' | 'keep'): Promise<Place> {
  const walk = new Walk(root)
  try {
    return await walk.go(path, lastLink)
  } catch (error) {
    await walk.close()
    throw error
  }
}

class Walk {
  readonly #root: Root
  readonly #open: number[] = []
  #folders: Node[] = []
  /** Of the folders below the root that it is in. */
  #names: string[] = []
  /** How deep it was when it came to something restricted; null: it did not. */
  #restrictedAt: number | null = null
  #links = 0

  constructor(root: Root) {
    this.#root = root
  }

  async go(path: DevicePath, lastLink: 'follow' | 'keep'): Promise<Place> {
    await this.#restart()
    const rest = [...path]
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '..') {
        this.#climb()
        continue
      }
      const folder = this.#here()
      const node = await this.#enter(folder, name)
      if (!node && rest.length > 0) throw new AppError('file.not-found')
      if (node?.stat.isSymbolicLink() && (rest.length > 0 || lastLink === 'follow')) {
        rest.unshift(...(await this.#readLink(folder, name)))
        continue
      }
      if (!node || rest.length === 0) return this.#place(folder, name, node)
      if (!node.stat.isDirectory()) throw new AppError('file.not-a-folder')
      this.#folders.push(node)
      this.#names.push(name)
    }
    return this.#place(null, '', this.#here())
  }

  async close(): Promise<void> {
    for (const fd of this.#open.splice(0)) await close(fd)
  }

  async #restart(): Promise<void> {
    const fd = this.#keep(await open(self(this.#root.fd), flags.folder))
    this.#folders = [{ fd, stat: await fstat(fd) }]
    this.#names = []
    this.#restrictedAt = null
  }

  #here(): Node {
    const folder = this.#folders.at(-1)
    if (!folder) throw new AppError('file.outside-root')
    return folder
  }

  #climb(): void {
    if (this.#folders.length < 2) throw new AppError('file.outside-root')
    this.#folders.pop()
    this.#names.pop()
    if (this.#restrictedAt !== null && this.#names.length < this.#restrictedAt) this.#restrictedAt = null
  }

  async #enter(folder: Node, name: string): Promise<Node | null> {
    requireRight(folder.stat, this.#root.account, 'search')
    // By its name first, so that nothing tells whether a shut place is there at all.
    this.#pass(name, null)
    try {
      const fd = this.#keep(await open(at(folder.fd, name), flags.name))
      const stat = await fstat(fd)
      this.#pass(name, stat)
      return { fd, stat }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null
      throw error
    }
  }

  /** The link's text as further names. It may have been changed since it was seen; whatever it says now is held to the same rules. */
  async #readLink(folder: Node, name: string): Promise<string[]> {
    this.#links += 1
    if (this.#links > maxLinks) throw new AppError('file.outside-root')
    let target = await readlink(at(folder.fd, name))
    if (target.startsWith('/')) {
      const base = `${this.#root.path.replace(/\/+$/, '')}/`
      if (!`${target}/`.startsWith(base)) throw new AppError('file.outside-root')
      target = target.slice(base.length)
      await this.#restart()
    }
    return target.split('/').filter((part) => part !== '' && part !== '.')
  }

  #pass(name: string, stat: Stats | null): void {
    const names = [...this.#names, name]
    if (this.#root.zones.pass(names, stat)) this.#restrictedAt ??= names.length
  }

  #keep(fd: number): number {
    this.#open.push(fd)
    return fd
  }

  #place(folder: Node | null, name: string, node: Node | null): Place {
    const names = folder ? [...this.#names, name] : this.#names
    return { folder, name, names, restricted: this.#restrictedAt !== null && names.length >= this.#restrictedAt, node, close: () => this.close() }
  }
}
