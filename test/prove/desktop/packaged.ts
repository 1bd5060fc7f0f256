import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createPackage, extractFile, listPackage, statFile } from '@electron/asar'
import { isAsWanted, readFuses } from '../../../scripts/read-fuses.ts'
import { type Proof, type Row, row } from '../proof.ts'
import { copyTree } from './copy-tree.ts'
import { root, runBodies } from './run-bodies.ts'

/** What Electron's program holds, so that a fuse can be found and flipped: this text, the version, the count, one letter for each (electron.org, "Fuses"). */
const fuseSentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'

type Component = { type: string; 'bom-ref': string; properties?: { value: string }[]; hashes?: { content: string }[] }
type Bom = { components: Component[] }

export const packaged: Proof = {
  name: 'package',
  title: 'The package that electron-builder makes has its fuses set, holds what it should, and runs from its own archive',
  covers: ['D32', 'D34', 'R118'],
  method:
    'electron-builder with the project’s own electron-builder.yml makes the Linux folder. In the place of Electron’s runtime, which cannot be had here, is one whose program starts the stand-in and carries a fuse wire as Electron’s does. The fuses are read back from the program, the archive’s list is looked at and held against the bill of materials beside it, and the bodies run on what is in the archive. Then the sources are copied to another folder, built and packed there, and the two archives compared.',
  limits: ['the fuses of Electron’s own program, installers, signatures: the hosted workflow makes and reads those.'],
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-package-'))
    try {
      const dist = await standInRuntime(join(folder, 'runtime'))
      await build(root, dist, join(folder, 'out'))
      const unpacked = join(folder, 'out/linux-unpacked')
      const program = join(unpacked, 'gantry-desktop')
      const rows = [...(await fuseRows(program)), ...contentRows(join(unpacked, 'resources')), ...(await bodyRows(program))]
      const again = copyTree(join(folder, 'elsewhere'))
      await build(again, dist, join(folder, 'again'))
      return [...rows, sameRow(join(unpacked, 'resources'), join(folder, 'again/linux-unpacked/resources'))]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

async function standInRuntime(folder: string): Promise<string> {
  const program = join(folder, 'electron')
  const launch = join(root, 'test/electron-stand-in/launch.ts')
  mkdirSync(join(folder, 'locales'), { recursive: true })
  mkdirSync(join(folder, 'resources'))
  mkdirSync(join(folder, 'app'))
  const script = `#!/bin/sh\nSTAND_IN_PROGRAM="$(readlink -f "$0")" exec "\${STAND_IN_NODE:-node}" "${launch}" "$@"\n# `
  writeFileSync(program, Buffer.concat([Buffer.from(script + fuseSentinel), Buffer.from([1, 8]), Buffer.from('10100011\n')]))
  chmodSync(program, 0o755)
  writeFileSync(join(folder, 'app/package.json'), '{"name":"default","main":"main.js"}')
  writeFileSync(join(folder, 'app/main.js'), '')
  await createPackage(join(folder, 'app'), join(folder, 'resources/default_app.asar'))
  rmSync(join(folder, 'app'), { recursive: true })
  for (const file of ['version', 'LICENSE', 'LICENSES.chromium.html', 'chrome-sandbox', 'locales/en-US.pak', 'locales/fr.pak', 'locales/de.pak'])
    writeFileSync(join(folder, file), '')
  return folder
}

async function build(tree: string, dist: string, output: string): Promise<void> {
  await run(tree, ['scripts/build.ts', '--if-changed'])
  await run(tree, ['scripts/sbom.ts'])
  const to = [`-c.electronDist=${dist}`, `-c.directories.output=${output}`]
  await run(tree, ['node_modules/electron-builder/cli.js', '--linux', 'dir', '--publish', 'never', ...to])
}

async function run(cwd: string, argv: string[]): Promise<void> {
  const child = spawn(process.execPath, argv, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4_000)
    })
  }
  const { promise: ended, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  if ((await ended) !== 0) throw new Error(`${basename(argv[0] ?? '')} failed: ${said}`)
}

async function fuseRows(program: string): Promise<Row[]> {
  const fuses = await readFuses(program)
  return fuses.map((fuse) => row(`fuse ${fuse.name}`, fuse.wanted ? 'on' : 'off', fuse.found, isAsWanted(fuse)))
}

