import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { WindowWords } from '@gantry/shared/words/window.ts'
import {
  asking,
  colleagues,
  comparing,
  described,
  devices,
  diagnostics,
  ended,
  events,
  localFiles,
  nowMs,
  ownCase,
  refused,
  remoteFiles,
  session,
  transfers,
  upToDate,
} from './fixtures.ts'
import { hasFocus, type Script, type TestWindow } from './open-window.ts'

/** One screen in one state: what the services answer, how a person gets there, and the words by which it is known to be there. All in the language of the window. */
export type Stage = TestWindow & { words: WindowWords }
export type Scene = {
  script: Script
  act?: (stage: Stage) => Promise<void>
  shows: (words: WindowWords) => string | RegExp
  /** A screen that another scene has already, with another sentence or question in it: fewer of its pictures are kept. */
  isState?: boolean
  /** There in a narrow window only. */
  isNarrow?: boolean
}
export type Scenes = Record<string, Scene>

const confirmLink = 'https://gantry.example:8443/oidc/auth?client_id=gantry-desktop&response_type=code&code_challenge=Yx'
const signedOut = { ...described, signIn: { ...described.signIn, phase: 'signed-out' as const, specialist: null } }
const day = 86_400_000

export const unreachable = {
  ok: false,
  failure: { code: 'server.unreachable', details: { host: 'gantry.example', port: 8443, hop: 'tcp', reason: 'ECONNREFUSED' } },
} as const

const lastSessions: Script = {
  'device.show': ({ deviceId }) => ({
    device: devices.find(({ id }) => id === deviceId) ?? (devices[0] as DeviceRow),
    sessions: (
      [
        [session.requestId, 'Elena Marchetti-Roy', 'application', 6, 22, 'specialist'],
        [asking.requestId, 'Anders Holm', 'os', 16, 48, 'case-closed'],
        [comparing.requestId, 'Elena Marchetti-Roy', 'files', 22, 6, 'person'],
      ] as const
    ).map(([requestId, specialist, access, daysAgo, minutes, cause]) => {
      const startedMs = nowMs - daysAgo * day
      return { requestId, specialist, access, startedMs, endedMs: startedMs + minutes * 60_000, cause }
    }),
    subscriptions: [
      { feature: 'dose-reports', name: 'Dose reports', from: '2026-01-01', until: '2027-06-30', inForce: true, reported: true },
      { feature: 'protocol-sync', name: 'Protocol sync', from: '2026-07-01', until: '2027-06-30', inForce: true, reported: false },
      { feature: 'contrast-log', name: 'Contrast log', from: '2025-01-01', until: '2025-12-31', inForce: false, reported: false },
    ],
  }),
}

