import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client, ClientChannel } from 'ssh2'
import ssh2 from 'ssh2'
import type { SessionConfig, SessionPolicy, SessionTools } from '../../agent/session/grant.ts'
import { openSession } from '../../agent/session/open-session.ts'
import type { EndCause } from '../../shared/access-request.ts'
import type { AuditLine } from '../../shared/audit.ts'
import { AppError } from '../../shared/errors.ts'
import { type DeviceId, newId, type RequestId, type SpecialistId, type TicketId } from '../../shared/ids.ts'
import { openAuditLog } from '../../shared/node/audit-log.ts'
import { createLineClient, type LineClient } from '../../shared/node/lines.ts'
import { generateSigningKey, newNonce, privatePem, type SigningKey } from '../../shared/node/signing.ts'
import type { AgentToPanel, PanelToAgent } from '../../shared/panel.ts'
import type { AccessLevel, ProfileLimits } from '../../shared/profile.ts'
import { maxSessionLineBytes, type SessionCalls, sessionCalls, subsystems } from '../../shared/session-api.ts'
import type { AccessServerRef, CompactJws, LegName } from '../../shared/ticket.ts'
import { hostKeyLine } from './host-key.ts'
import { allLimits } from './people.ts'
import { wire } from './wire.ts'

/** One approved session of the agent, real but for its legs: they are wires in memory, and `dial` is the other end. */
export type TestSession = {
  requestId: RequestId
  username: string
  keys: { session: SigningKey; support: SigningKey; host: SigningKey }
  folder: string
  filesRoot: string
  config: SessionConfig
  panel: AgentToPanel[]
  /** What the person at the panel does. */
  press(message: PanelToAgent): void
  /** The lines of the device's audit, whole. */
  audited(): AuditLine[]
  /** The client's end of a leg; waits until the agent dials it. */
  dial(leg: LegName): Promise<Duplex>
  end(cause: EndCause): void
  done: Promise<EndCause>
  /** From now on nothing can be audited. */
  breakAudit(): void
  close(): Promise<void>
}

export type TestSessionOptions = {
  access?: AccessLevel
  minutes?: number
  policy?: Partial<SessionPolicy>
  config?: Partial<SessionConfig>
  tools?: Partial<SessionTools>
  limits?: Partial<ProfileLimits>
  /** What lies in the device's files before it begins. */
  prepare?: (filesRoot: string) => void
}

export const isRoot = process.getuid?.() === 0
export const nobody = { uid: 65_534, gid: 65_534, name: 'nobody', home: '/nonexistent' }
const accessServer: AccessServerRef = { name: 'north-1', site: 'North', host: '127.0.0.1', port: 1 }

