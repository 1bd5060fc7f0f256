import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { EventId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { described, ended, events, nowMs, session, terminalText } from './fixtures.ts'
import type { Script } from './open-window.ts'
import { busy, goTo, type Scenes, type Stage } from './scenes.ts'

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
export const withSession = (part: Partial<SessionView>): Script => ({ ...busy, 'session.list': () => ({ sessions: [{ ...session, ...part }] }) })

export const openTab = async (stage: Stage) => {
  await goTo(stage, 'sessions')
  await stage.page.locator('.term .xterm-rows').first().waitFor()
  stage.tell('terminal.data', { terminalId: 'term-1', data: terminalText })
  await stage.page.locator('.xterm-rows').getByText('journalctl').first().waitFor()
}
/** Only a narrow window has tabs of panes. */
export const openPane = async (stage: Stage, name: string) => {
  await openTab(stage)
  const tab = stage.page.getByRole('tab', { name }).filter({ visible: true })
  if ((await tab.count()) > 0) await tab.click()
}
export const openCase = async (stage: Stage) => {
  await openTab(stage)
  await stage.page.locator('[data-session]').getByRole('button', { name: /48213/ }).first().click()
}
export const press = (keys: string) => async (stage: Stage) => {
  await openTab(stage)
  await stage.page.keyboard.press(keys)
}

export const split = (more: number) => async (stage: Stage) => {
  await openTab(stage)
  for (let count = 0; count < more; count++) await stage.page.keyboard.press('Control+Shift+D')
  await stage.page.locator('.termp').nth(more).locator('.xterm-rows').waitFor()
  stage.tell('terminal.data', {
    terminalId: 'term-2',
    data: 'emarchetti@nv520-04402:~$ df -h /var/nv\r\n/dev/mapper/nv-data  118G  109G  3.2G  98% /var/nv\r\nemarchetti@nv520-04402:~$ ',
  })
}

export const sessionScenes: Scenes = {
  'sessions-none': { script: {}, act: (stage) => goTo(stage, 'sessions'), shows: ({ session: text }) => text.none },
  session: { script: busy, act: openTab, shows: () => 'North 2' },
  'session-files': { script: busy, act: (stage) => openPane(stage, stage.words.session.files.title), shows: ({ session: text }) => text.files.here },
  'session-activity': {
    script: busy,
    act: (stage) => openPane(stage, stage.words.session.activity.title),
    shows: ({ session: text }) => text.activity.verified,
  },
  'session-split': { script: busy, act: split(1), shows: () => /emarchetti, \d+ × \d+/ },
  'session-beside': {
    script: { ...busy, 'app.describe': () => ({ ...described, settings: { ...described.settings, layout: { 'panes.beside': 1, 'panes.share': 56 } } }) },
    act: split(1),
    shows: () => /emarchetti, \d+ × \d+/,
  },
  'session-switched': {
    script: { ...busy, ...network({ state: 'carried' }, true) },
    act: openTab,
    shows: ({ session: text }) => new RegExp(text.network.switched('North 2', '@').split('@')[0] ?? ''),
  },
  'session-interrupted': {
    script: {
      ...busy,
      ...network(
        { state: 'interrupted', failure: { code: 'server.unreachable', details: { host: 'north-2', port: 443, hop: 'tcp', reason: 'ECONNREFUSED' } } },
        false,
      ),
    },
    act: openTab,
    shows: ({ session: text }) => text.network.joining('North 2'),
  },
  'session-nearly-over': {
    script: withSession({ endsMs: nowMs + 95_000, used: { bytes: 192_000_000, maxBytes: 200_000_000 }, separated: false, reach: 'open', approvedBy: 'policy' }),
    act: openTab,
    shows: () => '1:35',
  },
  'session-search': {
    script: busy,
    act: async (stage) => {
      await press('Control+Shift+F')(stage)
      await stage.page.getByRole('search').getByRole('textbox').fill('nv-console')
    },
    shows: ({ session: text }) => text.terminal.found(7, 7),
  },
  'session-snippets': { script: busy, act: press('Control+Shift+S'), shows: ({ session: text }) => text.snippets.text },
  'session-paste': {
    script: busy,
    act: async (stage) => {
      await openTab(stage)
      await stage.page.evaluate(`navigator.clipboard.writeText('systemctl stop nv-console\\nrm /var/nv/journal/*.old\\u001b[A\\n')`)
      await stage.page.keyboard.press('Control+Shift+V')
    },
    shows: ({ session: text }) => text.terminal.paste,
  },
  'session-terminal-closed': {
    script: busy,
    act: async (stage) => {
      await openTab(stage)
      stage.tell('terminal.closed', { terminalId: 'term-1', exitCode: 3, failure: null })
    },
    shows: ({ session: text }) => text.terminal.exited(3),
  },
  'session-diagnostics': {
    script: withSession({ access: 'diagnostics' }),
    act: async (stage) => {
      await goTo(stage, 'sessions')
      await stage.page.getByRole('button', { name: stage.words.session.actions.run, exact: true }).first().click()
    },
    shows: ({ session: text }) => text.actions.report.uptime,
  },
  'session-files-only': { script: withSession({ access: 'files' }), act: (stage) => goTo(stage, 'sessions'), shows: ({ session: text }) => text.files.here },
  'session-more-time': { script: busy, act: press('Control+Shift+M'), shows: ({ session: text }) => text.moreTimeAsk },
  'session-end': { script: busy, act: press('Control+Shift+E'), shows: ({ session: text }) => text.endTitle },
  'session-sign-in-over': {
    script: busy,
    act: async (stage) => {
      await openTab(stage)
      stage.tell('sign-in.changed', { ...described.signIn, phase: 'expired', failure: { code: 'auth.session-expired' } })
    },
    shows: ({ shell }) => shell.signInOverText,
  },
  'session-ended': {
    script: { ...busy, 'session.list': () => ({ sessions: [ended] }) },
    act: (stage) => goTo(stage, 'sessions'),
    shows: ({ session: text }) => text.ended.titles.person,
  },
  case: { script: busy, act: openCase, shows: () => '48213' },
  'case-close': {
    script: busy,
    act: async (stage) => {
      await openCase(stage)
      await stage.page.getByRole('button', { name: stage.words.case.close }).click()
    },
    shows: ({ case: text }) => text.closeForGood,
  },
}
