import type { SessionView } from '@gantry/shared/ipc.ts'
import { asking, comparison, described, ended, events, localFiles, ownCase, session, transfers } from './fixtures.ts'
import { hasFocus, type Script } from './open-window.ts'
import { busy, goTo, type Scene, type Scenes, type Stage } from './scenes.ts'
import { openCase, openPane, openTab, press, split, withSession } from './session-scenes.ts'

/** What comes up in a session: questions, and what went wrong. */
const patients: SessionView['restricted'] = { paths: ['/var/nv/patients', '/var/nv/worklist'], state: 'shut' }
const state = (scene: Omit<Scene, 'isState'>): Scene => ({ ...scene, isState: true })

const askForPatients = async (stage: Stage) => {
  await openTab(stage)
  await stage.page.getByRole('button', { name: stage.words.session.restricted, exact: true }).click()
}
const confirm = async ({ page }: Stage, name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
/** The files of the device, in a window of either width. */
const mark = async (stage: Stage, side: 'here' | 'device', key: string) => {
  const { files } = stage.words.session
  await openPane(stage, files.title)
  const list = stage.page.getByRole('grid', { name: files.listLabel(files[side]) })
  await list.focus()
  await stage.page.keyboard.press('End')
  await stage.page.keyboard.press(key)
}
/** Dragged out of the window of the app, and let go before it was here. */
const dragAndLetGo = async (stage: Stage) => {
  await openPane(stage, stage.words.session.files.title)
  const row = stage.page.locator('.files-side.device').getByRole('row', { name: 'journal' })
  const box = await row.boundingBox()
  if (!box) throw new Error('not drawn')
  const { mouse } = stage.page
  await mouse.move(box.x + 30, box.y + 10)
  await mouse.down()
  for (const way of [4, 12, 40]) await mouse.move(box.x + 30 + way, box.y + 10)
  await mouse.up()
}
const runAction = async (stage: Stage, at: number) => {
  await openPane(stage, stage.words.session.activity.title)
  await stage.page.locator('.actions').getByRole('button', { name: stage.words.session.actions.run, exact: true }).nth(at).click()
}

const timeAndData: Scenes = {
  'session-patient-data': state({ script: withSession({ restricted: patients }), act: askForPatients, shows: () => /\/var\/nv\/worklist/ }),
  'session-patient-data-asked': state({
    script: withSession({ restricted: { ...patients, state: 'asked' }, asksMinutes: 15 }),
    act: openTab,
    shows: ({ session: text }) => text.restrictedAsked,
  }),
  'session-patient-data-open': state({
    script: withSession({ restricted: { ...patients, state: 'open' } }),
    act: openTab,
    shows: ({ session: text }) => text.restrictedOpen,
  }),
  'session-patient-data-refused': state({
    script: { ...withSession({ restricted: patients }), 'session.ask-restricted': () => ({ ok: false, failure: { code: 'access.refused' } }) },
    act: async (stage) => {
      await askForPatients(stage)
      await confirm(stage, stage.words.session.restrictedAsk)
    },
    shows: () => 'access.refused',
  }),
  'session-time-refused': state({
    script: { ...busy, 'session.ask-time': () => ({ ok: false, failure: { code: 'session.time-limit', details: { minutes: 10 } } }) },
    act: async (stage) => {
      await press('Control+Shift+M')(stage)
      await confirm(stage, stage.words.session.moreTimeAsk)
    },
    shows: () => 'session.time-limit',
  }),
}

const terminals: Scenes = {
  'session-terminal-unread': {
    script: busy,
    act: async (stage) => {
      await openTab(stage)
      stage.tell('terminal.closed', { terminalId: 'term-1', exitCode: null, failure: { code: 'session.terminal-unread' } })
    },
    shows: () => 'session.terminal-unread',
  },
  'session-terminal-refused': state({
    script: { ...busy, 'terminal.open': () => ({ ok: false, failure: { code: 'session.channel-refused' } }) },
    act: (stage) => goTo(stage, 'sessions'),
    shows: () => 'session.channel-refused',
  }),
  'session-terminal-close': state({
    script: busy,
    act: async (stage) => {
      await split(1)(stage)
      await stage.page.locator('.termp').nth(1).getByRole('button', { name: stage.words.session.terminal.close }).click()
    },
    shows: ({ session: text }) => text.terminal.closeTitle(2),
  }),
  'session-snippet-filled': state({
    script: busy,
    act: async (stage) => {
      await press('Control+Shift+S')(stage)
      await stage.page.locator('.snippet').first().click()
      await stage.page.getByRole('dialog').getByRole('textbox').first().fill('nv-console')
    },
    shows: () => /journalctl -u nv-console -n/,
  }),
  'session-snippet-new': state({
    script: busy,
    act: async (stage) => {
      await press('Control+Shift+S')(stage)
      await stage.page.getByRole('button', { name: stage.words.session.snippets.write }).click()
    },
    shows: ({ session: text }) => text.snippets.hint,
  }),
}

const files: Scenes = {
  'session-files-folder': state({
    script: busy,
    act: async (stage) => {
      await mark(stage, 'device', 'F7')
      await hasFocus(stage.page.getByRole('dialog'))
      await stage.page.keyboard.type('before/after')
    },
    shows: ({ session: text }) => text.files.badName,
  }),
  'session-files-delete': state({ script: busy, act: (stage) => mark(stage, 'device', 'Delete'), shows: ({ session: text }) => text.files.removeText }),
  'session-files-replace': state({
    script: { ...busy, 'remote.list': () => ({ freeBytes: 3.2e9, entries: localFiles.entries }) },
    act: (stage) => mark(stage, 'here', 'F5'),
    shows: ({ session: text }) => text.files.replaceText,
  }),
  'session-files-closed': state({
    script: { ...busy, 'remote.list': () => ({ ok: false, failure: { code: 'file.restricted', details: { path: '/var/nv/patients' } } }) },
    act: (stage) => openPane(stage, stage.words.session.files.title),
    shows: () => 'file.restricted',
  }),
  'session-files-dragged': state({
    script: { ...busy, 'app.describe': () => ({ ...described, host: 'electron' }), 'transfer.start': () => ({ transferIds: ['tr-9'] }) },
    act: dragAndLetGo,
    shows: ({ session: text }) => text.transfers.drag.left('journal', localFiles.path),
  }),
}

const actions: Scenes = {
  'session-action-reason': state({ script: busy, act: (stage) => runAction(stage, 1), shows: ({ session: text }) => text.actions.confirmText }),
  'session-action-answer': state({ script: busy, act: (stage) => runAction(stage, 0), shows: ({ session: text }) => text.actions.report.uptime }),
  'session-action-failed': state({
    script: { ...busy, 'action.run': () => ({ ok: false, failure: { code: 'action.failed' } }) },
    act: (stage) => runAction(stage, 0),
    shows: () => 'action.failed',
  }),
}

const several: Script = {
  ...busy,
  'session.list': () => ({ sessions: [session, { ...ended, requestId: asking.requestId, device: asking.device }] }),
  'request.list': () => ({ requests: [{ ...asking, requestId: session.requestId, device: { ...asking.device, name: 'MR 2' } }] }),
}
const endings: Scenes = {
  'session-several': state({ script: several, act: openTab, shows: ({ session: text }) => text.tabAsking }),
  'session-records-broken': state({
    script: { ...withSession({ auditVerified: false }), 'session.activity': () => ({ events, verified: false }) },
    act: (stage) => openPane(stage, stage.words.session.activity.title),
    shows: ({ session: text }) => text.activity.broken,
  }),
  'session-over-time': state({
    script: { ...busy, 'session.list': () => ({ sessions: [{ ...ended, endCause: 'time' }] }), 'transfer.list': () => ({ transfers: [], failure: null }) },
    act: (stage) => goTo(stage, 'sessions'),
    shows: ({ session: text }) => text.ended.titles.time,
  }),
  'session-lost': state({
    script: {
      ...busy,
      'session.list': () => ({
        sessions: [
          {
            ...ended,
            endCause: 'connection-lost',
            auditVerified: false,
            failure: { code: 'server.unreachable', details: { host: 'north-2', port: 443, hop: 'tcp', reason: 'ECONNREFUSED' } },
          },
        ],
      }),
      'transfer.list': () => ({ transfers: transfers.slice(0, 2), failure: null }),
    },
    act: (stage) => goTo(stage, 'sessions'),
    shows: ({ session: text }) => text.ended.titles['connection-lost'],
  }),
}

const compared: Scenes = {
  'session-compare': state({
    script: { ...busy, 'compare.start': () => comparison },
    act: async (stage) => {
      await openPane(stage, stage.words.session.files.title)
      await stage.page.getByRole('button', { name: stage.words.session.compare.title }).click()
      await stage.page.getByRole('checkbox', { name: stage.words.session.compare.remove.put }).check()
    },
    shows: ({ session: text }) => new RegExp(text.compare.groups.remove),
  }),
}

const cases: Scenes = {
  'case-escalate': state({
    script: busy,
    act: async (stage) => {
      await openCase(stage)
      await confirm(stage, stage.words.case.escalate)
    },
    shows: ({ case: text }) => text.escalateTo,
  }),
  'case-of-another': state({
    script: { ...busy, 'case.list': () => ({ cases: [{ ...ownCase, held: false, holder: 'Anders Holm' }] }) },
    act: openCase,
    shows: ({ case: text }) => text.theirs('Anders Holm'),
  }),
  'case-unknown': state({ script: { ...busy, 'case.list': () => ({ cases: [] }) }, act: openCase, shows: () => 'case.unknown' }),
}

export const sessionStateScenes: Scenes = { ...timeAndData, ...terminals, ...files, ...actions, ...endings, ...compared, ...cases }