export function startTestSession(options: TestSessionOptions = {}): TestSession {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-session-'))
  chmodSync(folder, 0o711)
  const filesRoot = join(folder, 'files')
  mkdirSync(filesRoot, { mode: 0o700 })
  if (isRoot) chownSync(filesRoot, nobody.uid, nobody.gid)
  options.prepare?.(filesRoot)
  const keys = { session: generateSigningKey(), support: generateSigningKey(), host: generateSigningKey() }
  const auditLog = openAuditLog({ folder: join(folder, 'log'), key: generateSigningKey(), party: 'device', keepsPrivate: true })
  const legs = createLegDesk()
  const panel: AgentToPanel[] = []
  const listeners = new Set<(press: PanelToAgent) => void>()
  const controller = new AbortController()
  const config: SessionConfig = {
    filesRoot,
    user: isRoot ? nobody : null,
    network: isRoot ? 'none' : 'open',
    sockets: [],
    shell: '/bin/bash',
    service: { restart: [], status: [], menu: ['/bin/sh', '-c', 'echo "service menu"; read answer; echo "chosen: $answer"'], log: join(folder, 'service.log') },
    language: 'en',
    versions: { agent: '0.1.0' },
    ...options.config,
  }
  let broken = false
  let closed = false
  const grant = createGrant(keys, options)
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const done = openSession({
    grant,
    signal: controller.signal,
    tools: {
      openLeg: (leg, { signal = controller.signal }) => legs.open(leg, signal),
      hostKey: keys.host.privateKey,
      audit(event) {
        if (broken) throw new AppError('audit.unavailable')
        return auditLog.append(event)
      },
      auditLog,
      tellPanel: (message) => void panel.push(message),
      onPress(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
      config,
      log: silent,
      ...options.tools,
    },
  })
  done.catch(() => undefined)
  return {
    ...{ requestId: grant.request.id, username: grant.certificate.username, keys, folder, filesRoot, config, panel, done },
    press(message) {
      for (const listener of [...listeners]) listener(message)
    },
    audited: () => [...auditLog.read()],
    dial: legs.dial,
    end: (cause) => controller.abort(cause),
    breakAudit() {
      broken = true
    },
    async close() {
      if (closed) return
      closed = true
      controller.abort('agent-stopped')
      await done.catch(() => undefined)
      auditLog.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function createGrant(keys: TestSession['keys'], { access = 'os', minutes = 30, policy, limits }: TestSessionOptions) {
  const [deviceId, specialistId, requestId] = [newId<DeviceId>('dev'), newId<SpecialistId>('spc'), newId<RequestId>('req')]
  const now = Math.floor(Date.now() / 1_000)
  const sessionKey = keys.session.publicJwk
  return {
    request: {
      ...{ version: 1 as const, id: requestId, deviceId, specialistId, access, serviceKind: 'support' as const, reason: 'The console reacts slowly' },
      ...{ caseId: '48213', minutes, sessionKey, commitment: newNonce(), issuedAt: now },
    },
    ticket: {
      ...{ version: 1 as const, id: newId<TicketId>('tkt'), requestId, requestHash: newNonce(), deviceId, specialistId, access, minutes, sessionKey },
      ...{
        deviceKey: generateSigningKey().publicJwk,
        accessServer,
        fallback: null,
        limits: { ...allLimits, ...limits },
        ask: false,
        issuedAt: now,
        joinBefore: now + 300,
      },
    },
    ticketText: 'a.b.c' as CompactJws,
    certificate: {
      ...{ version: 1 as const, specialistId, username: 'asha.rao', name: 'Asha Rao', employer: 'Example Imaging', country: 'US' },
      ...{ specialistKey: generateSigningKey().publicJwk, supportKey: keys.support.publicJwk, issuedAt: now, expiresAt: now + 86_400 },
    },
    approvedBy: 'person' as const,
    policy: {
      idleMinutes: 15,
      sessionMinutes: 480,
      maxBytes: null,
      files: { toDevice: true, fromDevice: true, maxFileBytes: 1024 ** 4, paths: null, restricted: [] },
      actions: '*' as const,
      ...policy,
    },
  }
}

/** Both ends of each leg meet here, whoever comes first. */
function createLegDesk() {
  const waiting = new Map<LegName, PromiseWithResolvers<Duplex>>()
  const place = (leg: LegName) => {
    const one = waiting.get(leg) ?? Promise.withResolvers<Duplex>()
    waiting.set(leg, one)
    return one
  }
  return {
    async open(leg: LegName, signal: AbortSignal): Promise<Duplex> {
      signal.throwIfAborted()
      const [agentEnd, clientEnd] = wire()
      clientEnd.on('error', () => undefined)
      place(leg).resolve(clientEnd)
      return agentEnd
    },
    async dial(leg: LegName): Promise<Duplex> {
      const end = await place(leg).promise
      waiting.delete(leg)
      return end
    },
  }
}

const sec1 = (key: SigningKey) => key.privateKey.export({ type: 'sec1', format: 'pem' }).toString()

/** An SSH connection with the given keys, offered in that order; rejects when the device says no. */
export async function connectWith(
  session: TestSession,
  leg: Duplex,
  { keys, username = session.username }: { keys: SigningKey[]; username?: string },
): Promise<Client> {
  const client = new ssh2.Client()
  const offers = keys.map((key) => ({ type: 'publickey' as const, username, key: sec1(key) }))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  client.once('ready', resolve)
  client.on('error', reject)
  client.once('close', () => reject(new Error('closed')))
  client.connect({ sock: leg as never, username, authHandler: (_left, _partial, next) => next((offers.shift() ?? false) as never) })
  await promise
  return client
}

/** Through both levels, on the first leg unless said otherwise. */
export async function connect(session: TestSession, leg: LegName = 'control-1'): Promise<Client> {
  return connectWith(session, await session.dial(leg), { keys: [session.keys.session, session.keys.support] })
}

export function subsystem(client: Client, name: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => client.subsys(name, (error, channel) => (error ? reject(error) : resolve(channel))))
}

export async function sessionChannel(client: Client): Promise<LineClient<SessionCalls>> {
  return createLineClient(sessionCalls, await subsystem(client, subsystems.session), { maxBytes: maxSessionLineBytes })
}

export type Ran = { code: number | null; signal: string | null; stdout: Buffer; stderr: Buffer }

/** Runs a command and collects what it says; `input` is sent, then end of file. */
export async function exec(client: Client, command: string, input?: Buffer | string): Promise<Ran> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => client.exec(command, (error, opened) => (error ? reject(error) : resolve(opened))))
  return collect(channel, input)
}

export async function collect(channel: ClientChannel, input?: Buffer | string): Promise<Ran> {
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
  channel.on('data', (chunk: Buffer) => stdout.push(chunk))
  channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    let exit: { code: number | null; signal: string | null } = { code: null, signal: null }
    channel.on('exit', (code: number | null, signal?: string) => {
      exit = { code, signal: signal ?? null }
    })
    channel.once('close', () => resolve(exit))
  })
  channel.end(input ?? '')
  return { ...(await ended), stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }
}

