import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { Result } from '@gantry/shared/errors.ts'
import type { CallInput, CallName, CallOutput, EventName, EventPayload, Settings } from '@gantry/shared/ipc.ts'
import { readPageFiles } from '@gantry/shared/node/page-files.ts'
import { type Browser, chromium, type Locator, type Page } from 'playwright'
import { type Host, openBrowserHost } from '../../../main/browser-host/host.ts'
import { chromiumFlags } from '../../support/chromium.ts'
import { described, devices, nowMs, upToDate } from './fixtures.ts'

const root = join(import.meta.dirname, '../../..')
const built = join(root, 'out/renderer')
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/microsoft-edge']
/** What the services answer in a test: one function per call; those that a test does not name have a plain answer. */
export type Script = { [N in CallName]?: (input: CallInput<N>) => CallOutput<N> | Promise<CallOutput<N>> | Result<CallOutput<N>> }
export type TestWindow = {
  page: Page
  calls: { name: CallName; input: unknown }[]
  script: Script
  tell<N extends EventName>(name: N, payload: EventPayload<N>): void
  /** Errors on the page's console: a breach of the content policy is one. */
  errors: string[]
  inputsOf<N extends CallName>(name: N): CallInput<N>[]
  close(): Promise<void>
}
/** `system`: the colours follow what the page is told of the system. `runningClock`: the page has its own time, where a clock in its place would cost more than what is measured. */
export type Look = { width?: number; height?: number; theme?: Settings['theme']; language?: 'en' | 'fr'; reducedMotion?: boolean; runningClock?: boolean }

const plain: Script = {
  'app.describe': () => described,
  'settings.change': (part) => ({ ...described.settings, ...part }) as Settings,
  'keys.status': () => ({ state: 'ready', current: { fingerprint: 'K3QF-7MZA-PX2D-WJ5N', untilMs: nowMs + 60 * 86_400_000, pin: false }, waiting: null }),
  'device.list': () => ({ devices, atMs: nowMs, offline: false }),
  'device.show': ({ deviceId }) => ({ device: devices.find(({ id }) => id === deviceId) ?? (devices[0] as DeviceRow), sessions: [], subscriptions: [] }),
  'request.list': () => ({ requests: [] }),
  'session.list': () => ({ sessions: [] }),
  'session.activity': () => ({ events: [], verified: true }),
  'transfer.list': () => ({ transfers: [], failure: null }),
  'history.list': () => ({ requests: [] }),
  'audit.verify': () => ({ stores: [] }),
  'update.status': () => upToDate,
}

/** The built window in Chromium, over the real browser host and its policy; only the services behind it are scripted. */
export async function openWindow(script: Script = {}, look: Look = {}): Promise<TestWindow> {
  buildPages()
  const calls: TestWindow['calls'] = []
  const listeners = new Map<EventName, (payload: unknown) => void>()
  let terminals = 0
  const answers: Script = { ...plain, 'terminal.open': () => ({ terminalId: `term-${++terminals}` }), ...script }
  if (look.theme ?? look.language) {
    const base = answers['app.describe'] ?? (() => described)
    answers['app.describe'] = async (input) => {
      const about = (await base(input)) as CallOutput<'app.describe'>
      return { ...about, settings: { ...about.settings, theme: look.theme ?? 'light', language: look.language ?? 'en' } }
    }
  }
  const host = await openBrowserHost({
    files: await readPageFiles(built),
    port: 0,
    async answer(name, input) {
      calls.push({ name: name as CallName, input })
      const answer = answers[name as CallName] as ((input: unknown) => unknown) | undefined
      const value = await answer?.(input)
      return isResult(value) ? value : { ok: true, value: value ?? {} }
    },
    on(name, listener) {
      listeners.set(name, listener)
      return () => undefined
    },
  })
  const { page, errors, close } = await visit(host, look)
  return {
    page,
    calls,
    errors,
    script: answers,
    tell: (name, payload) => listeners.get(name)?.(payload),
    inputsOf: (name) => calls.filter((call) => call.name === name).map(({ input }) => input as never),
    async close() {
      await close()
      await host.close()
    },
  }
}

/** A key pressed before a dialog has taken the focus goes to what is behind it. */
export const hasFocus = (dialog: Locator): Promise<void> => dialog.locator('css=:focus').first().waitFor({ state: 'attached' })

let browser: Promise<Browser> | null = null
let idle: Page | null = null

/** One browser for all windows of a test file. */
export async function closeBrowser(): Promise<void> {
  idle = null
  await (await browser)?.close()
  browser = null
}

/** Takes the page of a window that is closed where there is one: a new one costs more than half of a test. Each window has an origin of its own, so it finds no storage of another. */
export async function takePage(): Promise<Page> {
  const kept = idle
  idle = null
  if (kept) return kept
  browser ??= chromium.launch({ executablePath: browsers.find((path) => existsSync(path)) ?? 'chromium', args: chromiumFlags })
  const context = await (await browser).newContext({ timezoneId: 'America/Toronto', permissions: ['clipboard-read', 'clipboard-write'] })
  // On a busy machine the default is too short; a test has its own limit.
  context.setDefaultTimeout(60_000)
  return context.newPage()
}

export async function givePage(page: Page): Promise<void> {
  page.removeAllListeners()
  await page.mouse.move(0, 0)
  await page.goto('about:blank')
  await page.context().clearCookies()
  if (idle) await page.context().close()
  else idle = page
}

async function visit(host: Host, look: Look): Promise<{ page: Page; errors: string[]; close: () => Promise<void> }> {
  const page = await takePage()
  await page.setViewportSize({ width: look.width ?? 1440, height: look.height ?? 900 })
  await page.emulateMedia({ reducedMotion: look.reducedMotion === false ? 'no-preference' : 'reduce' })
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(String(error)))
  if (!look.runningClock) await page.clock.setFixedTime(nowMs)
  await page.goto(host.newLink())
  await page.locator('#root > *, .lock').first().waitFor()
  return { page, errors, close: () => givePage(page) }
}

function isResult(value: unknown): value is Result<unknown> {
  return typeof value === 'object' && value !== null && 'ok' in value && ('value' in value || 'failure' in value)
}

let isBuilt = false

/** As `npm test` has done already; for whoever runs one file while working on the window. Looked at once, so that all windows of a run are of one build. */
export function buildPages(): void {
  if (isBuilt) return
  isBuilt = true
  execFileSync(process.execPath, [join(root, 'scripts/build.ts'), '--if-changed'], { stdio: 'inherit' })
}
