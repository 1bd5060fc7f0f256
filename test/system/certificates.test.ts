import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAllowedDial } from '../../agent/allowed-dial.ts'
import { silentLog } from '../../agent/log.ts'
import { Config as AccessConfig } from '../../cloud/access-server/config.ts'
import { type Listener as AccessListener, listen } from '../../cloud/access-server/listener.ts'
import { startRegistration } from '../../cloud/access-server/registration.ts'
import { type Listener, openListener } from '../../cloud/main-server/listener.ts'
import { createServices } from '../../main/services/create-services.ts'
import { type DeviceId, newId } from '../../shared/ids.ts'
import {
  type Ca,
  certificateHash,
  createCa,
  createCertificateRequest,
  issueDeviceCertificate,
  issueServerCertificate,
  selfSigned,
} from '../../shared/node/certificates.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { openLeg } from '../../shared/node/leg.ts'
import { refuseRevoked } from '../../shared/node/revoked-certificates.ts'
import { generateSigningKey, privatePem, type SigningKey, sha256, signingKeyFrom } from '../../shared/node/signing.ts'
import type { Hash } from '../../shared/ticket.ts'
import { type ClientWorld, startClientWorld } from '../support/client-world.ts'
import { createTestServer, type TestServer } from '../support/main-server.ts'
import { agentClient, enrolAgent, plainPoll, type TestAgent } from '../support/test-agent.ts'

/**
 * R061, D31: whoever dials, and the one listener that asks who comes, against certificates that are bad in every way there is. Real listeners and the real ways to them. What of it has
 * to do with a wrong clock (D14) is in `shared/node/dial.test.ts`; a joined session under a changed certificate in `cloud/access-server/certificate.test.ts`.
 */
type Pair = { cert: string; key: string }
const ca = await createCa('Servers')
const long = 86_400_000
const hosts = ['127.0.0.1']

async function issued(issuer: Ca, change: { hosts?: string[]; days?: number; now?: number } = {}): Promise<Pair> {
  const { certificatePem, keyPem } = await issueServerCertificate(issuer, { hosts, ...change })
  return { cert: certificatePem, key: keyPem }
}
async function aDevices(issuer: Ca, deviceId = newId<DeviceId>('dev'), change: { days?: number; now?: number; key?: SigningKey } = {}): Promise<Pair> {
  const key = change.key ?? generateSigningKey()
  return { cert: await issueDeviceCertificate(issuer, await createCertificateRequest(key, 'x'), deviceId, change), key: privatePem(key) }
}
async function itsOwn(): Promise<Pair> {
  const { certificatePem, keyPem } = await selfSigned(generateSigningKey())
  return { cert: certificatePem, key: keyPem }
}
const expired = { days: 1, now: Date.now() - 3 * long }
const early = { now: Date.now() + long }
const good = await issued(ca)

const faults: [string, Pair, string][] = [
  ['of another CA of the same name', await issued(await createCa('Servers')), 'server.identity-wrong'],
  ['that signed itself', await itsOwn(), 'server.identity-wrong'],
  ['that has expired', await issued(ca, expired), 'server.identity-wrong'],
  ['that is not valid yet', await issued(ca, early), 'server.identity-wrong'],
  ['of another name', await issued(ca, { hosts: ['elsewhere.example'] }), 'server.identity-wrong'],
  ['that the list revokes', await issued(ca), 'server.certificate-revoked'],
  ['that is a device’s', await aDevices(ca), 'server.identity-wrong'],
]
const revoked: readonly Hash[] = faults.filter(([, , code]) => code === 'server.certificate-revoked').map(([, { cert }]) => certificateHash(cert))

