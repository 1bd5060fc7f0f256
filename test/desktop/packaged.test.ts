import { afterAll, describe, expect, test } from 'vitest'
import { newHome, spawnApp } from './support/host.ts'
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
})