function contentRows(resources: string): Row[] {
  const archive = join(resources, 'app.asar')
  const everything = listPackage(archive, { isPack: false })
  const files = everything.filter((file) => !file.startsWith('/node_modules/'))
  const strange = files.filter((file) => !/^\/(package\.json|out(\/(main|preload|renderer)(\/.*)?)?|node_modules)$/.test(file))
  const development = files.filter((file) => /development|\.map$|\.ts$|browser-host/.test(file))
  const modules = readdirSync(join(root, 'node_modules')).length
  const packed = new Set(everything.flatMap((file) => /^\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []))
  return [
    row('files in the archive beside the three built folders', 'none', strange.join(', ') || 'none', strange.length === 0),
    row('development’s page, sources, maps', 'none', development.join(', ') || 'none', development.length === 0),
    row(
      'packages in it',
      'electron-log, keytar, ssh2 and what they need',
      `${[...packed].sort().join(', ')} (of ${modules})`,
      packed.has('ssh2') && packed.size <= 12,
    ),
    ...materialRows(resources, everything),
  ]
}

/** Every folder of a package in the archive, against the bill of materials that lies beside it; and that one against the list of licences. */
function materialRows(resources: string, everything: string[]): Row[] {
  const archive = join(resources, 'app.asar')
  const bom = JSON.parse(readFileSync(join(resources, 'notices/sbom.cdx.json'), 'utf8')) as Bom
  const licences = readFileSync(join(resources, 'notices/third-party-licences.txt'), 'utf8')
  const packages = bom.components.filter(({ type }) => type !== 'file')
  const refs = packages.map((one) => one['bom-ref'])
  const listed = new Set(packages.filter(({ properties }) => properties?.some(({ value }) => value === 'node_modules')).map((one) => one['bom-ref']))
  const manifests = everything.filter((file) => /^(\/node_modules\/(@[^/]+\/)?[^/]+)+\/package\.json$/.test(file))
  const packed = manifests.map((file) => {
    const { name, version } = JSON.parse(extractFile(archive, file.slice(1)).toString('utf8')) as { name: string; version: string }
    return `${name}@${version}`
  })
  const apart = [...packed.filter((ref) => !listed.has(ref)), ...[...listed].filter((ref) => !packed.includes(ref))]
  const unnamed = refs.filter((ref) => !licences.includes(`\n${ref}\n`))
  return [
    row(
      'bill of materials beside the archive: packages under node_modules in one of them alone',
      `none of ${packed.length}`,
      apart.join(', ') || 'none',
      apart.length === 0,
    ),
    row(
      'listed there and not in the list of licences',
      `none of ${refs.length}`,
      unnamed.join(', ') || 'none',
      unnamed.length === 0 && refs.length > packed.length,
    ),
    hashRow(resources, bom),
  ]
}

/** Each file is read again from what was made, and looked up by its hash. */
function hashRow(resources: string, bom: Bom): Row {
  const files = filesIn(resources)
  const listed = new Map(bom.components.filter(({ type }) => type === 'file').map((one) => [one['bom-ref'], one.hashes?.[0]?.content]))
  const wrong = [...files].filter(([name, hash]) => listed.get(name) !== hash).map(([name]) => name)
  return row(
    'files in the archive and beside it that the bill of materials does not list with their SHA-256',
    `none of ${files.size}`,
    wrong.slice(0, 5).join(', ') || 'none',
    wrong.length === 0 && files.size === listed.size && files.size > 20,
  )
}

function filesIn(resources: string): Map<string, string> {
  const archive = join(resources, 'app.asar')
  const hash = (content: Buffer) => createHash('sha256').update(content).digest('hex')
  const found = new Map<string, string>()
  for (const name of listPackage(archive, { isPack: false })) {
    const entry = statFile(archive, name.slice(1))
    if (!('files' in entry)) found.set(`app.asar${entry.unpacked ? '.unpacked' : ''}${name}`, hash(extractFile(archive, name.slice(1))))
  }
  return found
}

function sameRow(resources: string, again: string): Row {
  const [first, second] = [filesIn(resources), filesIn(again)]
  const other = [...new Set([...first.keys(), ...second.keys()])].filter((name) => first.get(name) !== second.get(name))
  const archives = [resources, again].map((folder) => readFileSync(join(folder, 'app.asar')))
  const isSame = archives[0]?.equals(archives[1] ?? Buffer.of()) === true
  const found = other.length > 0 ? other.slice(0, 5).join(', ') : isSame ? `the same ${archives[0]?.length} octets` : 'the same files, in another archive'
  return row('built and packed again in another folder: the archive', 'the same octets', found, isSame)
}

async function bodyRows(program: string): Promise<Row[]> {
  const rows: Row[] = []
  for (const file of ['packaged', 'shell']) {
    const { passed, failed, firstFailure } = await runBodies('standin', [file], { GANTRY_PACKAGE: program })
    rows.push(
      row(
        `test/desktop/${file}.test.ts on the archive’s content`,
        'all pass',
        `${passed} passed, ${failed} failed${firstFailure ? `; first: ${firstFailure}` : ''}`,
        failed === 0 && passed > 0,
      ),
    )
  }
  return rows
}
