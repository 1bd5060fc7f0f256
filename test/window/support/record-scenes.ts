import type { KeysStatus } from '@gantry/shared/ipc.ts'
import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import { history, nowMs, upToDate } from './fixtures.ts'
import { goTo, type Scene, type Scenes, unreachable } from './scenes.ts'

const day = 86_400_000
const current = { fingerprint: 'K3QF-7MZA-PX2D-WJ5N', untilMs: nowMs + 60 * day, pin: true }
const waiting = { fingerprint: 'ABCD-EFGH-JKLM-NPQR' }
const keys = (status: KeysStatus): Scene => ({
  script: { 'keys.status': () => status, 'keys.request': () => ({ request: '{"payload":"…"}' }) },
  act: (stage) => goTo(stage, 'settings'),
  shows: ({ settings }) => settings.keys.states[status.state],
})
const noKeys: KeysStatus = { state: 'missing', current: null, waiting: null }

const offered: UpdateStatus = { ...upToDate, release: '0.2.0', outcome: null, totalBytes: 104_857_600 }
const withUpdate = (status: Partial<UpdateStatus>): Scene => ({
  script: { 'update.status': () => ({ ...offered, ...status }) },
  async act(stage) {
    await goTo(stage, 'settings')
    await stage.page.getByRole('region', { name: stage.words.update.title }).scrollIntoViewIfNeeded()
  },
  shows: ({ update }) => update.title,
})

const settingScenes: Scenes = {
  settings: { script: {}, act: (stage) => goTo(stage, 'settings'), shows: ({ settings }) => settings.keys.states.ready },
  'settings-no-keys': keys(noKeys),
  'settings-pins-differ': {
    ...keys(noKeys),
    isState: true,
    async act(stage) {
      const { keys: text } = stage.words.settings
      await goTo(stage, 'settings')
      await stage.page.getByLabel(text.newPin).fill('739-201')
      await stage.page.getByLabel(text.again).fill('739-202')
      await stage.page.getByText(text.differ).scrollIntoViewIfNeeded()
    },
    shows: ({ settings }) => settings.keys.differ,
  },
  'settings-keys-waiting': keys({ state: 'waiting', current: null, waiting }),
  'settings-keys-next': { ...keys({ state: 'ready', current, waiting }), isState: true },
  'settings-keys-expired': { ...keys({ state: 'expired', current: { ...current, untilMs: nowMs - day }, waiting: null }), isState: true },
  'settings-update-offered': { ...withUpdate({ state: 'offered' }), isState: true },
  'settings-update-coming': withUpdate({ state: 'downloading', bytes: 41_000_000, isRequired: true }),
  'settings-update-ready': withUpdate({
    state: 'ready',
    previous: { release: '0.0.9', path: '/home/elena/.config/Gantry/profile/updates/0.0.9/Gantry-0.0.9.AppImage' },
  }),
  'settings-update-waiting': { ...withUpdate({ state: 'waiting' }), isState: true },
  'settings-update-failed': { ...withUpdate({ state: 'offered', failure: { code: 'update.file-bad' } }), isState: true },
  'settings-update-elsewhere': { ...withUpdate({ state: 'idle', release: null, channel: null, unsupported: 'package' }), isState: true },
}

const helpScenes: Scenes = {
  help: { script: {}, act: (stage) => goTo(stage, 'help'), shows: () => 'north@norvane.example' },
  'help-file-made': {
    script: { 'app.support-bundle': () => ({ path: '/home/elena/.config/Gantry/profile/support/gantry-support-2026-11-20.txt' }) },
    isState: true,
    act: async (stage) => {
      await goTo(stage, 'help')
      await stage.page.getByRole('button', { name: stage.words.help.bundle.make }).click()
    },
    shows: ({ help }) => help.bundle.made,
  },
}

export const recordScenes: Scenes = {
  history: { script: { 'history.list': () => ({ requests: history }) }, act: (stage) => goTo(stage, 'history'), shows: () => 'CT Emergency' },
  'history-empty': { script: {}, act: (stage) => goTo(stage, 'history'), shows: ({ history: text }) => text.empty },
  'history-unreachable': {
    script: { 'history.list': () => unreachable },
    isState: true,
    act: (stage) => goTo(stage, 'history'),
    shows: () => 'server.unreachable',
  },
  records: {
    script: {
      'audit.verify': () => ({
        stores: [
          { path: '/home/elena/.config/gantry/profile/audit.jsonl', ok: true, events: 1_204, fault: null },
          { path: '/home/elena/.config/gantry/old/audit.jsonl', ok: false, events: 88, fault: { line: 41, what: 'removed' } },
        ],
      }),
    },
    act: (stage) => goTo(stage, 'audit'),
    shows: ({ audit }) => audit.keep,
  },
  'records-empty': { script: {}, act: (stage) => goTo(stage, 'audit'), shows: ({ audit }) => audit.none },
  ...settingScenes,
  ...helpScenes,
}
