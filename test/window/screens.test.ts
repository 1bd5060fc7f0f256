import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { EventId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import {
  asking,
  colleagues,
  comparing,
  described,
  devices,
  diagnostics,
  ended,
  events,
  history,
  localFiles,
  nowMs,
  ownCase,
  refused,
  remoteFiles,
  session,
  terminalText,
  transfers,
} from './support/fixtures.ts'
import { closeBrowser, type Look, openWindow, type Script, type TestWindow } from './support/open-window.ts'

/** Every screen in every dress: it is drawn, and nothing on it breaks the content policy. With GANTRY_SCREENS=FOLDER a picture of each is kept there. */
const folder = process.env.GANTRY_SCREENS
const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

afterAll(closeBrowser)

function network(part: Partial<SessionView['network']>, hasSwitched: boolean): Script {
  const state = { ...session, network: { ...session.network, sinceMs: nowMs - 12_000, ...part } }
  const switched: AuditEvent = {
    ...(events[0] as AuditEvent),
    id: `evt_${'s'.repeat(20)}` as EventId,
    at: new Date(nowMs - 90_000).toISOString(),
    kind: 'link.switched',
    data: { accessServer: 'North 2', site: 'north', from: 'North 1' },
  }
  return { 'session.list': () => ({ sessions: [state] }), 'session.activity': () => ({ events: hasSwitched ? [...events, switched] : events, verified: true }) }
}

const inSession: Script = {
  'session.list': () => ({ sessions: [session] }),
  'session.activity': () => ({ events, verified: true }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
  'transfer.list': () => ({ transfers }),
  'action.run': () => ({ output: diagnostics }),
  'case.list': () => ({ cases: [ownCase] }),
  'case.colleagues': () => ({ colleagues }),
}
const openTab = async ({ page, tell }: TestWindow) => {
  await page
    .getByRole('button', { name: 'Sessions' })
    .or(page.getByRole('button', { name: 'Séances' }))
    .first()
    .click()
  await page.locator('.term .xterm-rows, .term canvas').first().waitFor()
  tell('terminal.data', { terminalId: 'term-1', data: terminalText })
  await page.locator('.xterm-rows').getByText('journalctl').first().waitFor()
}
const openCase = async (one: TestWindow) => {
  await openTab(one)
  await one.page.locator('[data-session]').getByRole('button', { name: /48213/ }).first().click()
}
const confirmLink = 'https://gantry.example:8443/oidc/auth?client_id=gantry-desktop&response_type=code&code_challenge=Yx'
const signedOut = { ...described, signIn: { ...described.signIn, phase: 'signed-out' as const, specialist: null } }

type Scene = { script: Script; look?: Look; act?: (window: TestWindow) => Promise<void>; shows: string | RegExp }
const lastSessions: Script = {
  'device.show': ({ deviceId }) => ({
    device: devices.find(({ id }) => id === deviceId) ?? (devices[0] as DeviceRow),
    sessions: [
      {
        requestId: session.requestId,
        specialist: 'Elena Marchetti-Roy',
        access: 'application',
        startedMs: nowMs - 6 * 86_400_000,
        endedMs: nowMs - 6 * 86_400_000 + 22 * 60_000,
        cause: 'specialist',
      },
      {
        requestId: asking.requestId,
        specialist: 'Anders Holm',
        access: 'os',
        startedMs: nowMs - 16 * 86_400_000,
        endedMs: nowMs - 16 * 86_400_000 + 48 * 60_000,
        cause: 'case-closed',
      },
      {
        requestId: comparing.requestId,
        specialist: 'Elena Marchetti-Roy',
        access: 'files',
        startedMs: nowMs - 22 * 86_400_000,
        endedMs: nowMs - 22 * 86_400_000 + 6 * 60_000,
        cause: 'person',
      },
    ],
  }),
}
const busy: Script = { ...lastSessions, ...inSession, 'request.list': () => ({ requests: [comparing] }) }
const openForm = async ({ page }: TestWindow) => {
  await page.locator('.rows').getByText('CT Suite 3').click()
  await page.keyboard.press('Enter')
  await page.getByRole('radio', { name: /Operating system|Système/ }).check()
  await page.getByRole('textbox').nth(0).fill('48213')
  await page.locator('textarea').fill('The console reacts slowly. I free disk space and install a small fix. The injector restarts once, after I ask you.')
}
const follow = async ({ page, tell }: TestWindow, request = asking) => {
  await page.locator('.rows').getByText(request.device.name, { exact: true }).click()
  await page.keyboard.press('Enter')
  tell('request.changed', request)
}

const scenes: Record<string, Scene> = {
  'sign-in-light': { script: { 'app.describe': () => signedOut }, shows: 'Sign in' },
  'sign-in-waiting-dark-fr': {
    script: {
      'app.describe': () => ({
        ...signedOut,
        sandbox: true,
        hostReason: 'Electron',
        signIn: {
          ...signedOut.signIn,
          phase: 'waiting-for-browser',
          confirming: null,
          secretStore: 'sandbox',
          link: 'https://gantry.example:8443/oidc/auth?client_id=gantry-desktop&response_type=code&code_challenge=Yx',
        },
      }),
    },
    look: { theme: 'dark', language: 'fr' },
    shows: 'Continuez dans votre navigateur',
  },
  'sign-in-keychain-760': {
    script: { 'app.describe': () => ({ ...signedOut, signIn: { ...signedOut.signIn, failure: { code: 'auth.keychain-missing' } } }) },
    look: { width: 760 },
    shows: /no keychain/,
  },
  'devices-light': { script: busy, shows: 'Whole site silent for 26 min (2 devices)' },
  'devices-dark': { script: busy, look: { theme: 'dark' }, shows: 'Whole site silent for 26 min (2 devices)' },
  'devices-contrast-offline-fr': {
    script: { ...busy, 'device.list': () => ({ devices, atMs: nowMs - 24 * 60_000, offline: true }) },
    look: { theme: 'contrast', language: 'fr' },
    shows: 'Hors ligne depuis',
  },
  'devices-1100': { script: busy, look: { width: 1100, height: 760 }, shows: 'Can be reached' },
  'devices-dark-fr-760': { script: busy, look: { theme: 'dark', language: 'fr', width: 760 }, shows: 'Joignable' },
  'devices-sheet-760': {
    script: lastSessions,
    look: { width: 760 },
    act: async ({ page }) => page.getByRole('button', { name: /Details/ }).click(),
    shows: 'Maryse Thibodeau',
  },
  'devices-empty-light': { script: {}, act: async ({ page }) => page.getByRole('searchbox').fill('520-0941'), shows: 'No device matches' },
  'request-form-light': { script: {}, act: openForm, shows: 'What the device will show' },
  'request-form-dark-fr-760': { script: {}, act: openForm, look: { theme: 'dark', language: 'fr', width: 760 }, shows: 'Niveau d’accès' },
  'request-typed-dark': {
    script: { 'request.list': () => ({ requests: [asking] }) },
    look: { theme: 'dark' },
    act: (one) => follow(one),
    shows: 'Please type four eight two, nine one seven.',
  },
  'request-compare-light-fr-760': {
    script: { 'request.list': () => ({ requests: [comparing] }) },
    look: { language: 'fr', width: 760 },
    act: (one) => follow(one, comparing),
    shows: /quatre huit deux, neuf un sept/,
  },
  'request-refused-light': {
    script: { 'request.list': () => ({ requests: [asking] }) },
    act: async (one) => {
      await follow(one)
      one.tell('request.changed', refused)
    },
    shows: 'The person at the device refused.',
  },
  'session-dark': { script: busy, look: { theme: 'dark' }, act: openTab, shows: 'North 2' },
  'session-light-fr-1280': { script: busy, look: { language: 'fr', width: 1280, height: 720 }, act: openTab, shows: 'North 2' },
  'session-contrast': { script: busy, look: { theme: 'contrast' }, act: openTab, shows: 'North 2' },
  'session-switched-light': { script: { ...busy, ...network({ state: 'carried' }, true) }, act: openTab, shows: /Switched to North 2 at .* nothing lost/ },
  'session-interrupted-dark-fr-1280': {
    script: {
      ...busy,
      ...network(
        { state: 'interrupted', failure: { code: 'server.unreachable', details: { host: 'north-2', port: 443, hop: 'tcp', reason: 'ECONNREFUSED' } } },
        false,
      ),
    },
    look: { language: 'fr', theme: 'dark', width: 1280, height: 720 },
    act: openTab,
    shows: /Reprise par North 2/,
  },
  'session-files-dark-760': {
    script: busy,
    look: { theme: 'dark', width: 760 },
    act: async (one) => {
      await openTab(one)
      await one.page.getByRole('tab', { name: /Files/ }).click()
      await one.page.getByText('nv520-6.3.1-hotfix2.nvu').first().click()
    },
    shows: 'This computer',
  },
  'session-activity-light-760': {
    script: busy,
    look: { width: 760 },
    act: async (one) => {
      await openTab(one)
      await one.page.getByRole('tab', { name: 'Activity' }).click()
    },
    shows: 'all verified',
  },
  'session-diagnostics-light': {
    script: { ...busy, 'session.list': () => ({ sessions: [{ ...session, access: 'diagnostics' }] }) },
    act: async ({ page }) => {
      await page.getByRole('button', { name: 'Sessions' }).first().click()
      await page.getByRole('button', { name: 'Run' }).first().click()
    },
    shows: 'Running for',
  },
  'session-end-dark': {
    script: busy,
    look: { theme: 'dark' },
    act: async (one) => {
      await openTab(one)
      await one.page.keyboard.press('Control+Shift+E')
    },
    shows: 'End the session?',
  },
  'case-light': { script: busy, act: openCase, shows: 'It is with you.' },
  'case-close-dark-fr-760': {
    script: busy,
    look: { theme: 'dark', language: 'fr', width: 760, height: 700 },
    act: async (one) => {
      await openCase(one)
      await one.page.getByRole('button', { name: 'Fermer le dossier' }).click()
    },
    shows: /Ceci se termine en quelques secondes/,
  },
  'ended-dark': {
    script: { ...busy, 'session.list': () => ({ sessions: [ended] }) },
    look: { theme: 'dark' },
    act: async ({ page }) => page.getByRole('button', { name: 'Sessions' }).first().click(),
    shows: 'The person at the device ended the session',
  },
  'confirm-os-light': {
    script: { 'request.start': () => new Promise(() => undefined) },
    act: async (one) => {
      await openForm(one)
      await one.page.keyboard.press('Control+Enter')
      one.tell('sign-in.changed', { ...described.signIn, confirming: 'os', link: confirmLink })
    },
    shows: 'Confirm that it is you',
  },
  'lock-light': { script: busy, act: async ({ tell }) => tell('lock.changed', { locked: true, sinceMs: nowMs - 240_000 }), shows: 'Unlock with your sign-in' },
  'lock-waiting-dark-fr': {
    script: { ...busy, 'app.describe': () => ({ ...described, lock: { locked: true, sinceMs: nowMs - 240_000 } }) },
    look: { theme: 'dark', language: 'fr' },
    act: async ({ tell }) => tell('sign-in.changed', { ...described.signIn, confirming: 'lock', link: confirmLink }),
    shows: 'Verrouillée',
  },
  'lock-refused-fr-760': {
    script: { ...busy, 'lock.open': () => ({ ok: false, failure: { code: 'auth.other-person' } }) },
    look: { language: 'fr', width: 760 },
    act: async ({ page, tell }) => {
      tell('lock.changed', { locked: true, sinceMs: nowMs - 240_000 })
      await page.getByRole('button', { name: 'Déverrouiller avec votre connexion' }).click()
    },
    shows: /Une autre personne/,
  },
  'history-light': {
    script: { 'history.list': () => ({ requests: history }) },
    act: async ({ page }) => page.getByRole('button', { name: 'History' }).click(),
    shows: 'Nobody answered at the device within two minutes.',
  },
  'audit-dark': {
    script: {
      'audit.verify': () => ({
        stores: [
          { path: '/home/elena/.config/gantry/profile/audit.jsonl', ok: true, events: 1_204, fault: null },
          { path: '/home/elena/.config/gantry/old/audit.jsonl', ok: false, events: 88, fault: { line: 41, what: 'removed' } },
        ],
      }),
    },
    look: { theme: 'dark' },
    act: async ({ page }) => page.getByRole('button', { name: 'Records' }).click(),
    shows: 'Broken: a line is missing, line 41',
  },
  'settings-light-fr': {
    script: {},
    look: { language: 'fr' },
    act: async ({ page }) => page.getByRole('button', { name: 'Réglages' }).click(),
    shows: 'Texte du terminal',
  },
  'help-light': { script: {}, act: async ({ page }) => page.getByRole('button', { name: 'Help' }).click(), shows: 'north@norvane.example' },
  'palette-dark': {
    script: busy,
    look: { theme: 'dark' },
    act: async ({ page }) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('ct s')
    },
    shows: 'Rivière-aux-Pins, Pavilion C · 520-04417',
  },
}

describe('every screen is drawn under the strict policy', () => {
  test.for(Object.entries(scenes))('%s', async ([name, { script, look = {}, act, shows }]) => {
    const window = await openWindow(script, { theme: 'light', language: 'en', ...look })
    opened.push(window)
    await act?.(window)
    await expect.poll(() => window.page.getByText(shows).filter({ visible: true }).count(), { timeout: 5_000 }).toBeGreaterThan(0)
    expect(window.errors).toEqual([])
    if (!folder) return
    mkdirSync(folder, { recursive: true })
    await window.page.screenshot({ path: join(folder, `${name}.png`) })
  })
})