/** A specialist in the middle of a day: one session open, one request on its way. */
export const busy: Script = {
  ...lastSessions,
  'session.list': () => ({ sessions: [session] }),
  'session.activity': () => ({ events, verified: true }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
  'transfer.list': () => ({ transfers, failure: null }),
  'action.run': () => ({ output: diagnostics }),
  'case.list': () => ({ cases: [ownCase] }),
  'case.colleagues': () => ({ colleagues }),
  'request.list': () => ({ requests: [comparing] }),
}

export const goTo = ({ page, words }: Stage, screen: 'sessions' | 'history' | 'audit' | 'settings' | 'help') =>
  page.getByRole('navigation', { name: words.shell.screens }).getByRole('button', { name: words.shell[screen] }).click()

const reason = 'The console reacts slowly. I free disk space and install a small fix. The injector restarts once, after I ask you.'
const openForm = async ({ page, words }: Stage) => {
  await page.locator('.rows').getByText('CT Suite 3').dblclick()
  await page.getByRole('radio', { name: words.levels.os.name }).check()
  await page.getByRole('textbox').nth(0).fill('48213')
  await page.locator('textarea').fill(reason)
}
const follow = async ({ page, tell }: Stage, request = asking) => {
  await page.locator('.rows').getByText(request.device.name, { exact: true }).dblclick()
  tell('request.changed', request)
}
const contact = (what: 'telling' | 'answer'): Scene => ({
  script: {
    'request.list': () => ({ requests: [{ ...asking, state: 'requested', steps: asking.steps.slice(0, 2), code: null, answerBeforeMs: null, contact: what }] }),
  },
  act: async ({ page }) => page.locator('.rows').getByText(asking.device.name, { exact: true }).dblclick(),
  shows: ({ request }) => request.live.contact[what].title,
})
const lock = (stage: Stage) => stage.tell('lock.changed', { locked: true, sinceMs: nowMs - 240_000 })

const signIn: Scenes = {
  'sign-in': { script: { 'app.describe': () => signedOut }, shows: ({ signIn: text }) => text.start },
  'sign-in-waiting': {
    script: {
      'app.describe': () => ({
        ...signedOut,
        sandbox: true,
        hostReason: 'Electron',
        signIn: { ...signedOut.signIn, phase: 'waiting-for-browser', secretStore: 'sandbox', link: confirmLink },
      }),
    },
    shows: ({ signIn: text }) => text.waitingTitle,
  },
  'sign-in-failed': {
    script: { 'app.describe': () => ({ ...signedOut, signIn: { ...signedOut.signIn, failure: { code: 'auth.keychain-missing' } } }) },
    shows: () => 'auth.keychain-missing',
  },
  'sign-in-again': {
    script: { 'app.describe': () => ({ ...signedOut, signIn: { ...signedOut.signIn, phase: 'expired', failure: { code: 'auth.session-expired' } } }) },
    shows: ({ signIn: text }) => text.expiredTitle,
  },
}

const deviceScenes: Scenes = {
  devices: { script: busy, shows: ({ devices: text }) => text.columns.stops },
  'devices-elsewhere': {
    script: {
      ...busy,
      'app.describe': () => ({
        ...described,
        signIn: {
          ...described.signIn,
          elsewhere: [{ place: 's'.repeat(43) as never, mine: false, beganMs: nowMs - 3_600_000, address: '198.51.100.23', system: 'Windows' }],
        },
      }),
    },
    shows: ({ shell }) => shell.elsewhereEnd,
  },
  'devices-offline': {
    script: { ...busy, 'device.list': () => ({ devices, atMs: nowMs - 24 * 60_000, offline: true }) },
    shows: ({ shell }) => shell.offlineText,
  },
  'devices-nothing-found': {
    script: {},
    act: async ({ page }) => page.getByRole('searchbox').fill('520-0941'),
    shows: ({ devices: text }) => text.emptyMatch('520-0941'),
  },
  'devices-none': { script: { 'device.list': () => ({ devices: [], atMs: nowMs, offline: false }) }, shows: ({ devices: text }) => text.emptyAll },
  'devices-unreachable': {
    script: { 'device.list': () => unreachable },
    shows: () => 'server.unreachable',
  },
  'devices-compact': {
    script: { ...busy, 'app.describe': () => ({ ...described, settings: { ...described.settings, density: 'compact' } }) },
    shows: ({ devices: text }) => text.columns.stops,
  },
  'devices-stopped': {
    script: busy,
    isState: true,
    act: async ({ page }) => page.locator('.rows').getByText('CT 3', { exact: true }).click(),
    shows: ({ devices: text }) => text.side.rules,
  },
  'devices-details': { script: busy, isNarrow: true, act: async ({ page }) => page.keyboard.press(' '), shows: ({ devices: text }) => text.side.rules },
  'devices-views': {
    script: busy,
    isNarrow: true,
    act: async ({ page }) => page.locator('.view-menu').click(),
    shows: ({ devices: text }) => text.views.recent,
  },
  'devices-account': { script: busy, act: async ({ page }) => page.locator('.avatar').click(), shows: ({ shell }) => shell.signOut },
  'devices-filter': {
    script: busy,
    act: async ({ page }) => page.locator('.filter.model button').click(),
    shows: () => 'NV-Ledger',
  },
  'devices-save-view': {
    script: busy,
    act: async ({ page }) => page.keyboard.press('Control+s'),
    shows: ({ devices: text }) => text.saveView,
  },
}

const requestScenes: Scenes = {
  'request-form': { script: {}, act: openForm, shows: ({ request }) => request.preview.title },
  'request-incomplete': {
    script: {},
    act: async ({ page }) => {
      await page.locator('.rows').getByText('CT Suite 3').dblclick()
      await hasFocus(page.getByRole('dialog'))
      await page.keyboard.press('Control+Enter')
    },
    shows: ({ request }) => request.missing.caseId,
  },
  'request-not-entitled': {
    script: { 'request.start': () => ({ ok: false, failure: { code: 'access.not-entitled', details: { endedOn: '2026-10-31' } } }) },
    act: async (stage) => {
      await openForm(stage)
      await stage.page.keyboard.press('Control+Enter')
    },
    shows: () => 'access.not-entitled',
  },
  'request-confirm': {
    script: { 'request.start': () => new Promise(() => undefined) },
    act: async (stage) => {
      await openForm(stage)
      await stage.page.keyboard.press('Control+Enter')
      stage.tell('sign-in.changed', { ...described.signIn, confirming: 'os', link: confirmLink })
    },
    shows: ({ signIn: text }) => text.confirm.os.title,
  },
  'request-pin-wrong': {
    script: {
      'keys.status': () => ({ state: 'ready', current: { fingerprint: 'K3QF-7MZA-PX2D-WJ5N', untilMs: nowMs + 60 * day, pin: true }, waiting: null }),
      'request.start': () => ({ ok: false, failure: { code: 'auth.pin-wrong', details: { triesLeft: 2 } } }),
    },
    act: async (stage) => {
      await openForm(stage)
      await stage.page.getByLabel(stage.words.request.pin).fill('000000')
      await stage.page.keyboard.press('Control+Enter')
    },
    shows: () => 'auth.pin-wrong',
  },
  'request-contact': contact('answer'),
  'request-contact-told': { ...contact('telling'), isState: true },
  'request-asking-typed': {
    script: { 'request.list': () => ({ requests: [asking] }) },
    act: (stage) => follow(stage),
    shows: ({ request }) => request.live.titles.asking,
  },
  'request-asking-compared': {
    script: { 'request.list': () => ({ requests: [comparing] }) },
    act: (stage) => follow(stage, comparing),
    shows: ({ request }) => request.live.titles.asking,
  },
  'request-no-answer': {
    script: { 'request.list': () => ({ requests: [asking] }) },
    isState: true,
    act: async (stage) => {
      await follow(stage)
      stage.tell('request.changed', { ...refused, state: 'expired', failure: { code: 'access.no-answer' } })
    },
    shows: ({ request }) => request.live.titles.expired,
  },
  'request-refused': {
    script: { 'request.list': () => ({ requests: [asking] }) },
    act: async (stage) => {
      await follow(stage)
      stage.tell('request.changed', refused)
    },
    shows: ({ request }) => request.live.titles.refused,
  },
}

const overScenes: Scenes = {
  palette: {
    script: busy,
    act: async ({ page }) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('ct s')
    },
    shows: () => 'Rivière-aux-Pins, Pavilion C · 520-04417',
  },
  'palette-nothing': {
    script: busy,
    act: async ({ page }) => {
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox').fill('zzz')
    },
    shows: ({ palette }) => palette.none('zzz'),
  },
  notice: {
    script: { ...busy, 'request.list': () => ({ requests: [asking] }) },
    act: async ({ tell, page }) => {
      await page.locator('.rail .pip').waitFor()
      tell('request.changed', { ...asking, state: 'refused', failure: { code: 'access.refused' } })
    },
    shows: ({ shell }) => shell.turnedDown('CT Suite 3'),
  },
  'notice-update': {
    script: { ...busy, 'update.status': () => ({ ...upToDate, state: 'ready', release: '0.2.0' }) },
    isState: true,
    shows: ({ update }) => update.notice('0.2.0'),
  },
  'notice-closed-tab': {
    script: { ...busy, 'session.list': () => ({ sessions: [session, { ...ended, requestId: asking.requestId, device: asking.device }] }) },
    isState: true,
    act: async (stage) => {
      await goTo(stage, 'sessions')
      await stage.page.getByRole('tab', { name: /CT Suite 3/ }).click()
      await stage.page.getByRole('button', { name: stage.words.session.ended.closeTab }).click()
    },
    shows: ({ shell }) => shell.tabClosed('CT Suite 3'),
  },
  lock: { script: busy, act: async (stage) => lock(stage), shows: ({ lock: text }) => text.open },
  'lock-waiting': {
    script: busy,
    act: async (stage) => {
      lock(stage)
      stage.tell('sign-in.changed', { ...described.signIn, confirming: 'lock', link: confirmLink })
    },
    shows: ({ lock: text }) => text.waiting,
  },
  'lock-refused': {
    script: { ...busy, 'lock.open': () => ({ ok: false, failure: { code: 'auth.other-person' } }) },
    act: async (stage) => {
      lock(stage)
      await stage.page.getByRole('button', { name: stage.words.lock.open }).click()
    },
    shows: () => 'auth.other-person',
  },
  'window-failed': { script: { ...busy, 'local.list': () => ({ ok: true, value: {} }) as never }, shows: () => 'internal' },
}

export const screenScenes: Scenes = { ...signIn, ...deviceScenes, ...requestScenes, ...overScenes }
