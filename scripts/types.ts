import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Type-checks each runtime against what that runtime has: `shared` without Node, the Node parts, the bridge, the window, the panel's page and what the Electron stand-in runs in one with a DOM.
 * Separate programs, since one package whose types mention Node would lend Node to all files of its program.
 */
const projects = ['shared', 'tsconfig.node.json', 'main/electron', 'preload', 'renderer', 'agent/panel/page', 'test/electron-stand-in/page']
const root = join(import.meta.dirname, '..')
const configs = projects
  .map((project) => (project.endsWith('.json') ? project : join(project, 'tsconfig.json')))
  .filter((config) => existsSync(join(root, config)))

const failed = configs.filter((config) => {
  const run = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config, '--noEmit', '--pretty', 'false'], {
    cwd: root,
    encoding: 'utf8',
  })
  process.stdout.write(run.stdout + run.stderr)
  return run.status !== 0
})
if (failed.length > 0) {
  console.error(`types: ${failed.join(', ')} failed`)
  process.exitCode = 1
}
