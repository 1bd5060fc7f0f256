import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { CaseView } from '@gantry/shared/case-api.ts'
import type { AccessRequestView, DeviceRow, Reach, Specialist } from '@gantry/shared/client-api.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import type { CustomerId, DeviceId, EventId, RequestId, SpecialistId } from '@gantry/shared/ids.ts'
import type { CallOutput, RequestProgress, SessionView, Transfer } from '@gantry/shared/ipc.ts'
import type { UpdateStatus } from '@gantry/shared/update-calls.ts'

/** Invented people, places and devices. Times hang on one moment, so that every picture of a screen is the same. */
export const nowMs = Date.parse('2026-11-20T19:05:20Z')
const minute = 60_000
const hour = 60 * minute

const pad = (text: string) => `${text.toLowerCase().replace(/[^a-z2-7]/g, '')}aaaaaaaaaaaa`.slice(0, 12)
export const deviceId = (text: string) => `dev_${pad(text)}` as DeviceId
export const requestId = (text: string) => `req_${pad(text)}` as RequestId

export const specialist: Specialist = {
  id: 'spc_elenamarchet' as SpecialistId,
  username: 'emarchetti',
  name: 'Elena Marchetti-Roy',
  employer: 'Norvane support',
  country: 'CA',
  city: 'Port-aux-Cèdres',
  tier: 3,
}

export const upToDate: UpdateStatus = {
  ...{ installed: '0.1.0', channel: 'stable', unsupported: null, state: 'idle', release: null, isRequired: false, bytes: 0, totalBytes: 0 },
  ...{ outcome: 'current', checkedMs: nowMs - 20 * minute, failure: null, previous: null },
}

export const described: CallOutput<'app.describe'> = {
  version: '0.1.0',
  host: 'browser',
  hostReason: null,
  platform: 'linux',
  sandbox: false,
  mainServer: 'https://gantry.example:8443',
  settings: {
    language: 'en',
    theme: 'light',
    density: 'comfortable',
    terminalFontSize: 13,
    terminalScreenReader: false,
    lockMinutes: 10,
    noticeSound: false,
    transferBytesPerSecond: null,
    favourites: [deviceId('ctsuite3'), deviceId('ctemergency'), deviceId('angiolabb')],
    savedViews: [],
    snippets: ['journalctl -u {{service}} -n {{lines}} --no-pager', 'du -sh {{folder}}/* | sort -h', 'sha256sum {{file}}'],
    layout: {},
  },
  lock: { locked: false, sinceMs: null },
  signIn: {
    phase: 'signed-in',
    link: null,
    specialist,
    failure: null,
    confirming: null,
    secretStore: 'keychain',
    supportContacts: [
      { region: 'North', phone: '555-0100', mail: 'north@norvane.example' },
      { region: 'Overseas', phone: '555-0199', mail: 'overseas@norvane.example' },
    ],
    elsewhere: [],
  },
}

const models = { 'NV-520 Dual': 'injector', 'NV-180 MR': 'injector', 'NV-310': 'injector', 'NV-Ledger': 'software' } as const
const sites = {
  pines: { name: 'Rivière-aux-Pins, Pavilion C', customer: 'Centre hospitalier Rivière-aux-Pins', city: 'Rivière-aux-Pins', zone: 'America/Toronto' },
  lake: { name: 'Lakemoor Regional, Imaging East', customer: 'Lakemoor Regional', city: 'Lakemoor', zone: 'America/Toronto' },
  kestrel: { name: 'Kestrel Valley Health, Outpatient', customer: 'Kestrel Valley Health', city: 'Kestrel Valley', zone: 'America/Edmonton' },
  elms: { name: 'Three Elms General', customer: 'Three Elms', city: 'Three Elms', zone: 'America/Toronto' },
  aldhelm: { name: 'St. Aldhelm University', customer: 'St. Aldhelm', city: 'Aldhelm', zone: 'America/Halifax' },
} as const
type Line = [name: string, site: keyof typeof sites, model: keyof typeof models, serial: string, reach: Partial<Reach>, more?: Partial<DeviceRow>]

