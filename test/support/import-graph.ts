import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize } from 'node:path'

/** One import as it stands in the source; `to` is a path from the project's root, `node:<name>` or a package's specifier. */
export type Import = { file: string; to: string; typeOnly: boolean }

const codeFolders = 'shared,main,cli,preload,renderer,agent,authority,release,cloud,sandbox,scripts,test'
/** Statements, re-exports and `import()`. Word boundaries keep `Array.from('…')` out; a path in a comment counts, which errs on the safe side. */
const pattern = /(?<!\.)\b(import|export)\b(\s+type\b)?(?:[^'"`;()]*?\bfrom)?\s*\(?\s*['"]([^'"\n]+)['"]/g

export function codeFiles(): string[] {
  return globSync(`{${codeFolders}}/**/*.{ts,tsx,mjs}`, { exclude: (name) => name.includes('node_modules') })
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
}

export function importsOf(file: string, source: string = readFileSync(file, 'utf8')): Import[] {
  return [...source.matchAll(pattern)].map(([, , type, specifier]) => ({ file, to: target(file, specifier ?? ''), typeOnly: type !== undefined }))
}

function target(file: string, specifier: string): string {
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier)).replaceAll('\\', '/')
  if (specifier.startsWith('@gantry/shared/')) return specifier.replace('@gantry/', '')
  return builtinModules.includes(specifier) && !specifier.startsWith('node:') ? `node:${specifier}` : specifier
}

/** A pattern that ends in `/`, `:` or `*` covers what begins with it; else it covers that file or package and its subpaths. */
export function covers(pattern: string, to: string): boolean {
  if (pattern.endsWith('*')) return to.startsWith(pattern.slice(0, -1))
  return to === pattern || to.startsWith(/[/:]$/.test(pattern) ? pattern : `${pattern}/`)
}

/** The first cycle among files, as the path that closes it, or null. Type-only imports vanish before anything runs and close no cycle. */
export function findCycle(imports: Import[]): string[] | null {
  const next = new Map<string, string[]>()
  for (const { file, to, typeOnly } of imports) {
    if (!typeOnly) next.set(file, [...(next.get(file) ?? []), to])
  }
  const finished = new Set<string>()
  const visit = (file: string, path: string[]): string[] | null => {
    const start = path.indexOf(file)
    if (start >= 0) return [...path.slice(start), file]
    if (finished.has(file)) return null
    for (const to of next.get(file) ?? []) {
      const cycle = visit(to, [...path, file])
      if (cycle) return cycle
    }
    finished.add(file)
    return null
  }
  for (const file of next.keys()) {
    const cycle = visit(file, [])
    if (cycle) return cycle
  }
  return null
}

/** Everything that `roots` load, directly or through others. */
export function reachable(roots: string[], imports: Import[]): Set<string> {
  const seen = new Set(roots)
  for (const file of seen) {
    for (const one of imports) if (one.file === file && !one.typeOnly) seen.add(one.to)
  }
  return seen
}
