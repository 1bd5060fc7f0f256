import type { Duplex } from 'node:stream'
import type { EndCause } from '@gantry/shared/access-request.ts'
import type { ActionName } from '@gantry/shared/actions.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { CaseKey, CaseView } from '@gantry/shared/case-api.ts'
import type { AccessRequestView, DeviceRow } from '@gantry/shared/client-api.ts'
import type { Handlers, Input, Output } from '@gantry/shared/contract.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import type { FileCallName, FileCalls } from '@gantry/shared/files.ts'
import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import type {
  CallInput,
  CallOutput,
  Calls,
  EventName,
  EventPayload,
  KeysStatus,
  RequestProgress,
  SessionView,
  Settings,
  SignInState,
  Transfer,
} from '@gantry/shared/ipc.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { CertificatePayload, CompactJws, Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import type { UpdateFile, UpdateFormat, UpdateTarget } from '@gantry/shared/update-manifest.ts'
import type { Lock } from './lock.ts'
import type { FindProxy } from './main-server/proxy-routes.ts'
import type { SecretStore } from './secret-store.ts'

/** What the services are to the shells around them: the window's hosts use `handlers` and `on`, the command line the rest. */
export type ServicesOptions = {
  /** Settings, log, audit: made with mode 0700 where missing. */
  profileDir: string
  /** Origin of the main server's listener for people, as `https://host[:port]`. */
  mainServer: string
  /** Further names of the same main server, tried in this order where the first does not answer (R024). */
  otherNames?: readonly string[] | undefined
  /** PEM text of the only CA that the servers' certificates may chain to. */
  ca: string
  secretStore: SecretStore
  /** Shows the sign-in page. It may fail: the link is in `SignInState` too. */
  openBrowser: (url: string) => void | Promise<void>
  /** How the proxy of this computer's network is found, beside its environment (R046). */
  findProxy?: FindProxy
  /** The environment that the process was started with. */
  env?: NodeJS.ProcessEnv
  /** Shows a notice of the system; absent where the host has none. */
  showNotice?: (notice: SystemNotice) => void
  /** What leaves the window for the desktop around it; absent where the host has none. */
  desktop?: Desktop
  /** Absent for the command line, which is not updated by itself. */
  updates?: UpdateSetup
  party: 'desktop' | 'command-line'
  about: { version: string; host: 'electron' | 'browser'; hostReason: string | null; sandbox: boolean }
  /** What the system speaks: the window's language until somebody chooses one. Default: English. */
  language?: Settings['language']
  /** Instead of the file in the profile. */
  log?: ServiceLog
  /** Milliseconds since 1970; the computer's clock where it is left out. */
  now?: () => number
}

/** How a host installs what was verified; or why it does not. */
export type UpdateSetup = { key: PublicJwk; target: UpdateTarget; installer: UpdateInstaller } | { unsupported: NonNullable<UpdateStatus['unsupported']> }
export type VerifiedUpdate = {
  release: string
  path: string
  file: UpdateFile /** A copy of what runs now, or of what ran before it. */
  before: string | null
}
export type UpdateInstaller = {
  format: UpdateFormat
  /** Where the app that runs is one file (an AppImage): it is kept before another takes its place. */
  runningFile: string | null
  /** Makes it ready; nothing has changed until what it returns is called, which ends this app and starts the new one. Throws where it could not. */
  prepare(update: VerifiedUpdate): Promise<() => Promise<void>>
}

export type Desktop = {
  /** False, and nothing is dragged, where no button is held down in the window. */
  drag(paths: readonly string[]): boolean
  /** In the system's file manager. */
  show(path: string): void
}

export type SystemNotice = { title: string; body: string; silent: boolean }

/** Messages and facts without secrets and without anything a device said. */
export type ServiceLog = {
  info(message: string, facts?: LogFacts): void
  warn(message: string, facts?: LogFacts): void
  error(message: string, facts?: LogFacts): void
}
export type LogFacts = Record<string, string | number | boolean | null>

export type Services = {
  handlers: Handlers<Calls, unknown>
  /** Returns the function that stops it. */
  on<N extends EventName>(name: N, listener: (payload: EventPayload<N>) => void): () => void
  signIn: SignIn
  lock: Pick<Lock, 'state' | 'touch' | 'now' | 'open'>
  devices: Devices
  cases: Cases
  requests: Requests
  sessions: Sessions
  transfers: Transfers
  keys: Keys
  audit: ClientAudit
  /** The client's own log; null where `options.log` was given. */
  logPath: string | null
  updates: AppUpdates
  settings: { read(): Settings; change(part: { [K in keyof Settings]?: Settings[K] | undefined }): Promise<Settings> }
  /** Ends every session (cause `specialist`), cancels requests and transfers, stops all. Safe to call twice; 5 s at most. */
  close(): Promise<void>
}

