import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { updateSetup } from '../../../main/electron/updater.ts'
import { createServices } from '../../../main/services/create-services.ts'
import type { SecretName, SecretStore } from '../../../main/services/secret-store.ts'
import { openUpdateStore } from '../../../main/services/updates/store.ts'
import { readJsonFile, writeJsonFile } from '../../../shared/node/json-file.ts'
import { KeyFile, openKeyFile } from '../../../shared/node/key-file.ts'
import { generateSigningKey, readUnverified, signJws } from '../../../shared/node/signing.ts'
import type { UpdateStatus } from '../../../shared/update-calls.ts'
import { manifestName, UpdateManifest, UpdateTarget } from '../../../shared/update-manifest.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import { createTestServer } from '../../support/main-server.ts'
import { root } from './run-bodies.ts'

export type UpdateWorld = {
  /** Of the release's file. */
  bytes: number
  /** Everything as it was published. */
  reset(): Promise<void>
  /** The release officer changes what is published. */
  change(...argv: string[]): Promise<void>
  signByAnother(): Promise<void>
  signExpired(): Promise<void>
  putEarlierManifest(): void
  alterFile(): void
  installApp(options?: { release?: string; cuts?: number[] }): Promise<InstalledApp>
  close(): Promise<void>
}
export type InstalledApp = {
  check(): Promise<UpdateStatus>
  ready(): Promise<void>
  /** What came of looking: the status once it says why not. */
  settled(): Promise<UpdateStatus>
  /** Installs; which release has started then, by its own word. */
  restart(): Promise<string>
  tryRestart(): Promise<UpdateStatus>
  /** Installs, and takes the new file away at the last moment. */
  restartWithout(): Promise<void>
  runInstalled(): Promise<string>
  runFile(path: string): Promise<string>
  before(): string | null
  received(): number
  wasStopped(): boolean
  wasRelaunched(): boolean
}

const passphrase = 'a passphrase of this proof'
const patienceMs = 60_000

export async function startUpdateWorld(folder: string, bytes: number): Promise<UpdateWorld> {
  const [published, dist, keyPath] = [join(folder, 'published'), join(folder, 'dist'), join(folder, 'key.json')]
  mkdirSync(dist)
  const target = UpdateTarget.parse({ channel: 'stable', platform: 'linux', arch: process.arch })
  const name = 'Gantry-0.2.0.AppImage'
  writeProgram(join(dist, name), '0.2.0', bytes)
  const officer = (verb: string, ...argv: string[]) => {
    const run = spawnSync(process.execPath, [join(root, 'release/main.ts'), verb, '--key', keyPath, ...argv], { encoding: 'utf8', input: `${passphrase}\n` })
    if (run.status !== 0) throw new Error(run.stderr)
  }
  const at = ['--out', published, '--channel', target.channel, '--platform', target.platform, '--arch', target.arch]
  officer('key')
  officer('publish', ...at, '--from', dist, '--release', '0.2.0', '--first')
  const manifestPath = join(published, manifestName(target))
  const earlier = readFileSync(manifestPath)
  officer('change', ...at)
  const good = readFileSync(manifestPath, 'utf8')
  const manifest = readUnverified(good, UpdateManifest, 'update.manifest-bad')
  const key = await openKeyFile('update', readJsonFile(keyPath, KeyFile), passphrase)
  const server = await createTestServer({ desktopUpdates: published })
  const opened: (() => Promise<unknown>)[] = []
  const day = 86_400
  return {
    bytes,
    async reset() {
      for (const close of opened.splice(0)) await close()
      writeFileSync(manifestPath, good)
      copyFileSync(join(dist, name), join(published, name))
    },
    change: async (...argv) => officer('change', ...at, ...argv),
    signByAnother: async () => writeFileSync(manifestPath, await signJws('update', manifest, generateSigningKey())),
    async signExpired() {
      const { issuedAt } = manifest
      writeFileSync(manifestPath, await signJws('update', { ...manifest, issuedAt: issuedAt - 10 * day, expiresAt: issuedAt - day }, key))
    },
    putEarlierManifest: () => writeFileSync(manifestPath, earlier),
    alterFile() {
      const content = readFileSync(join(published, name))
      content[content.length - 1] = (content.at(-1) ?? 0) ^ 1
      writeFileSync(join(published, name), content)
    },
    async installApp({ release = '0.1.0', cuts = [] } = {}) {
      const proxy = await startCuttingProxy(cuts)
      const { origin: mainServer, ca } = server
      const app = await openApp(mkdtempSync(join(folder, 'app-')), { release, mainServer, ca, proxy, key: key.publicJwk })
      opened.push(app.close, proxy.close)
      return app
    },
    async close() {
      for (const close of opened) await close()
      await server.close()
    },
  }
}

