import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { spkiPin } from '@gantry/shared/node/certificates.ts'
import { writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { type Browser, chromium, type Page } from 'playwright'
import { findBrowser } from '../../../sandbox/browser.ts'
import { type RunningSandbox, root, run, until } from '../../e2e/support/sandbox.ts'
import { chromiumFlags } from '../../support/chromium.ts'
import { host, startApp } from './host.ts'

/** The desktop client beside a running sandbox, in the host that the project names; and a browser that knows the sandbox's CA by its key. */
export type OpenWindow = {
  page: Page
  /** The sign-in page that the client asked to be shown. */
  signInPage(): Promise<Page>
  /** Lines of JSON that the client told whoever started it. */
  lines(): Record<string, string>[]
  close(): Promise<void>
}
type Client = { page: Page; stdout(): string; close(): Promise<void> }

/** `home` is what the client's own side of the file pane starts with; `env` is for the app in Electron or its stand-in. */
export async function openWindow(sandbox: RunningSandbox, home: string, env: Record<string, string> = {}): Promise<OpenWindow> {
  const browser = await startBrowser(sandbox)
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-CA' })
  const client = host === 'browser' ? await openBrowserHost(sandbox, home, await context.newPage()) : await startApp({ config: configFor(sandbox), home, env })
  const lines = () => linesOf(client.stdout())
  let shown = 0
  return {
    page: client.page,
    lines,
    async signInPage() {
      const { open } = await until('the sign-in page', () => lines().filter((line) => line.open)[shown])
      shown += 1
      const signIn = await context.newPage()
      await signIn.goto(open as string)
      return signIn
    },
    async close() {
      await browser.close()
      await client.close()
    },
  }
}

function configFor({ dir, facts }: RunningSandbox) {
  return { profileDir: join(dir, 'client'), sandboxDir: dir, mainServer: facts.mainServer, ca: facts.ca }
}

function linesOf(stdout: string): Record<string, string>[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, string>)
}

/** As `npm start` shows it without Electron: the browser host as a process of its own. */
async function openBrowserHost(sandbox: RunningSandbox, home: string, page: Page): Promise<Client> {
  const config = join(sandbox.dir, 'window.json')
  writeJsonFile(config, { ...configFor(sandbox), rendererDir: join(root, 'out/renderer'), reason: 'test', stopWithStdin: true })
  const running = run([process.execPath, join(root, 'main/browser-host/main.ts'), '--config', config], { env: { HOME: home } })
  const { link } = await until('the browser host', () => linesOf(running.stdout()).find(({ ready }) => ready))
  await page.goto(link as string)
  return {
    page,
    stdout: running.stdout,
    async close() {
      running.child.stdin?.end()
      await running.done
    },
  }
}

async function startBrowser({ facts }: RunningSandbox): Promise<Browser> {
  const program = findBrowser()
  if (!program) throw new Error('no browser')
  const pin = `--ignore-certificate-errors-spki-list=${spkiPin(readFileSync(facts.ca, 'utf8'))}`
  return chromium.launch({ executablePath: program, args: [...chromiumFlags, pin] })
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
