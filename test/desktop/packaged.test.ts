import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { generateSigningKey, signJws } from '../../shared/node/signing.ts'
import { manifestName, UpdateTarget } from '../../shared/update-manifest.ts'
import { startKeyring } from '../support/keyring.ts'
import { createTestServer } from '../support/main-server.ts'
import { newHome, spawnApp, startApp } from './support/host.ts'
import { shellOptions, startShell } from './support/shell.ts'

/** What is different in a package (`GANTRY_PACKAGE`, set by the proof that makes one): no DevTools, and nothing that it trusts comes from its command line (T10). */
const home = newHome()
afterAll(home.remove)
const isHere = process.env.GANTRY_PACKAGE !== undefined

describe.skipIf(!isHere)(`a package${isHere ? '' : ' (skipped: npm run prove -- desktop makes one)'}`, () => {
  test('knows that it is one, reads what was installed beside it, and has no DevTools', async () => {
    const { app, close } = await startShell(home.path)
    const found = await app.evaluate(({ app: own, BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents
      contents?.openDevTools({ mode: 'detach' })
      return { isPackaged: own.isPackaged, hasDevTools: contents?.isDevToolsOpened(), url: contents?.getURL() }
    })
    await close()
    expect(found).toEqual({ isPackaged: true, hasDevTools: false, url: 'app://gantry/index.html' })
  })

  test.each(['--config=/tmp/other.json', '--config'])('%s: it does not start, and says why', async (option) => {
    const { code, stderr } = await spawnApp(await shellOptions(home.path, [option]))
    expect(code).toBe(1)
    expect(stderr).toContain('usage.not-in-package')
  })

  test('as an AppImage it fetches the next release from the main server, and is replaced by it when a person says so (T15)', async () => {
    const at = (name: string) => join(home.path, name)
    const [appImage, mark, published] = [at('Gantry.AppImage'), at('started'), at('published')]
    const content = Buffer.concat([Buffer.from(`#!/bin/sh\nprintf 9.9.9 > ${mark}\nexit 0\n`), randomBytes(2_000_000)])
    const file = { format: 'AppImage', name: 'Gantry-9.9.9.AppImage', bytes: content.length, sha512: createHash('sha512').update(content).digest('base64url') }
    const [key, issuedAt] = [generateSigningKey(), Math.floor(Date.now() / 1_000)]
    const target = UpdateTarget.parse({ channel: 'stable', platform: 'linux', arch: process.arch })
    const times = { issuedAt, expiresAt: issuedAt + 86_400 }
    const offered = { version: 1, serial: 1, ...target, release: '9.9.9', minimum: '0.0.0', files: [file], percentage: 100, halted: false, ...times }
    mkdirSync(published)
    writeFileSync(join(published, file.name), content)
    writeFileSync(join(published, manifestName(target)), await signJws('update', offered, key))
    writeFileSync(appImage, 'what runs')
    chmodSync(appImage, 0o755)
    const [server, keyring] = await Promise.all([createTestServer({ desktopUpdates: published }), startKeyring(home.path)])
    try {
      writeFileSync(at('server-ca.pem'), server.ca)
      const updates = { key: key.publicJwk, channel: 'stable' }
      const config = { mainServer: server.origin, ca: at('server-ca.pem'), profileDir: at('updated'), updates }
      const { app, page } = await startApp({ home: home.path, config, env: { ...keyring.env, APPIMAGE: appImage } })
      const ended = new Promise((resolve) => app.process().once('exit', resolve))
      await page.getByText('Gantry 9.9.9 is ready.').waitFor()
      await page.getByRole('button', { name: 'Restart to update' }).click()
      expect(await ended).toBe(0)
      await expect.poll(() => readFileSync(mark, 'utf8')).toBe('9.9.9')
      expect(readFileSync(appImage).equals(content)).toBe(true)
      expect(readFileSync(at('updated/audit.jsonl'), 'utf8')).toContain('"kind":"update.installed"')
      expect(readFileSync(at('updated/updates/0.1.0/Gantry.AppImage'), 'utf8')).toBe('what runs')
    } finally {
      keyring.stop()
      await server.close()
    }
  })
})
