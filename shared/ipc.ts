import { z } from 'zod'
import { AccessState, EndCause, requestLimits } from './access-request.ts'
import { AuditEvent } from './audit.ts'
import { caseCalls } from './case-api.ts'
import { AccessRequestView, clientApi, DeviceRow, SignInPlace, Specialist } from './client-api.ts'
import { compareCalls } from './compare-calls.ts'
import { type Contract, FailureShape as Failure, type Input, type Output } from './contract.ts'
import { FileEntry } from './files.ts'
import { DeviceId, RequestId } from './ids.ts'
import { AwaitedContact } from './notice.ts'
import { AccessLevel, ServiceKind } from './profile.ts'
import { receivedCalls, TransferId } from './received-calls.ts'
import { MoreMinutes } from './session-api.ts'
import { UpdateStatus, updateCalls } from './update-calls.ts'

/** What the window may ask the main process, and what it may be told. Every call is validated in the main process. */
const none = z.strictObject({})
const TerminalId = z.string().regex(/^term-\d{1,6}$/)
const localPath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !path.includes('\u0000'), 'NUL')
const remotePath = z.string().min(1).max(4_096)

/** Bytes a second that transfers can be held to. */
export const transferLimits = [250_000, 1_000_000, 5_000_000, 20_000_000] as const

export const Settings = z.object({
  language: z.enum(['en', 'fr']),
  theme: z.enum(['system', 'light', 'dark', 'contrast']),
  density: z.enum(['comfortable', 'compact']),
  terminalFontSize: z.number().int().min(8).max(32),
  /** Whether terminals tell a screen reader their rows and what is printed. */
  terminalScreenReader: z.boolean(),
  /** Minutes without input until the window locks; it cannot be turned off. */
  lockMinutes: z.union([z.literal(5), z.literal(10), z.literal(15)]),
  /** Whether the system's notices make a sound. */
  noticeSound: z.boolean(),
  favourites: z.array(DeviceId).max(5_000),
  savedViews: z.array(z.object({ name: z.string().max(60), query: z.string().max(500) })).max(50),
  /** Command lines kept for later; `{{name}}` is asked for each time. */
  snippets: z.array(z.string().min(1).max(1_000)).max(200),
  /** All transfers of this computer together, both ways; null: as fast as the line goes. */
  transferBytesPerSecond: z.union([z.null(), ...transferLimits.map((limit) => z.literal(limit))]),
  /** Opaque to the main process: pane sizes and the like. */
  layout: z.record(z.string().max(60), z.number()),
})
export type Settings = z.infer<typeof Settings>

export const SignInState = z.object({
  phase: z.enum(['signed-out', 'waiting-for-browser', 'signed-in', 'expired']),
  /** To open by hand where no browser came up; only while waiting. It holds no secret. */
  link: z.string().nullable(),
  /** The person who is signed in is asked for both factors again, in the browser: `os` needs them fresh, or the window is locked. Sessions and tabs stay. */
  confirming: z.enum(['os', 'lock']).nullable(),
  specialist: Specialist.nullable(),
  failure: Failure.nullable(),
  /** `keychain`, or `sandbox` for the sandbox's own store in memory. */
  secretStore: z.enum(['keychain', 'sandbox']),
  supportContacts: z.array(z.object({ region: z.string(), phone: z.string(), mail: z.string() })),
  /** Where else the person is signed in, as the main server last said. */
  elsewhere: z.array(SignInPlace),
})
export type SignInState = z.infer<typeof SignInState>

/** Locked: the window shows nothing, and the main process answers it nothing that shows or does something. Sessions go on. */
export const LockState = z.object({ locked: z.boolean(), sinceMs: z.number().nullable() })
export type LockState = z.infer<typeof LockState>

