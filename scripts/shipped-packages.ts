import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Plugin } from 'vite'
import { z } from 'zod'

/** The parts of the desktop client that are bundled: what of a package gets into one of them is shipped, whichever kind of dependency it is. */
export const bundles = ['main', 'preload', 'renderer'] as const
export type Bundle = (typeof bundles)[number]

const root = join(import.meta.dirname, '..')
const Folders = z.array(z.string())
const noteOf = (bundle: Bundle) => join(root, 'out', `.${bundle}.packages.json`)

/** Writes down, beside a bundle, the folders of the packages whose code, styles or files are in it. Code that was shaken off does not count. */
export function noteShippedPackages(bundle: Bundle): Plugin {
  return {
    name: 'gantry:shipped-packages',
    apply: 'build',
    writeBundle(_, output) {
      const styles = [...this.getModuleIds()].filter((id) => /\.css(\?|$)/.test(id))
      const parts = Object.values(output).flatMap((part) =>
        part.type === 'chunk'
          ? Object.entries(part.modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? [id] : []))
          : part.originalFileNames.map((name) => join(root, bundle, name)),
      )
      const folders = new Set([...styles, ...parts].flatMap((id) => packageFolder(id) ?? []))
      mkdirSync(join(root, 'out'), { recursive: true })
      writeFileSync(noteOf(bundle), `${JSON.stringify([...folders].sort(), null, 2)}\n`)
    },
  }
}

/** As its build wrote them down: folders under `node_modules`, relative to the project. Throws where it was not built. */
export function shippedFolders(bundle: Bundle): string[] {
  return Folders.parse(JSON.parse(readFileSync(noteOf(bundle), 'utf8')))
}

/** `node_modules/@scope/name`, the innermost one of a module's path, relative to the project; null for a module of ours. */
export function packageFolder(path: string): string | null {
  const clean = relative(root, path.replaceAll('\0', '').replace(/\?.*$/, '')).replaceAll('\\', '/')
  return /^(.*\/)?node_modules\/(@[^/]+\/)?[^/]+/.exec(clean)?.[0] ?? null
}
