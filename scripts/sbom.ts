import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { bundles, shippedFolders } from './shipped-packages.ts'

/**
 * Writes what a package of the desktop client is made of into `out/notices/`: `sbom.cdx.json` (CycloneDX, from npm's own `npm sbom`, cut down to what ships) and
 * `third-party-licences.txt`. Shipped is what the three bundles hold, the root's `dependencies` with all that they need, and Electron. Run after the build;
 * `--to FOLDER` writes elsewhere.
 */
const root = join(import.meta.dirname, '..')
const folder = parseArgs({ options: { to: { type: 'string', default: join(root, 'out/notices') } } }).values.to
const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})
const Component = z.looseObject({
  'bom-ref': z.string(),
  name: z.string(),
  version: z.string(),
  properties: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
  licenses: z
    .array(z.object({ license: z.object({ id: z.string().optional(), name: z.string().optional() }).optional(), expression: z.string().optional() }))
    .default([]),
})
type Component = z.infer<typeof Component>
const Bom = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ 'bom-ref': z.string(), name: z.string(), type: z.string() }) }),
  components: z.array(Component),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()).default([]) })),
})
type Shipped = { folder: string; ref: string; parts: string[] }

const shipped = shippedPackages()
const bom = cutDown(Bom.parse(JSON.parse(npmSbom())), shipped)
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bom, null, 2)}\n`)
writeFileSync(join(folder, 'third-party-licences.txt'), licenceList(bom.components, shipped))
console.error(`${bom.components.length} packages ship: ${folder}`)

function npmSbom(): string {
  return execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'], {
    ...{ cwd: root, encoding: 'utf8', maxBuffer: 100_000_000, shell: process.platform === 'win32' },
  })
}

/** Each with the parts of the client that hold it. */
function shippedPackages(): Shipped[] {
  const parts = new Map<string, string[]>()
  const add = (at: string, part: string) => parts.set(at, [...(parts.get(at) ?? []), part])
  for (const bundle of bundles) for (const at of shippedFolders(bundle)) add(at, bundle)
  for (const at of withAllNeeded(Object.keys(manifestOf('.').dependencies))) add(at, 'node_modules')
  add('node_modules/electron', 'runtime')
  return [...parts].map(([at, of]) => {
    const { name, version } = manifestOf(at)
    return { folder: at, ref: `${name}@${version}`, parts: of }
  })
}

function withAllNeeded(names: string[]): Set<string> {
  const found = new Set<string>()
  const visit = (from: string, name: string) => {
    const at = resolved(from, name)
    if (at === null || found.has(at)) return
    found.add(at)
    const { dependencies, optionalDependencies } = manifestOf(at)
    for (const one of Object.keys({ ...dependencies, ...optionalDependencies })) visit(at, one)
  }
  for (const name of names) visit('.', name)
  return found
}

/** Where Node finds it from there; null for an optional one that is not installed. */
function resolved(from: string, name: string): string | null {
  for (let at = from; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name).replaceAll('\\', '/')
    if (existsSync(join(root, candidate, 'package.json'))) return candidate
    if (at === '.') return null
  }
}

function manifestOf(at: string): z.infer<typeof Manifest> {
  return Manifest.parse(JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8')))
}

function cutDown(whole: z.infer<typeof Bom>, all: Shipped[]): z.infer<typeof Bom> {
  const parts = new Map(all.map(({ ref, parts: of }) => [ref, of]))
  const components = whole.components
    .filter((one) => parts.has(one['bom-ref']))
    .map((one) => ({ ...one, properties: partsOf(parts.get(one['bom-ref']) ?? []) }))
  const unknown = [...parts.keys()].filter((ref) => !components.some((one) => one['bom-ref'] === ref))
  if (unknown.length > 0) throw new Error(`npm does not know what ships: ${unknown.join(', ')}`)
  const own = { ...whole.metadata.component, name: manifestOf('.').name }
  const dependencies = whole.dependencies
    .filter(({ ref }) => parts.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((needed) => parts.has(needed)) }))
  const direct = { ref: own['bom-ref'], dependsOn: [...parts.keys()].sort() }
  return { ...whole, metadata: { ...whole.metadata, component: own }, components, dependencies: [direct, ...dependencies] }
}

function partsOf(parts: string[]): Component['properties'] {
  return parts.map((value) => ({ name: 'gantry:part', value }))
}

function licenceList(components: Component[], all: Shipped[]): string {
  const folders = new Map(all.map(({ ref, folder: at }) => [ref, at]))
  const entries = components.map((one) => {
    const texts = licenceTexts(folders.get(one['bom-ref']) ?? '')
    const text = texts.length > 0 ? texts.join('\n\n') : 'The package brings no licence text of its own.'
    return `${'='.repeat(78)}\n${one['bom-ref']}\n${licencesOf(one)}\n\n${text}\n`
  })
  return `Software of others in the desktop client. Electron brings the licences of Chromium and Node itself, in LICENSES.chromium.html.\n\n${entries.join('\n')}`
}

function licencesOf({ licenses }: Component): string {
  return licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name ?? '').join(', ')
}

function licenceTexts(at: string): string[] {
  const names = readdirSync(join(root, at), { withFileTypes: true }).filter((one) => one.isFile() && /^(licen[cs]e|copying|notice)/i.test(one.name))
  return names.map(({ name }) => readFileSync(join(root, at, name), 'utf8').trim())
}