export type Confirming = NonNullable<SignInState['confirming']>
export type SignIn = {
  state(): SignInState
  /** Reads a kept sign-in: no browser, no network. Never throws: what is wrong is in the state. `createServices` has done it already. */
  restore(): Promise<SignInState>
  /** Opens the browser, waits for the answer (120 s at most), resolves when signed in. Errors: `auth.*`, `server.*`. */
  start(options?: { signal?: AbortSignal }): Promise<SignInState>
  /**
   * Asks the person who is signed in for both factors again; requests, sessions and tabs stay. Errors: as `start`, and `auth.other-person`, after which nothing has
   * changed.
   */
  confirm(why: Confirming, options?: { signal?: AbortSignal | undefined }): Promise<SignInState>
  cancel(): void
  /** Ends the person's own sign-in at another place, and what was opened under it. Errors: `auth.*`, `server.*`. */
  endElsewhere(place: Hash): Promise<void>
  /** Revokes the tokens at the main server where it answers, and forgets them here in any case. */
  out(): Promise<void>
}

export type Devices = {
  /** Offline: the list of the last good answer, with its age (`atMs`). Errors: `auth.*`, `server.*` when there is none. */
  list(): Promise<CallOutput<'device.list'>>
  show(deviceId: DeviceId): Promise<CallOutput<'device.show'>>
  /** By id or by name, upper and lower case alike. Errors: `device.unknown`, `device.ambiguous`. */
  find(idOrName: string): Promise<DeviceRow>
}

export type Cases = {
  /** Those that the person holds, began or asked for access in; newest first. Errors of all: `auth.*`, `server.*`. */
  list(): Promise<CaseView[]>
  /** `customer` by id or name. Errors: `case.unknown`, `case.ambiguous` where more than one customer has that number. */
  find(number: string, customer?: string): Promise<CaseView>
  colleagues(key: CaseKey): Promise<CallOutput<'case.colleagues'>['colleagues']>
  /** Errors: `case.unknown`, `case.closed`, `case.not-held`, `case.not-allowed`, `case.colleague-unknown`. */
  escalate(key: CaseKey, given: { to: string; reason: string }): Promise<CaseView>
  /** Ends every session and request in it. Errors: `case.unknown`, `case.closed`, `case.not-held`, `case.not-allowed`. */
  close(key: CaseKey, resolution: string): Promise<CaseView>
}

export type AskInput = Omit<CallInput<'request.start'>, 'pin'>
export type AskOptions = {
  /** Cancels the request at any point before the session is open; the session itself lives on after that. */
  signal?: AbortSignal
  /** In place of a fresh one (`ssh-config`, whose public half is printed beforehand). */
  sessionKey?: SigningKey
  /** Opens the support key, where it lies behind one. */
  pin?: string | undefined
  /** Somebody waits for a terminal: the session's first one is opened together with it, so that it is there when `openTerminal` asks. */
  terminal?: TerminalOptions | undefined
  onProgress?: (progress: RequestProgress) => void
}
/** `session` rejects with the refusal (`access.*`, `leg.*`, `device.*` …). */
export type Asked = { requestId: RequestId; session: Promise<Session>; cancel(): Promise<void> }

export type Requests = {
  /**
   * Signs and sends a request; resolves once the main server has stored it. Errors: the policy's refusals, `auth.*`, `server.*`. In the
   * window the person is asked again first where the second factor is too old for the level.
   */
  ask(input: AskInput, options?: AskOptions): Promise<Asked>
  cancel(requestId: RequestId): Promise<void>
  list(): RequestProgress[]
  history(): Promise<AccessRequestView[]>
}

export type Sessions = {
  list(): SessionView[]
  /** Errors: `session.unknown`. */
  get(requestId: RequestId): Session
  terminal(terminalId: string): Terminal
}

export type Session = {
  requestId: RequestId
  /** The device's SSH account name and its host key (`ecdsa-sha2-nistp256 AAAA…`), both from signed answers. */
  username: string
  hostKey: string
  /** Which way the ticket lets files go; the device's own rules may allow less. */
  directions: { put: boolean; get: boolean }
  view(): SessionView
  activity(): { events: AuditEvent[]; verified: boolean }
  /** A pty with the shell (`os`) or the service menu (`application`). Errors: `session.channel-refused`, `session.ended`. */
  openTerminal(options: TerminalOptions): Promise<Terminal>
  /** A command without a pty, as a byte stream (`os` only). */
  exec(command: string, options?: { signal?: AbortSignal }): Promise<Exec>
  runAction(action: ActionName | (string & {}), input: unknown, options?: { signal?: AbortSignal }): Promise<unknown>
  files: Files
  /** A further leg `control-N` of this session, raw: whoever holds it speaks SSH on it (OpenSSH through `ssh-config`). */
  openControlLeg(options?: { signal?: AbortSignal }): Promise<Duplex>
  /** So many more minutes; the person at the device may be asked. Errors: those of `time.ask` in `shared/session-api.ts`, `session.ended`. */
  askTime(minutes: number): Promise<void>
  /** Opens what may hold patient data for the rest of the session; the person at the device is asked. Errors: those of `restricted.ask` there, `session.ended`. */
  askRestricted(): Promise<void>
  end(): Promise<void>
  ended: Promise<{ cause: EndCause; failure: Failure | null }>
}

