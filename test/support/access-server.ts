import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessServer, type ServerTools, startAccessServer } from '../../cloud/access-server/access-server.ts'
import { Config, type ConfigInput } from '../../cloud/access-server/config.ts'
import { newId } from '../../shared/ids.ts'
import { type Ca, createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { generateSigningKey, type SigningKey, sha256, signJws } from '../../shared/node/signing.ts'
import type { AccessServerRef, CompactJws, TicketPayload } from '../../shared/ticket.ts'
import { allLimits } from './people.ts'

/** What two access servers of one vendor share. */
export type LegKeys = { ca: Ca; ticketKey: SigningKey; sessionKey: SigningKey; deviceKey: SigningKey }

/** An access server on loopback with a CA, a ticket key and the two keys of one session, as the main server and both ends would have them. */
export type LegWorld = {
  server: AccessServer
  ref: AccessServerRef
  ca: string
  ticketKey: SigningKey
  sessionKey: SigningKey
  deviceKey: SigningKey
  keys: LegKeys
  stateDir: string
  /** After its `server.close()`: another one under the same name and port. */
  restart(): Promise<void>
  ticket(change?: Partial<TicketPayload>): Promise<{ text: CompactJws; payload: TicketPayload }>
  close(): Promise<void>
}

/** `name` and `keys` are for a second server of the same vendor. */
export type LegWorldTools = ServerTools & { name?: string; keys?: LegKeys }

export async function startLegWorld(limits: Partial<NonNullable<ConfigInput['limits']>> = {}, tools: LegWorldTools = {}): Promise<LegWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'legs-'))
  const { name = 'north-1', keys = await createKeys(), ...serverTools } = tools
  const { ca, ticketKey, sessionKey, deviceKey } = keys
  const issued = await issueServerCertificate(ca, { hosts: ['127.0.0.1', 'localhost', 'access.example'] })
  const tls = { cert: join(folder, 'server.pem'), key: join(folder, 'server.key') }
  writeFileSync(tls.cert, issued.certificatePem)
  writeFileSync(tls.key, issued.keyPem, { mode: 0o600 })
  const stateDir = join(folder, 'state')
  const config: ConfigInput = {
    name,
    site: 'North',
    host: '127.0.0.1',
    port: 0,
    tls,
    ticketKey: ticketKey.publicJwk,
    stateDir,
    limits: { drainMs: 200, ...limits },
  }
  const server = await startAccessServer(Config.parse(config), serverTools)
  const ref: AccessServerRef = { name, site: name === 'north-1' ? 'North' : 'South', host: '127.0.0.1', port: server.port }
  const ticket = async (change: Partial<TicketPayload> = {}) => {
    const payload = ticketPayload({ ref, sessionKey, deviceKey, change })
    return { payload, text: await signJws('ticket', payload, ticketKey) }
  }
  const close = async () => {
    await world.server.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const restart = async () => {
    world.server = await startAccessServer(Config.parse({ ...config, port: ref.port }), serverTools)
  }
  const world: LegWorld = { server, ref, ca: ca.certificatePem, ticketKey, sessionKey, deviceKey, keys, stateDir, ticket, close, restart }
  return world
}

async function createKeys(): Promise<LegKeys> {
  return { ca: await createCa('Test servers'), ticketKey: generateSigningKey(), sessionKey: generateSigningKey(), deviceKey: generateSigningKey() }
}

type Parts = { ref: AccessServerRef; sessionKey: SigningKey; deviceKey: SigningKey; change: Partial<TicketPayload> }

function ticketPayload({ ref, sessionKey, deviceKey, change }: Parts): TicketPayload {
  const now = Math.floor(Date.now() / 1000)
  return {
    version: 1,
    id: newId('tkt'),
    requestId: newId('req'),
    requestHash: sha256('a request'),
    deviceId: newId('dev'),
    specialistId: newId('spc'),
    access: 'os',
    limits: allLimits,
    ask: false,
    minutes: 30,
    sessionKey: sessionKey.publicJwk,
    deviceKey: deviceKey.publicJwk,
    accessServer: ref,
    fallback: null,
    issuedAt: now,
    joinBefore: now + 300,
    ...change,
  }
}

/** What it says of itself to whoever asks. */
export function health(world: LegWorld): Promise<{ status: number | undefined; body: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: unknown }>()
  const request = get(`${world.server.origin}/healthz`, { ca: world.ca, agent: new Agent({ keepAlive: false }) }, async (response) => {
    let text = ''
    for await (const chunk of response) text += chunk
    resolve({ status: response.statusCode, body: JSON.parse(text) })
  })
  request.on('error', reject)
  return promise
}
