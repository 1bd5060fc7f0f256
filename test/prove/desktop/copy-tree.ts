import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run-bodies.ts'

/** The sources as git has them in this folder, changed or not, with the packages beside them; nothing that was built. Returns the folder. */
export function copyTree(folder: string): string {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, maxBuffer: 50_000_000 })
  mkdirSync(folder)
  execFileSync('tar', ['-C', root, '--null', '-T', '-', '--ignore-failed-read', '-cf', join(folder, '.tree.tar')], { input: files })
  execFileSync('tar', ['-C', folder, '-xf', join(folder, '.tree.tar')])
  execFileSync('cp', ['-a', join(root, 'node_modules'), folder])
  return folder
}