/** OpenSSH's own programs against the session: every connection is a joined leg, as `ssh-config` makes them. */
export type OpenSsh = { config: string; host: string; close(): void }

export async function prepareOpenSsh(session: TestSession, channel: LineClient<SessionCalls>): Promise<OpenSsh> {
  const { folder, keys } = session
  const path = (name: string) => join(folder, name)
  const socket = path('ssh.sock')
  const server: Server = createServer((local) => {
    local.on('error', () => undefined)
    void bridge(local).catch(() => local.destroy())
  })
  const bridge = async (local: Duplex) => {
    const { leg } = await channel.call('leg.open', { kind: 'control' })
    const remote = await session.dial(leg)
    await Promise.allSettled([pipeline(local, remote, local)])
    remote.destroy()
  }
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  for (const name of ['session', 'support'] as const) writeFileSync(path(name), privatePem(keys[name]), { mode: 0o600 })
  writeFileSync(path('known_hosts'), `device ${hostKeyLine(keys.host)}\n`)
  writeFileSync(path('proxy.mjs'), `import net from 'node:net'\nconst s = net.connect(${JSON.stringify(socket)})\nprocess.stdin.pipe(s).pipe(process.stdout)\n`)
  writeFileSync(
    path('ssh_config'),
    [
      'Host device',
      `  User ${session.username}`,
      `  ProxyCommand ${process.execPath} ${path('proxy.mjs')}`,
      `  IdentityFile ${path('session')}`,
      `  IdentityFile ${path('support')}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      '  HostKeyAlias device',
      '  StrictHostKeyChecking yes',
      `  UserKnownHostsFile ${path('known_hosts')}`,
      '  GlobalKnownHostsFile none',
      '  UpdateHostKeys no',
      '  LogLevel ERROR',
      '',
    ].join('\n'),
  )
  return { config: path('ssh_config'), host: 'device', close: () => server.close() }
}