const strict = { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask-typed' } as const
const lines: Line[] = [
  ['CT Suite 3', 'pines', 'NV-520 Dual', '520-04417', {}],
  [
    'CT Emergency',
    'pines',
    'NV-520 Dual',
    '520-04402',
    { why: 'in-session', stopsAt: null },
    { openRequest: { requestId: requestId('emergency'), state: 'open', specialist: specialist.name, mine: true } },
  ],
  [
    'MR 2',
    'lake',
    'NV-180 MR',
    '180-01093',
    { why: 'waiting' },
    { openRequest: { requestId: requestId('mrtwo'), state: 'asking', specialist: specialist.name, mine: true }, softwareVersion: '4.8.0' },
  ],
  [
    'CT 1',
    'aldhelm',
    'NV-310',
    '310-07781',
    { why: 'in-session' },
    { openRequest: { requestId: requestId('other'), state: 'open', specialist: 'Anders Holm', mine: false }, softwareVersion: '5.1.4' },
  ],
  [
    'Angio Lab B',
    'kestrel',
    'NV-520 Dual',
    '520-03958',
    {},
    { instantPickup: true, rules: { diagnostics: 'ask', files: 'ask', application: 'ask', os: 'ask' } },
  ],
  [
    'CT 4',
    'kestrel',
    'NV-520 Dual',
    '520-03961',
    { why: 'site-silent', stopsAt: 'site', sinceMs: nowMs - 26 * minute },
    { lastContactMs: nowMs - 26 * minute, softwareVersion: '6.2.9' },
  ],
  [
    'CT 5',
    'kestrel',
    'NV-310',
    '310-06640',
    { why: 'site-silent', stopsAt: 'site', sinceMs: nowMs - 26 * minute },
    { lastContactMs: nowMs - 26 * minute, softwareVersion: '5.1.4' },
  ],
  [
    'CT 2',
    'elms',
    'NV-310',
    '310-05512',
    { why: 'silent', stopsAt: 'device', sinceMs: nowMs - 21 * hour },
    { lastContactMs: nowMs - 21 * hour, softwareVersion: '5.1.4' },
  ],
  ['CT Suite 1', 'pines', 'NV-520 Dual', '520-04415', { why: 'connectivity-off', stopsAt: 'device' }],
  [
    'CT 3',
    'aldhelm',
    'NV-520 Dual',
    '520-02214',
    { why: 'entitlement-ended', stopsAt: 'gantry' },
    { entitlement: { kind: 'agreement', name: 'Full care', endsOn: '2026-10-31' } },
  ],
  ['MR 3', 'lake', 'NV-180 MR', '180-01101', { why: 'no-level', stopsAt: 'gantry' }, { levels: [], softwareVersion: '4.8.0' }],
  [
    'CT 7',
    'elms',
    'NV-310',
    '310-05519',
    { why: 'never-seen', stopsAt: 'device' },
    { lastContactMs: null, softwareVersion: null, agentVersion: null, rules: null },
  ],
  ['CT Suite 2', 'pines', 'NV-520 Dual', '520-04416', {}],
  [
    'Dose Ledger',
    'pines',
    'NV-Ledger',
    'LDG-00031',
    {},
    { rules: { diagnostics: 'allow', files: 'allow', application: 'deny', os: 'deny' }, softwareVersion: '2.14.0' },
  ],
  ['CT 6', 'lake', 'NV-310', '310-04021', {}, { softwareVersion: '5.1.3', rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } }],
]

export const devices: DeviceRow[] = lines.map(([name, siteKey, modelName, serial, reach, more], at) => {
  const site = sites[siteKey]
  return {
    id: deviceId(name),
    name,
    serial,
    model: { id: modelName, name: modelName, kind: models[modelName] },
    customer: { id: siteKey, name: site.customer },
    site: { id: siteKey, name: site.name, city: site.city, country: 'CA', timeZone: site.zone },
    contact: { name: 'Maryse Thibodeau', role: 'CT technologist, desk C-114', phone: '555-0142' },
    softwareVersion: '6.3.1',
    agentVersion: '0.1.0',
    lastContactMs: nowMs - ((at * 7) % 29) * 1_000,
    instantPickup: false,
    entitlement: { kind: 'agreement', name: 'Full care', endsOn: '2027-06-30' },
    rules: strict,
    levels: ['diagnostics', 'files', 'application', 'os'],
    practice: false,
    openRequest: null,
    ...more,
    reach: { stopsAt: null, why: 'reachable', sinceMs: null, ...reach },
  }
})

