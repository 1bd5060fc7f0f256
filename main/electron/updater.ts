import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { type UpdateChannel, type UpdateFormat, UpdateTarget } from '@gantry/shared/update-manifest.ts'
import type { AppImageUpdater as ItsUpdater } from 'electron-updater'
import type { UpdateInstaller, UpdateSetup, VerifiedUpdate } from '../services/services.ts'

/** What electron-updater knows of the app, and how the app ends. */
export type UpdatedApp = {
  adapter: NonNullable<ConstructorParameters<typeof ItsUpdater>[1]>
  /** The one file that the app is started from, on Linux where that is an AppImage. */
  appImage: string | null
  /** Ends sessions and services, and gives up the place of the one instance: from then on the app can only end. */
  stop(): Promise<void>
}
type Installed = { platform: string; env: NodeJS.ProcessEnv; resourcesPath: string }

/** `settings` of gantry.json; why this installation does not update itself, or how it does. */
export function updateSetup(
  settings: { key: PublicJwk; channel: UpdateChannel } | null,
  app: UpdatedApp,
  { platform, env, resourcesPath }: Installed,
): UpdateSetup {
  if (!app.adapter.isPackaged) return { unsupported: 'not-packaged' }
  if (!settings) return { unsupported: 'not-set-up' }
  const target = UpdateTarget.safeParse({ channel: settings.channel, platform, arch: process.arch })
  const format = formatOf({ platform, env, resourcesPath })
  if (!target.success || !format) return { unsupported: 'package' }
  return { key: settings.key, target: target.data, installer: createInstaller(format, app) }
}

/** A folder that was unpacked, and a system's own package but for a .deb, is updated as it was installed. */
function formatOf({ platform, env, resourcesPath }: Installed): UpdateFormat | null {
  if (platform === 'win32') return 'exe'
  if (platform === 'darwin') return 'zip'
  if (env.APPIMAGE) return 'AppImage'
  const kind = join(resourcesPath, 'package-type')
  return existsSync(kind) && readFileSync(kind, 'utf8').trim() === 'deb' ? 'deb' : null
}

export function createInstaller(format: UpdateFormat, { adapter, appImage, stop }: UpdatedApp): UpdateInstaller {
  return {
    format,
    runningFile: appImage,
    async prepare(update) {
      const updater = await createUpdater(format, adapter, update)
      const found = await updater.checkForUpdates()
      if (found?.updateInfo.version !== update.release || !found.isUpdateAvailable) throw new Error('electron-updater does not take this release')
      await updater.downloadUpdate()
      return async () => {
        await stop()
        if ('install' in updater ? updater.install(true, true) : updater.quitAndInstall() !== null) return adapter.quit()
        // electron-updater removes the AppImage that runs before it has put the next one there.
        if (appImage && !existsSync(appImage) && update.before) await copyFile(update.before, appImage)
        adapter.relaunch()
        adapter.quit()
      }
    },
  }
}

/**
 * electron-updater with no feed and no network of its own: the one release that it is told of is the one that was judged and verified, and what it fetches is that file, whose digest is taken once more on
 * the way. It never looks by itself, and nothing is installed because the app ends.
 */
async function createUpdater(format: UpdateFormat, adapter: UpdatedApp['adapter'], { release, path, file }: VerifiedUpdate) {
  const { AppImageUpdater, DebUpdater, MacUpdater, NsisUpdater, Provider } = await import('electron-updater')
  const sha512 = Buffer.from(file.sha512, 'base64url').toString('base64')
  const info = { url: basename(path), sha512, size: file.bytes }
  class OneRelease extends Provider<never> {
    // electron-updater makes it from these three, and the base takes the last.
    constructor(_options: unknown, _updater: unknown, runtimeOptions: never) {
      super(runtimeOptions)
    }
    override getLatestVersion() {
      return Promise.resolve({ version: release, files: [info], path: info.url, sha512, releaseDate: '' } as never)
    }
    override resolveFiles() {
      return [{ url: pathToFileURL(path), info }]
    }
  }
  const updaters = { AppImage: AppImageUpdater, deb: DebUpdater, exe: NsisUpdater, zip: MacUpdater }
  const updater = new updaters[format](undefined, adapter)
  const httpExecutor = { download: (_url: URL, to: string) => copyVerified(path, to, file.sha512) }
  Object.assign(updater, {
    httpExecutor,
    autoDownload: false,
    autoInstallOnAppQuit: false,
    disableDifferentialDownload: true,
    disableWebInstaller: true,
    logger: null,
  })
  updater.setFeedURL({ provider: 'custom', updateProvider: OneRelease as never })
  // What it says by events it says by its promises and answers too; unheard, an event of this name would end the process.
  updater.on('error', () => undefined)
  return updater
}

async function copyVerified(from: string, to: string, sha512: string): Promise<string> {
  const hash = createHash('sha512')
  const digest = new Transform({
    transform(block: Buffer, _encoding, done) {
      hash.update(block)
      done(null, block)
    },
  })
  await pipeline(createReadStream(from), digest, createWriteStream(to))
  if (hash.digest('base64url') !== sha512) throw new Error('the file changed after it was verified')
  return to
}
