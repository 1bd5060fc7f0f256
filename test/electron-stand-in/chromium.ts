import { join } from 'node:path'
import { findBrowser } from '../../sandbox/browser.ts'
import { type Browser, startBrowser } from './cdp.ts'
import { notImplemented } from './strict.ts'

/** The switches of the command line, and those that the app or Playwright adds before the app is ready. */
export const switches = new Map<string, string>()

export function readSwitches(argv: readonly string[]): void {
  for (const argument of argv) {
    const [, name, value = ''] = /^--([^=]+)(?:=(.*))?$/.exec(argument) ?? []
    if (name !== undefined && !name.startsWith('inspect')) switches.set(name, value)
  }
}

/** A list of features is added to, as Chromium would only take the last. */
export function appendSwitch(name: string, value = ''): void {
  const old = switches.get(name)
  switches.set(name, /^(en|dis)able-features$/.test(name) && old ? `${old},${value}` : value)
}

let browser: Browser | null = null

export function chromium(): Browser {
  if (!browser) throw new Error('Cannot create BrowserWindow before app is ready')
  return browser
}

/** The system's Chromium, without a window of its own. All frames of a page are in one process, so that one session of the protocol sees them all. */
export async function startChromium(userData: string, gone: () => void): Promise<void> {
  const program = findBrowser()
  if (!program) notImplemented('running without a Chromium on this system')
  appendSwitch('disable-features', 'IsolateOrigins,site-per-process,Translate')
  const given = [...switches].map(([name, value]) => (value ? `--${name}=${value}` : `--${name}`))
  const own = [`--user-data-dir=${join(userData, 'stand-in')}`, '--no-startup-window', '--disable-site-isolation-trials', '--disable-gpu', '--disable-quic']
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  browser = startBrowser(program, [...given, ...own, ...asRoot, '--headless=new'], () => {
    browser = null
    gone()
  })
  const { product } = await browser.send('Browser.getVersion')
  Object.defineProperty(process.versions, 'chrome', { value: product.split('/')[1], enumerable: true })
  await browser.send('Target.setDiscoverTargets', { discover: true, filter: [{ type: 'page' }] })
}

export async function stopChromium(): Promise<void> {
  const one = browser
  browser = null
  await one?.send('Browser.close').catch(() => undefined)
  one?.process.kill('SIGKILL')
}