/** An access request as its window follows it: each step with the time it was reached. */
export const RequestProgress = z.object({
  requestId: RequestId,
  device: z.object({ id: DeviceId, name: z.string(), site: z.string() }),
  access: AccessLevel,
  serviceKind: ServiceKind,
  reason: z.string(),
  caseId: z.string(),
  minutes: z.number(),
  state: AccessState,
  steps: z.array(z.object({ name: z.enum(['signed', 'checked', 'picked-up', 'code', 'asking', 'approved', 'joined']), atMs: z.number() })),
  /** What is waited for at the customer's contact outside the device. */
  contact: AwaitedContact.nullable(),
  /** The matching code, once both ends can work it out; null before, and where no person is asked. */
  code: z.string().nullable(),
  /** The person types the code in at the panel: read it out, it is not shown there. */
  typed: z.boolean(),
  answerBeforeMs: z.number().nullable(),
  passed: z.array(z.string()),
  accessServer: z.object({ name: z.string(), site: z.string() }).nullable(),
  failure: Failure.nullable(),
})
export type RequestProgress = z.infer<typeof RequestProgress>

/** Of this workstation's keys. `waiting`: new ones that the security office has not certified yet, by the short fingerprint that people compare. */
export const KeysStatus = z.object({
  state: z.enum(['missing', 'waiting', 'ready', 'expired']),
  /** `pin`: each request asks for it. */
  current: z.object({ fingerprint: z.string(), untilMs: z.number(), pin: z.boolean() }).nullable(),
  waiting: z.object({ fingerprint: z.string() }).nullable(),
})
export type KeysStatus = z.infer<typeof KeysStatus>

const pin = z.string().min(1).max(200)

export const SessionView = z.object({
  requestId: RequestId,
  device: z.object({ id: DeviceId, name: z.string(), site: z.string() }),
  access: AccessLevel,
  caseId: z.string(),
  state: z.enum(['open', 'ended']),
  startedMs: z.number(),
  endsMs: z.number(),
  /** What moved, of how much; null: as much as it takes. */
  used: z.object({ bytes: z.number(), maxBytes: z.number() }).nullable(),
  /** So many more minutes are asked for. */
  asksMinutes: z.number().nullable(),
  /** What may hold patient data on this device, and whether somebody there has opened it for this session, or is being asked to. */
  restricted: z.object({ paths: z.array(z.string()), state: z.enum(['shut', 'asked', 'open']) }),
  endedMs: z.number().nullable(),
  endCause: EndCause.nullable(),
  failure: Failure.nullable(),
  approvedBy: z.enum(['policy', 'person']),
  /** The one that carries the session now. */
  accessServer: z.object({ name: z.string(), site: z.string() }),
  /** `interrupted`: nothing reaches the device at the moment, and `failure` says which hop fails; the session waits for it until its time is over. */
  network: z.object({ state: z.enum(['carried', 'interrupted']), standby: z.boolean(), sinceMs: z.number(), failure: Failure.nullable() }),
  /** The device account that the shell runs as, and whether it is apart from the agent's. */
  user: z.string(),
  separated: z.boolean(),
  /** Whether its programs have a network there. */
  reach: z.enum(['none', 'open']),
  /** The audit chain of this session, checked as it arrived. */
  auditVerified: z.boolean(),
})
export type SessionView = z.infer<typeof SessionView>

export const Transfer = z.object({
  id: TransferId,
  requestId: RequestId,
  direction: z.enum(['put', 'get']),
  name: z.string(),
  from: z.string(),
  to: z.string(),
  /** `waiting`: the connection is interrupted, and the transfer goes on when it is back. `paused`: the person has stopped it for now. */
  state: z.enum(['queued', 'running', 'paused', 'waiting', 'verifying', 'done', 'failed', 'cancelled']),
  bytes: z.number(),
  totalBytes: z.number().nullable(),
  files: z.number(),
  filesDone: z.number(),
  bytesPerSecond: z.number(),
  /** Of an earlier start of the app: it is `paused` until a session with this device is open and the person lets it go on. */
  waitsFor: z.object({ id: DeviceId, name: z.string() }).nullable(),
  /** True once both ends had the same check of every file (`shared/node/running-check.ts`). */
  verified: z.boolean(),
  failure: Failure.nullable(),
})
export type Transfer = z.infer<typeof Transfer>

