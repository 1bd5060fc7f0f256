import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { spkiPin } from '@gantry/shared/node/certificates.ts'
import { writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { type Browser, chromium, type Page } from 'playwright'
import { findBrowser } from '../../../sandbox/browser.ts'
import { type Running, type RunningSandbox, root, run, until } from './sandbox.ts'

/** The desktop client as `npm start` shows it without Electron: the browser host as a process of its own, and a browser that knows the sandbox's CA by its key. */
export type OpenWindow = {
  page: Page
  /** The sign-in page that the client asked to be shown. */
  signInPage(): Promise<Page>
  host: Running
  close(): Promise<void>
}

// Without WebGL the terminal is drawn as text that can be read.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-3d-apis',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** `home` is what the client's own side of the file pane starts with. */
export async function openWindow({ dir, facts }: RunningSandbox, home: string): Promise<OpenWindow> {
  const config = join(dir, 'window.json')
  writeJsonFile(config, {
    profileDir: join(dir, 'client'),
    sandboxDir: dir,
    mainServer: facts.mainServer,
    ca: facts.ca,
    rendererDir: join(root, 'out/renderer'),
    reason: 'test',
    stopWithStdin: true,
  })
  const host = run([process.execPath, join(root, 'main/browser-host/main.ts'), '--config', config], { env: { HOME: home } })
  const lines = () =>
    host
      .stdout()
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  const { link } = await until('the browser host', () => lines().find(({ ready }) => ready))
  const program = findBrowser()
  if (!program) throw new Error('no browser')
  const browser: Browser = await chromium.launch({
    executablePath: program,
    args: [...flags, `--ignore-certificate-errors-spki-list=${spkiPin(readFileSync(facts.ca, 'utf8'))}`],
  })
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-CA' })
  const page = await context.newPage()
  await page.goto(link)
  let shown = 0
  return {
    page,
    host,
    async signInPage() {
      const { open } = await until('the sign-in page', () => lines().filter((line) => line.open)[shown])
      shown += 1
      const signIn = await context.newPage()
      await signIn.goto(open)
      return signIn
    },
    async close() {
      await browser.close()
      host.child.stdin?.end()
      await host.done
    },
  }
}

/** Types what a person would: name, password, and the code that the sandbox shows, waiting for the next one where this one was used. */
export async function walkSignIn(page: Page, { username, password }: RunningSandbox['facts']['specialist']): Promise<void> {
  await page.locator('input[name=username]').fill(username)
  await page.locator('input[name=password]').fill(password)
  await page.locator('button[type=submit]').click()
  await page.locator('input[name=code]').waitFor()
  const code = await until('a code that was not used', async () => /\b(\d{3}) ?(\d{3})\b/.exec((await page.locator('.sandbox').textContent()) ?? ''), 45_000)
  await page.locator('input[name=code]').fill(`${code[1]}${code[2]}`)
  await page.locator('button[type=submit]').click()
}