/** For rehearsals; not among those that the scenes of every day show. */
export const practice: DeviceRow = {
  ...(devices[0] as DeviceRow),
  ...{ id: deviceId('practiceone'), name: 'Practice 1', serial: '520-00001', practice: true, reach: { stopsAt: null, why: 'reachable', sinceMs: null } },
  ...{
    rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask' },
    site: { ...(devices[0] as DeviceRow).site, name: 'Norvane, practice room' },
  },
}

/** As many as a large customer base has (R009). */
export function manyDevices(count: number): DeviceRow[] {
  return Array.from({ length: count }, (_, at) => {
    const one = devices[at % devices.length] as DeviceRow
    const letters = [...String(at)].map((digit) => 'bcdefghijk'[Number(digit)]).join('')
    return {
      ...one,
      id: deviceId(`many${letters}`),
      name: `${one.name} no. ${at + 1}`,
      openRequest: null,
      reach: { stopsAt: null, why: 'reachable', sinceMs: null },
    }
  })
}

const [suite, emergency, mr] = devices as [DeviceRow, DeviceRow, DeviceRow]
const short = ({ id, name, site }: DeviceRow) => ({ id, name, site: site.name })

export const asking: RequestProgress = {
  requestId: requestId('suite'),
  device: short(suite),
  access: 'os',
  serviceKind: 'support',
  reason: 'The console reacts slowly. I free disk space and install a small fix.',
  caseId: '48213',
  minutes: 60,
  state: 'asking',
  steps: [
    { name: 'signed', atMs: nowMs - 54_000 },
    { name: 'checked', atMs: nowMs - 53_600 },
    { name: 'picked-up', atMs: nowMs - 42_300 },
    { name: 'code', atMs: nowMs - 42_100 },
    { name: 'asking', atMs: nowMs - 42_000 },
  ],
  contact: null,
  code: '482917',
  typed: true,
  answerBeforeMs: nowMs + 78_000,
  passed: ['fresh-mfa', 'assignment', 'entitlement', 'device-known', 'connectivity'],
  accessServer: { name: 'North 2', site: 'north' },
  failure: null,
}
export const comparing: RequestProgress = { ...asking, requestId: requestId('mrtwo'), device: short(mr), access: 'files', typed: false }
export const refused: RequestProgress = { ...asking, state: 'refused', answerBeforeMs: null, failure: { code: 'access.refused' } }

export const session: SessionView = {
  requestId: requestId('emergency'),
  device: short(emergency),
  access: 'os',
  caseId: '48213',
  state: 'open',
  startedMs: nowMs - 18 * minute - 48_000,
  endsMs: nowMs + 41 * minute + 12_000,
  used: { bytes: 38_200_000, maxBytes: 200_000_000 },
  asksMinutes: null,
  restricted: { paths: [], state: 'shut' },
  endedMs: null,
  endCause: null,
  failure: null,
  approvedBy: 'person',
  accessServer: { name: 'North 2', site: 'north' },
  network: { state: 'carried', standby: true, sinceMs: nowMs - 18 * minute, failure: null },
  user: 'emarchetti',
  separated: true,
  reach: 'none',
  auditVerified: true,
}
export const ended: SessionView = { ...session, state: 'ended', endedMs: nowMs, endCause: 'person' }

export const ownCase: CaseView = {
  customerId: emergency.customer.id as CustomerId,
  number: session.caseId,
  customer: emergency.customer.name,
  device: { id: emergency.id, name: emergency.name },
  state: 'open',
  openedMs: nowMs - 26 * hour,
  openedBy: specialist.name,
  holder: specialist.name,
  held: true,
  escalation: null,
  closed: null,
  liveRequests: 3,
}
export const colleagues = [{ username: 'aholm', name: 'Anders Holm', tier: 3, country: 'US' }]

