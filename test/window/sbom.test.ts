import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundles, packageFolder } from '../../scripts/shipped-packages.ts'

/** What of others is in the built bundles, told by their source maps and by the files beside them, not by what the build noted for the list itself (T15). */
const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'gantry-sbom-'))
type Bom = {
  bomFormat: string
  specVersion: string
  components: { 'bom-ref': string; licenses: { license?: { id?: string }; expression?: string }[]; properties: { name: string; value: string }[] }[]
}
let bom: Bom
let licences: string
beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts/sbom.ts'), '--to', folder], { stdio: 'pipe' })
  bom = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8'))
  licences = readFileSync(join(folder, 'third-party-licences.txt'), 'utf8')
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inPart = (part: string) => bom.components.filter(({ properties }) => properties.some(({ value }) => value === part)).map((one) => one['bom-ref'])

describe('what the desktop client says it is made of', () => {
  test.each(bundles)('every package with code in %s is in the bill of materials, and no other (T15)', (bundle) => {
    const maps = globSync(`out/${bundle}/**/*.map`, { cwd: root })
    expect(maps.length).toBeGreaterThan(0)
    const found = new Set(maps.flatMap(packagesIn))
    const listed = inPart(bundle)
    expect(listed).toEqual(expect.arrayContaining([...found]))
    expect(listed.filter((ref) => !found.has(ref) && !hasStylesOrFiles(ref))).toEqual([])
  })

  test('every font in the window is of a package that is listed', () => {
    const fonts = globSync('out/renderer/assets/*.woff2', { cwd: root })
    const theirs = new Map(
      globSync('node_modules/@fontsource-variable/*/files/*.woff2', { cwd: root }).map((file) => [hashOf(file), refOf(packageFolder(join(root, file)) ?? '')]),
    )
    expect(fonts.length).toBeGreaterThan(0)
    for (const font of fonts) expect(inPart('renderer')).toContain(theirs.get(hashOf(font)))
  })

  test('what ships under node_modules, and Electron, are listed too; what only builds and tests is not', () => {
    expect(inPart('node_modules').map((ref) => ref.replace(/@[^@]+$/, ''))).toEqual(expect.arrayContaining(['@github/keytar', 'electron-log', 'ssh2', 'asn1']))
    expect(inPart('runtime')).toEqual([expect.stringMatching(/^electron@/)])
    const names = bom.components.map((one) => one['bom-ref'].replace(/@[^@]+$/, ''))
    for (const tool of ['vite', 'vitest', 'electron-builder', 'playwright', 'oidc-provider', 'typescript']) expect(names).not.toContain(tool)
  })

  test('each stands in the list of licences with its text, under a licence that lets it ship', () => {
    expect([bom.bomFormat, bom.specVersion]).toEqual(['CycloneDX', expect.stringMatching(/^1\.[5-9]$/)])
    const allowed = /^(MIT|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|OFL-1\.1|Unlicense|BlueOak-1\.0\.0)$/
    for (const { 'bom-ref': ref, licenses } of bom.components) {
      expect(licences).toContain(`\n${ref}\n`)
      expect(licenses.map(({ license, expression }) => license?.id ?? expression ?? ref)).toEqual([expect.stringMatching(allowed)])
    }
  })
})

describe('what is installed', () => {
  type Manifest = {
    dependencies?: Record<string, string>
    devDependencies?: Record<string, string>
    workspaces?: string[]
    allowScripts?: Record<string, boolean>
  }
  type Locked = { link?: boolean; integrity?: string; hasInstallScript?: boolean; inBundle?: boolean }
  const manifest = (folder: string) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
  const own = manifest('.')
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }

  test('is named by its one version and known by its hash (D34, T15)', () => {
    for (const folder of ['.', ...(own.workspaces ?? [])]) {
      const { dependencies, devDependencies } = manifest(folder)
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) expect(`${name} ${version}`).toMatch(/ (npm:\S+@)?\d+\.\d+\.\d+$/)
    }
    const unknown = Object.entries(packages).filter(([at, { link, inBundle, integrity }]) => at.includes('node_modules/') && !link && !inBundle && !integrity)
    expect(unknown.map(([at]) => at)).toEqual([])
  })

  test('runs no script of its own at installation, but Node itself, which does not ship (D34)', () => {
    const withScript = Object.entries(packages).flatMap(([at, { hasInstallScript }]) => (hasInstallScript && at ? at.replace(/^.*node_modules\//, '') : []))
    const allowed = Object.entries(own.allowScripts ?? {}).flatMap(([name, isAllowed]) => (isAllowed ? name : []))
    expect(allowed).toEqual(['node'])
    expect(withScript).toContain('node')
    expect(bom.components.map((one) => one['bom-ref'])).not.toContainEqual(expect.stringMatching(/^node@/))
  })
})

function packagesIn(map: string): string[] {
  const { sources } = JSON.parse(readFileSync(join(root, map), 'utf8')) as { sources: string[] }
  return sources.flatMap((source) => {
    const at = packageFolder(join(root, dirname(map), source))
    return at === null ? [] : [refOf(at)]
  })
}

function refOf(at: string): string {
  const { name, version } = JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8')) as { name: string; version: string }
  return `${name}@${version}`
}

/** Only styles and fonts: a source map says nothing of them. */
function hasStylesOrFiles(ref: string): boolean {
  return ref.startsWith('@fontsource-variable/')
}

function hashOf(file: string): string {
  return createHash('sha256')
    .update(readFileSync(join(root, file)))
    .digest('hex')
}