export type TerminalOptions = { columns: number; rows: number; term?: string }
export type Terminal = {
  id: string
  requestId: RequestId
  /** Output from the first byte on, also what came before the listener; one listener only. */
  onData(listener: (data: string) => void): void
  write(data: string | Uint8Array): void
  resize(columns: number, rows: number): void
  /** So many characters of `onData` were drawn: above 100,000 undrawn the device is held back until fewer than 5,000 are left. */
  drawn(characters: number): void
  close(): void
  closed: Promise<{ exitCode: number | null; failure: Failure | null }>
}

/** stdout and stdin as the stream itself, stderr beside it; back-pressure reaches the device. */
export type Exec = { stream: Duplex; stderr: NodeJS.ReadableStream; exit: Promise<{ code: number | null; signal: string | null }> }

/** The device's files over the files leg, which is opened at the first call and again after a break; what was under way then fails with `server.unreachable`. */
export type Files = {
  call<N extends Exclude<FileCallName, 'files.read' | 'files.write'>>(
    name: N,
    input: Input<FileCalls, N>,
    options?: { signal?: AbortSignal },
  ): Promise<Output<FileCalls, N>>
  /** `receive` takes the octets one block after the other, and the next comes when it has; the block is used again after that. Resolves when all are taken. */
  read(
    input: Input<FileCalls, 'files.read'>,
    receive: (octets: Buffer, file: Output<FileCalls, 'files.read'>) => Promise<void>,
    options?: { signal?: AbortSignal },
  ): Promise<Output<FileCalls, 'files.read'>>
  /** `fill` puts the next octets into the block that it is given and says how many; 0 at the end. */
  write(input: Input<FileCalls, 'files.write'>, fill: (block: Buffer) => Promise<number>, options?: { signal?: AbortSignal }): Promise<{ size: number }>
}

export type Transfers = {
  /** One transfer for each of `from`; `as` gives a single one another name at its destination. Errors of a file are in its transfer and end nothing else. */
  start(input: CallInput<'transfer.start'>, options?: { as?: string | undefined }): Promise<{ transferIds: string[] }>
  cancel(transferId: string): void
  /** Contents stop moving where they are, and its turn is another's; `resume` goes on from there. Of one that an earlier start left: `session.unknown` while none is open with its device. */
  pause(transferId: string): void
  resume(transferId: string): void
  /** Those of this start, and what an earlier one left of the person who is signed in. */
  list(): Transfer[]
  /** Why nothing is there of what an earlier start left; null where nothing is wrong. */
  unread(): Failure | null
  forget(transferIds: string[]): void
  /** Resolves with the transfer once it is done, failed or cancelled. */
  finished(transferId: string): Promise<Transfer>
  /** Where a finished download lies. Errors: those of `shared/received-calls.ts`. */
  place(transferId: string): Promise<string>
}

/** The app's own updates. All but `status`, `look` and `close` throw `update.unsupported` where the host does not update itself. */
export type AppUpdates = {
  status(): UpdateStatus
  /** Asks the main server, and fetches what it offers; also done every few hours. What is wrong is in the status. */
  check(): Promise<UpdateStatus>
  download(): UpdateStatus
  cancel(): UpdateStatus
  /** Now, or as soon as no session is open and no request on its way. Errors: `update.not-ready`. */
  install(): UpdateStatus
  postpone(): UpdateStatus
  /** To be called when a session or request has changed. */
  look(): void
  close(): void
}

export type SpecialistKeys = { specialist: SigningKey; support: SigningKey; certificate: CompactJws; payload: CertificatePayload }
export type Keys = {
  /**
   * Both keys, for a request and its session. Errors: `auth.keys-missing`, `auth.keys-waiting`, `auth.keychain-missing`, `auth.certificate-expired`, and of the PIN
   * `auth.pin-needed`, `auth.pin-wrong {triesLeft}`, `auth.pin-blocked {seconds}`.
   */
  load(pin?: string | undefined): Promise<SpecialistKeys>
  /** Without the PIN: to take a request back, or end its session. Errors as `load` but for the PIN's. */
  loadSpecialist(): Promise<Omit<SpecialistKeys, 'support'>>
  status(): Promise<KeysStatus>
  /** Two new keys for who is signed in, the support key behind this PIN; what is certified goes on until they are. Errors: `auth.pin-short {min}`, `auth.*`, `server.*`. */
  create(pin: string): Promise<KeysStatus>
  /** What is carried to the security office: JSON text, signed by both new keys. Errors: `auth.keys-missing` where none wait. */
  request(): Promise<string>
  /** Asks the main server for a certificate over the keys here. Errors: `auth.*`, `server.*`. */
  takeOver(): Promise<KeysStatus>
}

export type ClientAudit = {
  path: string
  verify(): Promise<CallOutput<'audit.verify'>>
}