type EventLine = [AuditEvent['kind'], AuditEvent['actor']['kind'], number, AuditEvent['data']?]
const eventLines: EventLine[] = [
  ['access.requested', 'specialist', 19.6],
  ['access.picked-up', 'agent', 19.4],
  ['access.approved', 'person', 18.9],
  ['session.opened', 'agent', 18.8],
  ['terminal.opened', 'specialist', 18.7],
  ['action.finished', 'specialist', 14, { action: 'diagnostics.collect' }],
  ['file.received', 'specialist', 9.2, { bytes: 38_200_000 }],
  ['file.sent', 'specialist', 6.1, { bytes: 1_800 }],
  ['channel.refused', 'agent', 3.2, { code: 'session.channel-refused' }],
  ['folder.made', 'specialist', 1.5],
]
export const events: AuditEvent[] = eventLines.map(([kind, actor, minutesAgo, data], at) => ({
  id: `evt_${pad(`event${'abcdefghijklm'[at]}`)}` as EventId,
  at: new Date(nowMs - minutesAgo * minute).toISOString(),
  kind,
  actor: { kind: actor },
  requestId: session.requestId,
  ...(data ? { data } : {}),
}))

const entry = (name: string, kind: FileEntry['kind'], size = 0, minutesAgo = 30, mode = 0o640): FileEntry => ({
  name,
  kind,
  size,
  modifiedMs: nowMs - minutesAgo * minute,
  mode: kind === 'folder' ? 0o750 : mode,
})
export const localFiles = {
  path: '/home/elena/Service/case-48213',
  parent: '/home/elena/Service',
  freeBytes: 84e9,
  entries: [
    entry('before', 'folder', 0, 83),
    entry('nv520-6.3.1-hotfix2.nvu', 'file', 212_400_000, 80),
    entry('console-limits.toml', 'file', 1_800, 72),
    entry('injector-log-0417.zip', 'file', 38_200_000, 45),
    entry('pressure-cal-2026-11.csv', 'file', 96_000, 48),
  ],
}
export const remoteFiles = {
  freeBytes: 3.2e9,
  entries: [
    entry('calibration', 'folder', 0, 48),
    entry('journal', 'folder', 0, 42),
    entry('spool', 'folder', 0, 44),
    entry('console.toml', 'file', 1_700, 60 * 24 * 16),
    entry('console.toml.before-48213', 'file', 1_700, 46),
    entry('report\u202Egpj.exe', 'file', 12_000, 50),
    entry('line\nbreak\t\u0007.log', 'file', 400, 51),
    entry('.nv520-6.3.1-hotfix2.nvu.gantry-part', 'file', 141_000_000, 0),
  ],
}

const transfer = (id: number, name: string, part: Partial<Transfer>): Transfer => ({
  ...{ id: `tr-${id}`, requestId: session.requestId, direction: 'put', name, from: `/home/elena/${name}`, to: '/var/nv', state: 'done' },
  ...{ bytes: 1_800, totalBytes: 1_800, files: 1, filesDone: 1, bytesPerSecond: 0, waitsFor: null, verified: true, failure: null },
  ...part,
})
export const transfers: Transfer[] = [
  transfer(1, 'pressure-cal-2026-11.csv', { direction: 'get', bytes: 96_000, totalBytes: 96_000 }),
  transfer(2, 'console.toml', { state: 'failed', verified: false, failure: { code: 'file.exists', details: { path: '/var/nv/console.toml' } } }),
  transfer(3, 'console-limits.toml', { state: 'queued', bytes: 0, verified: false }),
  transfer(4, 'nv520-6.3.1-hotfix2.nvu', {
    state: 'running',
    bytes: 141_000_000,
    totalBytes: 212_400_000,
    bytesPerSecond: 11_200_000,
    verified: false,
    filesDone: 0,
  }),
]

export const diagnostics = {
  collectedAt: new Date(nowMs - 4_000).toISOString(),
  versions: { agent: '0.1.0', console: '6.3.1', firmware: '3.11' },
  uptimeSeconds: 34_500,
  disk: [
    { path: '/', totalBytes: 60e9, freeBytes: 31e9 },
    { path: '/var/nv', totalBytes: 118e9, freeBytes: 3.2e9 },
  ],
  memory: { totalBytes: 8e9, freeBytes: 2.1e9 },
  service: { state: 'running' as const, since: new Date(nowMs - 8 * hour).toISOString(), restarts: 1 },
  log: [
    '13:02:11 scene: loaded 214 protocols in 1.9 s',
    '13:09:47 warning: render queue 38 ms behind (limit 25)',
    '13:11:30 error: journal index rebuild took 41 s (limit 10)',
  ],
  linesWithheld: 2,
}

