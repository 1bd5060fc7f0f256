import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Builds what a browser or Electron must have built: the window, the bridge, the desktop client's main process and the front panel's page. Servers, agent and
 * command line run unbuilt. With `--if-changed` only what has changed since its last build, told by the content of its sources.
 */
const root = join(import.meta.dirname, '..')
process.chdir(root)

const shared = ['shared/**/*.ts', 'package-lock.json', 'package.json', 'scripts/shipped-packages.ts']
const builds = [
  { name: 'renderer', sources: ['renderer/**/*', 'preload/api.ts', ...shared] },
  { name: 'preload', sources: ['preload/**/*', ...shared] },
  { name: 'main', sources: ['main/**/*', ...shared] },
  { name: 'panel', sources: ['agent/panel/page/**/*', 'renderer/ui/**/*', ...shared] },
]
const onlyChanged = process.argv.includes('--if-changed')

const outcomes = await Promise.all(builds.map(buildOne))
process.exitCode = outcomes.every(Boolean) ? 0 : 1

async function buildOne({ name, sources }: (typeof builds)[number]): Promise<boolean> {
  const config = `vite.${name}.config.ts`
  const stamp = join('out', `.${name}.built`)
  const digest = digestOf([config, ...sources])
  if (onlyChanged && existsSync(join('out', name)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return true
  console.error(`building ${name} …`)
  const { status, output } = await run(['node_modules/vite/bin/vite.js', 'build', '--config', config, '--logLevel', 'warn'])
  if (status === 0) {
    mkdirSync('out', { recursive: true })
    writeFileSync(stamp, digest)
  } else console.error(`build of ${name} failed\n${output}`)
  return status === 0
}

function digestOf(patterns: string[]): string {
  const hash = createHash('sha256')
  const files = globSync(patterns, { exclude: ({ name }) => name === 'node_modules', withFileTypes: true }).filter((entry) => entry.isFile())
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) hash.update(path).update('\0').update(readFileSync(path)).update('\0')
  return hash.digest('hex')
}

function run(argv: string[]): Promise<{ status: number | null; output: string }> {
  const { promise, resolve } = Promise.withResolvers<{ status: number | null; output: string }>()
  // Whatever calls: a test runner's own setting would build React's development version.
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'], env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-20_000)
    })
  }
  child.once('error', (error) => resolve({ status: 1, output: error.message }))
  child.once('close', (status) => resolve({ status, output }))
  return promise
}
