import { join } from 'node:path'
import type { SandboxWords } from '@gantry/shared/words/sandbox.en.ts'
import { z } from 'zod'
import { type Browser, findBrowser, hasDisplay, startBrowser } from './browser.ts'
import { originOf } from './configs.ts'
import { fetchElectron, findElectron, silentMs } from './electron.ts'
import type { PanelPages } from './panel-pages.ts'
import type { Part } from './part.ts'
import type { Sandbox } from './sandbox.ts'

/**
 * The desktop client, and the pages that belong to it: in Electron where its runtime is here, else in the browser host and a browser of the sandbox's own;
 * where there is no browser or no display, links are printed.
 */
export type Window = { refresh(): void; close(): Promise<void> }
export type WindowOptions = { browser: boolean; language: 'en' | 'fr'; words: SandboxWords; say: (line: string) => void; signal: AbortSignal }

const root = join(import.meta.dirname, '..')
const Line = z.union([z.object({ open: z.url() }), z.object({ link: z.url() })])

export async function openWindow(sandbox: Sandbox, pages: PanelPages, options: WindowOptions): Promise<Window> {
  const pagesOf = createPageOpener(sandbox, options)
  // The panels first: what a person works in comes to the front.
  pagesOf.openPanels(pages)
  const electron = await chooseElectron(options)
  const { language, words } = options
  const host = 'program' in electron ? await startElectron(sandbox, { program: electron.program, language }, pagesOf) : null
  const reason = 'reason' in electron ? electron.reason : words.reasons['runtime-refused']
  const browserHost = host ?? (await startBrowserHost(sandbox, { reason, language }, pagesOf))
  const browser = pagesOf.browserName()
  const inBrowser = browser === null ? words.windowWaits : words.windowInBrowser(browser)
  options.say(host ? words.windowInElectron : `${inBrowser} (${browserHost.reason})`)
  return {
    refresh() {
      browserHost.part.send({ type: 'new-link' })
      pagesOf.openPanels(pages)
    },
    close: () => pagesOf.close(),
  }
}

type Host = { part: Part; reason: string }

async function chooseElectron({ browser, words, say, signal }: WindowOptions): Promise<{ program: string } | { reason: string }> {
  if (browser) return { reason: words.reasons.chosen }
  if (!hasDisplay()) return { reason: words.noDisplay }
  const here = findElectron()
  if (here) return { program: here }
  say(words.electronFetching)
  let toldMb = 0
  const fetched = await fetchElectron(
    ({ received, total }) => {
      const mb = Math.trunc(received / 1_000_000)
      if (mb < toldMb + 10) return
      toldMb = mb
      say(words.electronProgress(String(mb), total ? String(Math.trunc(total / 1_000_000)) : '?'))
    },
    { signal },
  )
  const program = findElectron()
  if (fetched.ok && program) return { program }
  say(words.electronGivenUp(fetched.ok || fetched.why === 'failed' ? words.connectionFailed : words.noBytes(silentMs / 1_000)))
  return { reason: words.reasons['runtime-missing'] }
}

function clientConfig({ paths, ports }: Sandbox) {
  return { profileDir: paths.client, sandboxDir: paths.dir, mainServer: originOf(ports), ca: paths.ca, stopWithStdin: true }
}

type BrowserHostFacts = { reason: string; language: 'en' | 'fr' }

async function startBrowserHost(sandbox: Sandbox, facts: BrowserHostFacts, pages: PageOpener): Promise<Host> {
  const config = sandbox.writeConfig('window', { ...clientConfig(sandbox), rendererDir: join(root, 'out/renderer'), ...facts })
  const part = sandbox.startMore({
    name: 'window',
    argv: [process.execPath, join(root, 'main/browser-host/main.ts'), '--config', config],
    onLine: (line) => pages.take(line),
  })
  pages.openWindow(z.object({ link: z.url() }).parse(await part.ready).link)
  return { part, reason: facts.reason }
}

async function startElectron(sandbox: Sandbox, { program, language }: { program: string; language: 'en' | 'fr' }, pages: PageOpener): Promise<Host | null> {
  const config = sandbox.writeConfig('window', clientConfig(sandbox))
  // As root Chromium's own sandbox cannot start; whoever works as root has been told so by Electron itself.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const { DISPLAY, WAYLAND_DISPLAY, XDG_RUNTIME_DIR, XAUTHORITY, DBUS_SESSION_BUS_ADDRESS, PATH, HOME, LANG } = process.env
  const env = Object.fromEntries(
    Object.entries({ DISPLAY, WAYLAND_DISPLAY, XDG_RUNTIME_DIR, XAUTHORITY, DBUS_SESSION_BUS_ADDRESS, PATH, HOME, LANG }).filter(([, value]) => value),
  )
  const argv: [string, ...string[]] = [program, ...asRoot, `--lang=${language}`, join(root, 'out/main/main.cjs'), `--config=${config}`]
  const part = sandbox.startMore({ name: 'window', argv, env, once: true, readyWithinMs: 20_000, onLine: (line) => pages.take(line) })
  try {
    await part.ready
    return { part, reason: '' }
  } catch {
    return null
  }
}

type PageOpener = ReturnType<typeof createPageOpener>

function createPageOpener(sandbox: Sandbox, { words, say }: WindowOptions) {
  const program = hasDisplay() ? findBrowser() : null
  let browser: Browser | null = null
  const open = (url: string, where: 'tab' | 'window' = 'tab') => {
    if (!program) return false
    if (!browser) {
      const one = startBrowser(program, { profile: join(sandbox.paths.own, 'browser'), pin: sandbox.pin })
      browser = one
      void one.closed.then(() => {
        if (browser === one) browser = null
      })
    }
    browser.open(url, where)
    return true
  }
  const openWindow = (link: string) => {
    if (!open(link, 'window')) say(`${hasDisplay() ? words.noBrowser : words.noDisplay} ${words.windowByLink}\n  ${link}`)
  }
  return {
    browserName: () => (program ? (program.split(/[\\/]/).at(-1) ?? program) : null),
    openWindow,
    /** A line of the client: a page that it wants shown, or the fresh link that it was asked for. */
    take(line: unknown) {
      const parsed = Line.safeParse(line)
      if (!parsed.success) return
      if ('link' in parsed.data) return openWindow(parsed.data.link)
      // Only the main server's own pages: the client is not a way to have any page opened.
      if (URL.parse(parsed.data.open)?.origin !== originOf(sandbox.ports)) return
      if (!open(parsed.data.open)) say(`${words.pageByLink(parsed.data.open)}\n${words.certificateHint}`)
    },
    openPanels(pages: PanelPages) {
      const links = sandbox.desk.views.map((view) => ({ name: view.device.name, link: pages.link(view) }))
      const opened = links.filter(({ link }) => open(link))
      if (opened.length === 0) say([words.panelsByLink, ...links.map(({ name, link }) => `  ${name}: ${link}`)].join('\n'))
    },
    async close() {
      await browser?.close()
    },
  }
}
