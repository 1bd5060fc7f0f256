import type { PanelRequest, PanelSession, PanelState } from '@gantry/shared/panel.ts'
import type { Passport } from '@gantry/shared/passport.ts'
import type { Page } from 'playwright'
import { asking, nowMs, session, terminalText } from '../window/support/fixtures.ts'

/** What a front panel is told, and what is pressed on it before its picture is taken. */
export type PanelScene = {
  state: Partial<PanelState>
  output?: string
  act?: (page: Page, show: (state: Partial<PanelState>) => void) => Promise<void>
  isState?: boolean
}

const minute = 60_000
const request: PanelRequest = {
  requestId: asking.requestId,
  specialist: 'Elena Marchetti-Roy',
  employer: 'Norvane support',
  country: 'CA',
  access: 'os',
  serviceKind: 'support',
  reason: 'The console reacts slowly. I free disk space and install a small fix. The injector restarts once, after I ask you.',
  caseId: '48213',
  minutes: 60,
  maxBytes: 200_000_000,
  code: '482917',
  triesLeft: 3,
  askedMs: nowMs - 42_000,
  answerBeforeMs: nowMs + 78_000,
}
const typed: PanelRequest = { ...request, code: null }

const move = (id: number, kind: 'sent' | 'received' | 'action' | 'refused', text: string, bytes: number | null, done = true) => ({
  ...{ id, kind, text, bytes, done },
  atMs: nowMs - id * minute,
})
const moves = [
  move(1, 'action', 'diagnostics.collect', null),
  move(2, 'received', '/var/nv/journal/injector-log-0417.zip', 38_200_000),
  move(3, 'refused', '/var/nv/patients/2026-11-20.dcm', null),
  move(4, 'sent', '/var/nv/console.toml', 1_800),
  move(5, 'sent', '/var/nv/nv520-6.3.1-hotfix2.nvu', 141_000_000, false),
]
const live: PanelSession = {
  requestId: session.requestId,
  specialist: request.specialist,
  access: 'os',
  reason: request.reason,
  caseId: '48213',
  startedMs: session.startedMs,
  endsMs: session.endsMs,
  used: session.used,
  asksTime: null,
  asksRestricted: null,
  restrictedOpen: false,
  approvedBy: 'person',
  interrupted: false,
  probed: { tried: 254, blocked: 254 },
}
const withSession = (part: Partial<PanelSession>): PanelScene => ({ state: { sessions: [{ ...live, ...part, moves }] }, output: terminalText })
const asked = { askedMs: nowMs - 20_000, answerBeforeMs: nowMs + 100_000 }

const policy: NonNullable<PanelState['policy']> = {
  from: 'file',
  fault: null,
  serial: 12,
  owner: 'Q7ZK-3MXP',
  switchedOff: false,
  rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask-typed' },
  requestsPerHour: 6,
  sessionMinutes: 120,
  sessionMegabytes: 200,
  countries: ['CA'],
  hours: null,
  files: { toDevice: true, fromDevice: true },
  actions: null,
}
const idle = (change: Partial<PanelState>): PanelScene => ({ state: { policy, ...change }, isState: true })

type Hop = Passport['hosts'][number]['hops'][number]
const hop = (name: Hop['hop'], verdict: Hop['verdict'], trouble: Hop['trouble'] = null): Hop => ({ hop: name, verdict, trouble })
const host = (purpose: Passport['hosts'][number]['purpose'], name: string, site: string, hops: Hop[]): Passport['hosts'][number] => ({
  ...{ purpose, name, host: `${name}.gantry.example`, addresses: ['198.51.100.7'], site, port: 443, found: ['198.51.100.7'], needed: true, hops },
})
const passes = (...names: Hop['hop'][]) => names.map((name) => hop(name, 'passes'))
const passport: Passport = {
  version: 1,
  madeAt: new Date(nowMs).toISOString(),
  device: 'CT Suite 3',
  proxy: null,
  hosts: [
    host('main-server', 'main', 'North', passes('dns', 'tcp', 'tls', 'answer')),
    host('access-server', 'north-1', 'North', [...passes('dns', 'tcp'), hop('tls', 'waiting'), hop('upgrade', 'waiting')]),
    host('access-server', 'east-2', 'East', [hop('dns', 'waiting'), hop('tcp', 'waiting'), hop('tls', 'waiting'), hop('upgrade', 'waiting')]),
  ],
  clock: { verdict: 'passes', offsetSeconds: 1 },
  verdict: 'running',
}
const intercepted = hop('tls', 'fails', { code: 'intercepted', details: { host: 'north-1.gantry.example', issuer: 'Riverside Gateway' } })
const closed: Passport = {
  ...passport,
  hosts: [
    passport.hosts[0] as Passport['hosts'][number],
    host('access-server', 'north-1', 'North', [...passes('dns', 'tcp'), intercepted, hop('upgrade', 'not-tried')]),
    host('access-server', 'east-2', 'East', passes('dns', 'tcp', 'tls', 'upgrade')),
  ],
  clock: { verdict: 'fails', offsetSeconds: -340 },
  verdict: 'closed',
}
const last = (outcome: string): Partial<PanelState> => ({
  last: { requestId: request.requestId, specialist: request.specialist, outcome, atMs: nowMs - 2_000 },
})

export const panelScenes: Record<string, PanelScene> = {
  'panel-idle': { state: { policy } },
  'panel-no-contact': idle({ connectivity: 'waiting', clockOffSeconds: -340, separated: false }),
  'panel-called': idle({ connectivity: 'called', network: 'open' }),
  'panel-off': idle({ connectivity: 'off', policy: { ...policy, switchedOff: true } }),
  'panel-rules-damaged': idle({ policy: { ...policy, from: 'closed', fault: 'damaged' } }),
  'panel-absent': idle({ agent: 'absent' }),
  'panel-compare': { state: { waiting: [request] } },
  'panel-type': {
    state: { waiting: [typed] },
    act: async (page) => {
      for (const digit of '4829') await page.getByRole('button', { name: digit, exact: true }).click()
    },
  },
  'panel-code-wrong': {
    state: { waiting: [typed] },
    isState: true,
    act: async (page, show) => {
      await page.locator('.keypad').waitFor()
      show({ waiting: [{ ...typed, triesLeft: 1 }] })
      await page.locator('.question.warn').waitFor()
    },
  },
  'panel-asked-meanwhile': {
    state: { waiting: [request, { ...request, requestId: session.requestId }], sessions: [{ ...live, moves }] },
    isState: true,
  },
  'panel-live': withSession({}),
  'panel-interrupted': { ...withSession({ interrupted: true, restrictedOpen: true }), isState: true },
  'panel-more-time': withSession({ asksTime: { minutes: 15, ...asked } }),
  'panel-patient-data': { ...withSession({ asksRestricted: { paths: ['/var/nv/patients', '/var/nv/worklist'], ...asked } }), isState: true },
  'panel-ended': { state: last('person') },
  'panel-nobody-answered': { state: last('no-answer'), isState: true },
  'panel-check': { state: { check: passport }, isState: true },
  'panel-check-closed': { state: { check: closed } },
}
