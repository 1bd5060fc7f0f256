import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { _electron, type ElectronApplication, type Page } from 'playwright'
import { findElectron } from '../../../sandbox/electron.ts'

/** Where the bodies of this folder run: the vitest project says it. `standin` and `electron` run the built `out/main` and `out/preload` as they are. */
export type Host = 'browser' | 'standin' | 'electron'
export const host = (process.env.GANTRY_HOST ?? 'browser') as Host
const root = join(import.meta.dirname, '../../..')
const standIn = join(root, 'test/electron-stand-in/program')

/** Why nothing can run here, to be read in the title of what is skipped; '' where it can. */
export const absent = host === 'electron' && findElectron() === null ? ' (skipped: the Electron runtime is not on this machine)' : ''
/** For tests of what only Electron's main process has. */
export const hasShell = host !== 'browser' && absent === ''
/** `npm test` runs the main job only on the stand-in; `npm run prove -- desktop` runs all of it. */
export const isShort = host === 'standin' && process.env.GANTRY_WHOLE !== '1'

/** Playwright's own door to Electron; the stand-in stands where Electron's setting says. `GANTRY_APP` names another build (`test/prove/seeded-faults.ts`). */
export const builtApp = () => process.env.GANTRY_APP ?? join(root, 'out/main/main.cjs')
if (host === 'standin') process.env.ELECTRON_OVERRIDE_DIST_PATH = standIn

// Without WebGL the terminal is drawn as text that can be read. A camera that is not there could not be refused.
const switches = ['--disable-3d-apis', '--use-fake-device-for-media-stream']

export type Started = { app: ElectronApplication; page: Page; stdout(): string; stderr(): string; close(): Promise<void> }
export type StartOptions = { config: Record<string, unknown>; home: string; argv?: string[]; env?: Record<string, string> }

export async function startApp(options: StartOptions): Promise<Started> {
  const { app, ...rest } = await launch(options)
  return { app, ...rest, page: await app.firstWindow() }
}

/** A package (`GANTRY_PACKAGE`) has its config beside it and is its own program; all else is what the command line says. */
function commandOf({ config, home, argv = [], env: more = {} }: StartOptions): { args: string[]; env: Record<string, string>; cwd: string } {
  const inPackage = process.env.GANTRY_PACKAGE
  const file = inPackage ? join(dirname(inPackage), 'resources/gantry.json') : join(home, 'gantry-window.json')
  writeJsonFile(file, config)
  const { PATH = '', DISPLAY, TMPDIR } = process.env
  const own = { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), LANG: 'en_CA.UTF-8', STAND_IN_NODE: process.execPath, ...more }
  const env = Object.entries({ PATH, DISPLAY, TMPDIR, ...own }).filter(([, value]) => value !== undefined)
  const app = inPackage ? [] : [builtApp(), `--config=${file}`]
  return { args: [...switches, ...app, ...argv], env: Object.fromEntries(env) as Record<string, string>, cwd: root }
}

/** Without Playwright, which waits for a window: for an app that ends before it has one. */
export function spawnApp(options: StartOptions): Promise<{ code: number | null; stderr: string }> {
  const { args, env, cwd } = commandOf(options)
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const program = process.env.GANTRY_PACKAGE ?? findElectron() ?? ''
  const child = spawn(program, [...asRoot, ...args], { env, cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | null; stderr: string }>()
  child.once('error', reject)
  child.once('close', (code) => resolve({ code, stderr }))
  return promise
}

async function launch(options: StartOptions): Promise<Omit<Started, 'page'>> {
  const executablePath = process.env.GANTRY_PACKAGE
  const app = await _electron.launch({ ...commandOf(options), ...(executablePath ? { executablePath } : {}), timeout: 60_000 })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    app.process()[name]?.on('data', (chunk: Buffer) => {
      text[name] += chunk.toString('utf8')
    })
  }
  return { app, stdout: () => text.stdout, stderr: () => text.stderr, close: () => app.close() }
}

/** A home of its own, gone with the test file. */
export function newHome(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gantry-desktop-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}