/** It writes down which release it is, and ends before what fills it up. */
function writeProgram(path: string, release: string, bytes: number): void {
  const script = Buffer.from(`#!/bin/sh\nprintf %s ${release} > "$GANTRY_MARK"\nexit 0\n`)
  writeFileSync(path, Buffer.concat([script, randomBytes(Math.max(0, bytes - script.length))]))
  chmodSync(path, 0o755)
}

type Place = {
  release: string
  mainServer: string
  ca: string
  proxy: Awaited<ReturnType<typeof startCuttingProxy>>
  key: ReturnType<typeof generateSigningKey>['publicJwk']
}

async function openApp(folder: string, { release, mainServer, ca, proxy, key }: Place): Promise<InstalledApp & { close(): Promise<void> }> {
  const [appImage, profileDir, mark, config] = ['Gantry.AppImage', 'profile', 'mark', 'app-update.yml'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
    string,
  ]
  writeProgram(appImage, release, 2_000)
  writeFileSync(config, 'provider: generic\nurl: https://updates.invalid/\nupdaterCacheDirName: gantry-updater\n')
  let [stopped, relaunched, quit, takesAway] = [false, false, false, false]
  const adapter = {
    ...{ version: release, name: 'Gantry', isPackaged: true, appUpdateConfigPath: config },
    ...{ userDataPath: join(profileDir, 'updates'), baseCachePath: join(profileDir, 'updates') },
    whenReady: async () => undefined,
    relaunch: () => {
      relaunched = true
    },
    quit: () => {
      quit = true
    },
    onQuit: () => undefined,
  }
  const stop = async () => {
    await services.close()
    if (takesAway) rmSync(join(profileDir, 'updates/gantry-updater/pending'), { recursive: true })
    stopped = true
  }
  const updates = updateSetup(
    { key, channel: 'stable' },
    { adapter, appImage, stop },
    { platform: 'linux', env: { APPIMAGE: appImage }, resourcesPath: folder },
  )
  // electron-updater reads the first; the program that it starts, the second.
  Object.assign(process.env, { APPIMAGE: appImage, GANTRY_MARK: mark })
  mkdirSync(profileDir)
  writeJsonFile(join(profileDir, 'proxy.json'), { version: 1, proxy: { use: 'manual', url: proxy.address } })
  const services = await createServices({
    ...{ profileDir, mainServer, ca, secretStore: memory(), updates },
    openBrowser: () => undefined,
    party: 'desktop',
    about: { version: release, host: 'electron', hostReason: null, sandbox: false },
  })
  const status = () => services.updates.status()
  const run = async (path: string) => {
    rmSync(mark, { force: true })
    spawnSync(path, { env: { ...process.env, GANTRY_MARK: mark } })
    return readMark(mark)
  }
  return {
    check: () => services.updates.check(),
    ready: () => until('ready', () => status().state === 'ready'),
    async settled() {
      await services.updates.check()
      await until('why not', () => status().failure !== null)
      return status()
    },
    async restart() {
      services.updates.install()
      await until('the new one', () => quit && readMark(mark) !== 'nothing').catch(() => undefined)
      return readMark(mark)
    },
    async tryRestart() {
      services.updates.install()
      await until('what comes of it', () => status().state === 'idle')
      return status()
    },
    async restartWithout() {
      takesAway = true
      services.updates.install()
      await until('its end', () => quit)
    },
    runInstalled: () => run(appImage),
    runFile: run,
    before: () => openUpdateStore(profileDir).before('0.2.0')?.path ?? null,
    received: proxy.received,
    wasStopped: () => stopped,
    wasRelaunched: () => relaunched,
    close: () => services.close(),
  }
}

function readMark(path: string): string {
  try {
    return readFileSync(path, 'utf8') || 'nothing'
  } catch {
    return 'nothing'
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + patienceMs; !isSo(); await sleep(20)) if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
}

function memory(): SecretStore {
  const kept = new Map<SecretName, string>()
  return {
    kind: 'sandbox',
    get: async (name) => kept.get(name) ?? null,
    set: async (name, value) => void kept.set(name, value),
    delete: async (name) => void kept.delete(name),
  }
}