export const history: AccessRequestView[] = (
  [
    ['suite', 'open', null, 0.3],
    ['one', 'ended', 'person', 26],
    ['two', 'ended', 'specialist', 50],
    ['three', 'refused', null, 75],
    ['four', 'expired', null, 130],
  ] as const
).map(([name, state, endCause, hoursAgo], at) => ({
  id: requestId(name),
  device: { id: suite.id, name: devices[at]?.name ?? '' },
  specialist: { id: specialist.id, name: specialist.name },
  access: (['os', 'files', 'diagnostics', 'os', 'application'] as const)[at] ?? 'os',
  serviceKind: 'support',
  caseId: `4821${at}`,
  minutes: 60,
  state,
  createdMs: nowMs - hoursAgo * hour,
  changedMs: nowMs - hoursAgo * hour,
  ticket: 'a.b.c' as AccessRequestView['ticket'],
  contact: null,
  answers: [],
  deviceCertificate: '',
  accessServer: { name: 'North 2', site: 'north' },
  refusal: state === 'refused' ? { code: 'access.refused' } : state === 'expired' ? { code: 'access.no-answer' } : null,
  endCause,
  endedMs: null,
}))

export const terminalText = [
  '\u001b[32memarchetti@nv520-04402\u001b[0m:\u001b[34m~\u001b[0m$ systemctl status nv-console --no-pager',
  '\u001b[32m●\u001b[0m nv-console.service - Operator console of the injector',
  '     Active: \u001b[32mactive (running)\u001b[0m since Fri 2026-11-20 13:31:05; 51min ago',
  '   Main PID: 1184 (nv-console)',
  '     Memory: 611.8M (high: 640.0M max: 768.0M)',
  '\u001b[32memarchetti@nv520-04402\u001b[0m:\u001b[34m~\u001b[0m$ journalctl -u nv-console -n 4 --no-pager',
  '\u001b[90m2026-11-20T14:02:11\u001b[0m nv-console[1184]: scene: loaded 214 protocols in 1.9 s',
  '\u001b[90m2026-11-20T14:09:47\u001b[0m nv-console[1184]: \u001b[33mwarning: render queue 38 ms behind (limit 25)\u001b[0m',
  '\u001b[90m2026-11-20T14:11:30\u001b[0m nv-console[1184]: \u001b[31merror: journal index rebuild took 41 s (limit 10)\u001b[0m',
  '\u001b[38;2;255;140;0mtrue colour\u001b[0m  \u001b[1mbold\u001b[0m  \u001b[4munderlined\u001b[0m  漢字  é  🙂  │',
  '\u001b[32memarchetti@nv520-04402\u001b[0m:\u001b[34m~\u001b[0m$ ',
].join('\r\n')

const facts = (size: number, minutesAgo: number) => ({ size, modifiedMs: nowMs - minutesAgo * minute })
export const comparison: CallOutput<'compare.start'> = {
  compareId: 'cmp-1',
  rows: [
    { path: 'limits.toml', kind: 'file', state: 'only-here', isRenamed: false, here: facts(1_900, 30), there: null },
    { path: 'calibration/2026-11', kind: 'folder', state: 'only-here', isRenamed: false, here: facts(0, 60), there: null },
    { path: 'console.toml', kind: 'file', state: 'differs', isRenamed: false, here: facts(1_800, 20), there: facts(1_700, 60 * 24 * 16) },
    { path: 'console.toml.before-48213', kind: 'file', state: 'only-there', isRenamed: false, here: null, there: facts(1_700, 46) },
    { path: 'pressure.csv', kind: 'file', state: 'same', isRenamed: false, here: facts(96_000, 90), there: facts(96_000, 90) },
    { path: 'report%E2%80%AEgpj.exe', kind: 'file', state: 'refused', isRenamed: true, here: null, there: facts(12_000, 50) },
  ],
  stopped: null,
  skipped: 1,
  directions: { put: true, get: true },
}
