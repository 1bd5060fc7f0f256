import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { generateSigningKey } from '../../shared/node/signing.ts'
import type { VerifiedUpdate } from '../services/services.ts'
import { createInstaller, type UpdatedApp, updateSetup } from './updater.ts'

/** The real electron-updater, in plain Node with an app of its own (T15). `npm run prove -- desktop` has it fetch from a real server first. */
let folder: string
let appImage: string
let did: string[]
let app: UpdatedApp
let update: VerifiedUpdate
const installedFor = (env: NodeJS.ProcessEnv, platform = 'linux') => ({ platform, env, resourcesPath: folder })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'updater-'))
  appImage = join(folder, 'Gantry.AppImage')
  did = []
  const content = Buffer.concat([Buffer.from(`#!/bin/sh\necho started > ${join(folder, 'started')}\nexit\n`), randomBytes(50_000)])
  const path = join(folder, 'Gantry-0.2.0.AppImage')
  writeFileSync(path, content)
  writeFileSync(appImage, 'what runs')
  chmodSync(appImage, 0o755)
  writeFileSync(join(folder, 'before'), 'what runs')
  writeFileSync(join(folder, 'app-update.yml'), 'provider: generic\nurl: https://updates.invalid/\nupdaterCacheDirName: gantry-updater\n')
  const sha512 = createHash('sha512').update(content).digest('base64url')
  update = {
    release: '0.2.0',
    path,
    file: { format: 'AppImage', name: 'Gantry-0.2.0.AppImage', bytes: content.length, sha512 },
    before: join(folder, 'before'),
  }
  const adapter = {
    ...{ version: '0.1.0', name: 'Gantry', isPackaged: true, appUpdateConfigPath: join(folder, 'app-update.yml'), userDataPath: folder, baseCachePath: folder },
    whenReady: async () => undefined,
    relaunch: () => void did.push('relaunch'),
    quit: () => void did.push('quit'),
    onQuit: () => undefined,
  }
  app = { adapter, appImage, stop: async () => void did.push('stop') }
  process.env.APPIMAGE = appImage
})
afterEach(() => {
  delete process.env.APPIMAGE
  rmSync(folder, { recursive: true, force: true })
})

describe('what was verified is installed by electron-updater', () => {
  test('which changes nothing before everything is stopped, and starts what it installed', async () => {
    const finish = await createInstaller('AppImage', app).prepare(update)
    expect([readFileSync(appImage, 'utf8'), did]).toEqual(['what runs', []])
    await finish()
    expect(did).toEqual(['stop', 'quit'])
    expect(readFileSync(appImage).equals(readFileSync(update.path))).toBe(true)
    await expect.poll(() => existsSync(join(folder, 'started'))).toBe(true)
  })

  test('which is not given a file that changed since', async () => {
    appendFileSync(update.path, 'more')
    await expect(createInstaller('AppImage', app).prepare(update)).rejects.toThrow('changed after it was verified')
    expect([readFileSync(appImage, 'utf8'), did]).toEqual(['what runs', []])
  })

  test.each(['0.1.0', '0.0.9'])('which does not take release %s, being no newer one', async (release) => {
    await expect(createInstaller('AppImage', app).prepare({ ...update, release })).rejects.toThrow('does not take')
  })

  test('and when it fails halfway, what ran is put back and starts again', async () => {
    const stop = async () => rmSync(join(folder, 'gantry-updater/pending'), { recursive: true })
    const finish = await createInstaller('AppImage', { ...app, stop }).prepare(update)
    await finish()
    expect([readFileSync(appImage, 'utf8'), did]).toEqual(['what runs', ['relaunch', 'quit']])
  })
})

describe('an installation that does not update itself says why', () => {
  const settings = { key: generateSigningKey().publicJwk, channel: 'stable' } as const
  const unpackaged = () => ({ ...app, adapter: { ...app.adapter, isPackaged: false } })
  test('sources, no key, a folder that was unpacked', () => {
    expect(updateSetup(settings, unpackaged(), installedFor({}))).toEqual({ unsupported: 'not-packaged' })
    expect(updateSetup(null, app, installedFor({ APPIMAGE: appImage }))).toEqual({ unsupported: 'not-set-up' })
    expect(updateSetup(settings, app, installedFor({}))).toEqual({ unsupported: 'package' })
    expect(updateSetup(settings, app, installedFor({}, 'freebsd'))).toEqual({ unsupported: 'package' })
  })

  test('and the others are told apart by how they were installed', () => {
    const formatOf = (env: NodeJS.ProcessEnv, platform?: string) => {
      const setup = updateSetup(settings, app, installedFor(env, platform))
      return 'installer' in setup ? [setup.target.platform, setup.installer.format] : setup
    }
    expect(formatOf({ APPIMAGE: appImage })).toEqual(['linux', 'AppImage'])
    writeFileSync(join(folder, 'package-type'), 'deb\n')
    expect(formatOf({})).toEqual(['linux', 'deb'])
    expect(formatOf({}, 'win32')).toEqual(['win32', 'exe'])
    expect(formatOf({}, 'darwin')).toEqual(['darwin', 'zip'])
  })
})