let folder: string
let main: Listener
let access: AccessListener
/** Octets and requests that came through TLS, at either server. */
let heard = 0
let world: ClientWorld

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  main = await openListener({ host: '127.0.0.1', port: 0, pair: good })
  main.serve((_request, response) => {
    heard += 1
    response.writeHead(503).end()
  })
  main.server.on('clientError', (error: Error & { rawPacket?: Buffer }) => {
    heard += error.rawPacket?.length ?? 0
  })
  const { limits } = AccessConfig.shape
  access = await listen({
    ...{ host: '127.0.0.1', port: 0, pair: good, limits: limits.parse({}), onRefused: () => undefined },
    onConnection(socket) {
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        heard += chunk.length
        socket.destroy()
      })
    },
  })
  world = await startClientWorld()
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem)
})
afterAll(async () => {
  await main.close(0)
  await access.close()
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )

/** As `create-services.ts` puts it together, in a profile that has the list from an earlier visit. */
async function byTheClient(): Promise<string> {
  const origin = `https://127.0.0.1:${main.port}`
  const profileDir = mkdtempSync(join(folder, 'client-'))
  writeFileSync(join(profileDir, 'revoked-certificates.json'), JSON.stringify({ version: 1, mainServer: origin, revoked }))
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const openBrowser = () => Promise.reject(new Error('no browser in this test'))
  const services = await createServices({
    profileDir,
    mainServer: origin,
    ca: ca.certificatePem,
    secretStore: world.store,
    about,
    openBrowser,
    party: 'command-line',
  })
  try {
    return await codeOf(services.devices.list())
  } finally {
    await services.close()
  }
}

/** As `duty.ts` puts it together; a leg is what a device opens at a server that a ticket names. */
function byTheAgent(): Promise<string> {
  const server = { name: 'north-1', site: 'North', host: '127.0.0.1', port: access.port }
  const allowed = createAllowedDial(createDialler({ ca: ca.certificatePem }), {
    allowList: () => ({ hosts: [{ host: server.host, port: server.port }] }) as never,
    audit: () => undefined,
    log: silentLog,
  })
  const { dial } = refuseRevoked(allowed, { revoked: () => revoked })
  return codeOf(
    openLeg({ server, dial, ticket: 'a.b.c' as never, ticketId: newId('tkt'), side: 'agent', leg: 'control-1', epoch: 1, key: generateSigningKey() }),
  )
}

/** Its beats, until one was refused or heard. */
async function byTheAccessServer(): Promise<string> {
  const register = { mainServers: [`https://127.0.0.1:${main.port}`], ca: join(folder, 'ca.pem'), key: join(folder, 'beat.key') }
  const ticketKey = generateSigningKey().publicJwk
  const config = AccessConfig.parse({ ...{ name: 'north-1', site: 'North', host: '127.0.0.1', port: 0, ticketKey, stateDir: folder }, tls: good, register })
  const told = Promise.withResolvers<string>()
  const registration = startRegistration({
    ...{ config, register, port: 1, isDraining: () => false, load: () => ({ legs: 0, maxLegs: 1, pairs: 0 }), now: Date.now },
    keys: { mainServer: () => sha256('a key'), revoked: () => revoked, accept: async () => false, follow: async () => false },
    log: (level, facts) => level === 'warn' && told.resolve(String(facts.code)),
  })
  try {
    return await told.promise
  } finally {
    registration.close()
  }
}

const dialling: [string, () => Promise<string>][] = [
  ['the client, of the main server', byTheClient],
  ['the agent, of an access server', byTheAgent],
  ['an access server, of the main server', byTheAccessServer],
]

describe.each(dialling)('the certificate that is shown to %s (R061)', (_who, dialled) => {
  test.each(faults)('%s: refused before a single octet is said', async (_what, pair, code) => {
    main.renew({ pair })
    access.renew(pair)
    heard = 0
    expect(await dialled()).toBe(code)
    expect(heard).toBe(0)
  })

  test('that is good: spoken to, so the others are refused for their certificate', async () => {
    main.renew({ pair: good })
    access.renew(good)
    heard = 0
    expect(await dialled()).toMatch(/^(server\.(answer-bad|unreachable)|leg\.)/)
    expect(heard).toBeGreaterThan(0)
  })
})

describe('the certificate that comes to the main server’s listener for devices (R061, R066)', () => {
  let server: TestServer
  let agent: TestAgent
  let deviceCa: Ca
  beforeAll(async () => {
    server = await createTestServer()
    agent = await enrolAgent(server, server.devices.mine)
    const read = (name: string) => readFileSync(join(server.stateDir, name), 'utf8')
    deviceCa = { certificatePem: read('device-ca.pem'), key: signingKeyFrom(read('device-ca.key')) }
  })
  afterAll(() => server.close())

  const poll = (identity: Partial<Pair>) => codeOf(agentClient(server, identity).call('device.poll', plainPoll(server.now())))
  const own = (): Pair => ({ cert: agent.certificate, key: privatePem(agent.key) })
  function alter(sql: string): void {
    const db = new DatabaseSync(join(server.stateDir, 'gantry.db'))
    db.prepare(sql).run(server.devices.mine.id)
    db.close()
  }

  test.each<[string, () => Promise<Partial<Pair>>]>([
    ['none at all', async () => ({})],
    ['of another CA of the same name', async () => aDevices(await createCa('Gantry devices'), server.devices.mine.id)],
    ['that signed itself', itsOwn],
    ['that has expired, with the device’s own key', () => aDevices(deviceCa, server.devices.mine.id, { ...expired, key: agent.key })],
    ['that is not valid yet, with the device’s own key', () => aDevices(deviceCa, server.devices.mine.id, { ...early, key: agent.key })],
    ['that is a server’s', () => issued(deviceCa)],
  ])('%s: ended by TLS', async (_what, identity) => {
    expect(await poll(await identity())).toBe('server.unreachable')
  })

  test.each<[string, () => Promise<Pair>]>([
    ['in the name of another device', () => aDevices(deviceCa, server.devices.second.id, { key: agent.key })],
    ['of a device that there is not', () => aDevices(deviceCa)],
    ['in the device’s name, for another key', () => aDevices(deviceCa, server.devices.mine.id)],
  ])('%s: TLS lets it through, and every request is refused', async (_what, identity) => {
    expect(await poll(await identity())).toBe('device.unknown')
  })

  test('that was revoked, and for the key that was replaced: refused, and taken again when that is taken back', async () => {
    expect(await poll(own())).toBe('done')
    alter('update devices set revoked_ms = 1 where id = ?')
    expect(await poll(own())).toBe('device.unknown')
    alter('update devices set revoked_ms = null where id = ?')
    expect(await poll(own())).toBe('done')
    alter(`update devices set device_key_json = '${JSON.stringify(generateSigningKey().publicJwk)}' where id = ?`)
    expect(await poll(own())).toBe('device.unknown')
    alter(`update devices set device_key_json = '${JSON.stringify(agent.key.publicJwk)}' where id = ?`)
    expect(await poll(own())).toBe('done')
  })

  test('and the listener for people asks nobody for one', async () => {
    const { hostname, port } = new URL(server.origin)
    const socket = connect({ host: hostname, port: Number(port), ca: server.ca, ...(await aDevices(ca)) })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    expect(socket.authorized).toBe(true)
    socket.destroy()
  })
})