export const calls = {
  'app.describe': {
    input: none,
    output: z.object({
      version: z.string(),
      host: z.enum(['electron', 'browser']),
      /** Why the browser host runs, where it does: an error code or word of the sandbox. */
      hostReason: z.string().nullable(),
      platform: z.enum(['linux', 'darwin', 'win32']),
      sandbox: z.boolean(),
      mainServer: z.string(),
      settings: Settings,
      signIn: SignInState,
      lock: LockState,
    }),
  },
  /** Tells the person through the system while the window is behind. `shown` is false where this host cannot. Errors: `session.unknown`. */
  'app.notify': {
    input: z.strictObject({ requestId: RequestId, what: z.enum(['answered', 'turnedDown', 'ended']) }),
    output: z.object({ shown: z.boolean() }),
  },
  /** Writes what support needs into one file of the profile, without secrets and patient data. */
  'app.support-bundle': { input: none, output: z.object({ path: z.string() }) },
  'settings.change': { input: Settings.partial(), output: Settings },
  'sign-in.start': { input: none, output: none },
  'sign-in.cancel': { input: none, output: none },
  'sign-in.out': { input: none, output: none },
  /** Ends the person's sign-in there, and what was opened under it. */
  'sign-in.end-elsewhere': { input: z.strictObject({ place: SignInPlace.shape.place }), output: none },

  /** The person did something: the time until the lock begins anew. */
  'lock.touch': { input: none, output: none },
  /** Resolves once the person has confirmed in the browser who they are. Errors: `auth.*`, `server.*`. */
  'lock.open': { input: none, output: none },

  'keys.status': { input: none, output: KeysStatus },
  'keys.create': { input: z.strictObject({ pin }), output: KeysStatus },
  /** What is carried to the security office. */
  'keys.request': { input: none, output: z.object({ request: z.string() }) },

  'device.list': { input: none, output: z.object({ devices: z.array(DeviceRow), atMs: z.number(), offline: z.boolean() }) },
  'device.show': clientApi['device.show'],

  'request.start': {
    input: z.strictObject({
      deviceId: DeviceId,
      access: AccessLevel,
      serviceKind: ServiceKind,
      reason: z.string().min(1).max(requestLimits.maxReasonCharacters),
      caseId: z.string().min(1).max(requestLimits.maxCaseCharacters),
      minutes: z.number().int().min(requestLimits.minMinutes).max(requestLimits.maxMinutes),
      /** Where the support key lies behind one. */
      pin: pin.optional(),
    }),
    output: z.object({ requestId: RequestId }),
  },
  'request.cancel': { input: z.strictObject({ requestId: RequestId }), output: none },
  'request.list': { input: none, output: z.object({ requests: z.array(RequestProgress) }) },
  'history.list': { input: none, output: z.object({ requests: z.array(AccessRequestView) }) },

  ...caseCalls,

  'session.list': { input: none, output: z.object({ sessions: z.array(SessionView) }) },
  'session.end': { input: z.strictObject({ requestId: RequestId }), output: none },
  'session.ask-restricted': { input: z.strictObject({ requestId: RequestId }), output: none },
  'session.ask-time': { input: z.strictObject({ requestId: RequestId, minutes: MoreMinutes }), output: none },
  'session.activity': { input: z.strictObject({ requestId: RequestId }), output: z.object({ events: z.array(AuditEvent), verified: z.boolean() }) },

  'terminal.open': {
    input: z.strictObject({ requestId: RequestId, columns: z.number().int().min(2).max(1000), rows: z.number().int().min(2).max(500) }),
    output: z.object({ terminalId: TerminalId }),
  },
  'terminal.write': { input: z.strictObject({ terminalId: TerminalId, data: z.string().max(1_000_000) }), output: none },
  'terminal.resize': {
    input: z.strictObject({ terminalId: TerminalId, columns: z.number().int().min(2).max(1000), rows: z.number().int().min(2).max(500) }),
    output: none,
  },
  /** The window has drawn so many characters: flow control, so that a flood waits at the device. */
  'terminal.drawn': { input: z.strictObject({ terminalId: TerminalId, characters: z.number().int().min(0) }), output: none },
  'terminal.close': { input: z.strictObject({ terminalId: TerminalId }), output: none },

  'action.run': { input: z.strictObject({ requestId: RequestId, action: z.string().max(60), input: z.unknown() }), output: z.object({ output: z.unknown() }) },

  'local.list': {
    input: z.strictObject({ path: localPath.nullable() }),
    output: z.object({ path: z.string(), parent: z.string().nullable(), entries: z.array(FileEntry), freeBytes: z.number() }),
  },
  'local.make-folder': { input: z.strictObject({ path: localPath }), output: none },
  'remote.list': {
    input: z.strictObject({ requestId: RequestId, path: remotePath }),
    output: z.object({ entries: z.array(FileEntry), freeBytes: z.number() }),
  },
  'remote.make-folder': { input: z.strictObject({ requestId: RequestId, path: remotePath }), output: none },
  'remote.rename': { input: z.strictObject({ requestId: RequestId, from: remotePath, to: remotePath }), output: none },
  'remote.delete': { input: z.strictObject({ requestId: RequestId, path: remotePath }), output: none },

  /** Files or folders, with everything below them; `to` is the folder they go into. Errors of one file are in its transfer and end nothing else. */
  'transfer.start': {
    input: z.strictObject({
      requestId: RequestId,
      direction: z.enum(['put', 'get']),
      from: z.array(z.string().min(1).max(4_096)).min(1).max(1_000),
      to: z.string().min(1).max(4_096),
      replace: z.boolean(),
    }),
    output: z.object({ transferIds: z.array(TransferId) }),
  },
  'transfer.cancel': { input: z.strictObject({ transferId: TransferId }), output: none },
  /** Stops one for now, or lets it go on from where it is. One that is over stays as it is. */
  'transfer.pause': { input: z.strictObject({ transferId: TransferId, paused: z.boolean() }), output: none },
  /** `failure`: what an earlier start left could not be read, so none of it is listed. */
  'transfer.list': { input: none, output: z.object({ transfers: z.array(Transfer), failure: Failure.nullable() }) },
  'transfer.forget': { input: z.strictObject({ transferIds: z.array(TransferId) }), output: none },
  ...receivedCalls,

  ...compareCalls,
  ...updateCalls,

  'audit.verify': {
    input: none,
    output: z.object({
      stores: z.array(
        z.object({ path: z.string(), ok: z.boolean(), events: z.number(), fault: z.object({ line: z.number().nullable(), what: z.string() }).nullable() }),
      ),
    }),
  },
} satisfies Contract

export const events = {
  'sign-in.changed': SignInState,
  'keys.changed': KeysStatus,
  'lock.changed': LockState,
  'device.changed': DeviceRow,
  /** Devices may have come or gone: the list is read again. */
  'device.list-changed': none,
  'request.changed': RequestProgress,
  'session.changed': SessionView,
  'session.activity': z.object({ requestId: RequestId, event: AuditEvent, verified: z.boolean() }),
  'terminal.data': z.object({ terminalId: TerminalId, data: z.string() }),
  'terminal.closed': z.object({ terminalId: TerminalId, exitCode: z.number().nullable(), failure: Failure.nullable() }),
  'transfer.changed': Transfer,
  'update.changed': UpdateStatus,
  /** Whether the main server answers. */
  'connection.changed': z.object({ online: z.boolean(), sinceMs: z.number(), failure: Failure.nullable() }),
} satisfies Record<string, z.ZodType>

export type Calls = typeof calls
export type CallName = keyof Calls
export type CallInput<N extends CallName> = Input<Calls, N>
export type CallOutput<N extends CallName> = Output<Calls, N>
export type EventName = keyof typeof events
export type EventPayload<N extends EventName> = z.infer<(typeof events)[N]>
