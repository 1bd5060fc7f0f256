import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Agent, startAgent } from '../../agent/app.ts'
import { realClock } from '../../agent/clock.ts'
import { silentLog } from '../../agent/log.ts'
import type { EndCause } from '../../shared/access-request.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts'
import { createDeviceFolder, type DeviceFolder } from '../support/device.ts'
import { eventsOf, firstCustomer } from '../support/directory.ts'
import { inForce, over, publishLicensed, subscribe } from '../support/licensed-software.ts'
import { createTestServer, type TestServer } from '../support/main-server.ts'
import { signedRequest } from '../support/test-agent.ts'

// R011: a subscription that begins, is renewed or ends changes what a real agent downloads from a real main server, with its next poll.

const key = generateSigningKey()
const content = randomBytes(4_000_000)
const { feature } = inForce
const secret = 'abcdefghijklmnopqrst'
let out: string
let server: TestServer
let device: DeviceFolder
let proxy: CuttingProxy | null
let agents: Agent[]

beforeEach(async () => {
  out = mkdtempSync(join(tmpdir(), 'licensed-'))
  server = await createTestServer({ licensedSoftware: out }, (seed) =>
    Object.assign(firstCustomer(seed).sites[0]?.devices[0] ?? {}, { enrolmentSecret: secret }),
  )
  const { origin, agentOrigin, ca, authority } = server
  device = createDeviceFolder({ origin, ca, authorityKey: authority.publicJwk, secret })
  device.config.mainServers = [{ enrolOrigin: origin, agentOrigin }]
  device.config.licensedFile = join(device.folder, 'licensed.json')
  device.config.licensedSoftware = { folder: join(device.folder, 'software'), key: key.publicJwk, maxBytes: 10_000_000 }
  agents = []
  proxy = null
})
afterEach(async () => {
  for (const agent of agents) await agent.stop()
  await Promise.all([server.close(), proxy?.close()])
  device.remove()
  rmSync(out, { recursive: true, force: true })
})

/** Between device and servers. Of what comes down it: a poll is smaller, so it is downloads that meet it. */
async function putBetween(cuts: number[], options = {}): Promise<void> {
  proxy = await startCuttingProxy(cuts, options)
  device.config.proxy = { url: proxy.address, ca: null, credentialsFile: null, except: [] }
}
async function start(): Promise<void> {
  const agent = await startAgent(device.config, {
    ...{ log: silentLog, timing: { intervalMs: 100, holdMs: 2_000 }, policyLookMs: 20 },
    clock: { ...realClock, now: server.now },
    openSession: ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason as EndCause))),
  })
  agents.push(agent)
  await agent.polled
}
const kept = () => (existsSync(join(device.folder, 'software', feature)) ? readdirSync(join(device.folder, 'software', feature)).sort() : [])
const features = () => (existsSync(device.config.licensedFile ?? '') ? JSON.parse(readFileSync(device.config.licensedFile ?? '', 'utf8')).features : null)
/** As the device reported them. */
const told = () =>
  eventsOf(server)
    .filter(({ kind }) => kind.startsWith('software.'))
    .map(({ kind, data }) => `${kind} ${data?.code ?? data?.release}`)

test('begun: downloaded over what cuts it, each octet once; renewed: goes on; ended: no further octet; all of it is in both audits', async () => {
  const mine = server.devices.mine
  await publishLicensed(out, content, { key })
  await putBetween([1_000_000, 1_500_000])
  await start()
  expect([kept(), features()]).toEqual([[], null])
  await subscribe(server, mine, inForce)
  await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
  expect(readFileSync(join(device.folder, 'software', feature, 'dose-reports-1.0.0.bin')).equals(content)).toBe(true)
  expect(features()).toEqual([feature])
  // Polls, manifests, TLS and what was cut under way beside it: two whole downloads it never was.
  expect(proxy?.received()).toBeLessThan(content.length * 1.6)

  await subscribe(server, mine, { ...inForce, until: '2095-06-30' })
  await publishLicensed(out, Buffer.from('the next one'), { key, serial: 2, release: '1.1.0' })
  await agents.pop()?.stop()
  await start()
  await expect.poll(told).toEqual(['software.downloaded 1.0.0', 'software.downloaded 1.1.0'])

  await subscribe(server, mine, over)
  await expect.poll(features).toEqual([])
  await publishLicensed(out, content, { key, serial: 3, release: '1.2.0' })
  await agents.pop()?.stop()
  await start()
  // What is in place stays the owner's.
  expect([told().length, kept()]).toEqual([2, ['dose-reports-1.0.0.bin', 'manifest.jws']])
  await subscribe(server, mine, inForce)
  await expect.poll(told).toHaveLength(3)
})

test('what the main server makes up, or takes back, is refused and told', async () => {
  await subscribe(server, server.devices.mine, inForce)
  await publishLicensed(out, content, { key: generateSigningKey() })
  await start()
  await expect.poll(told).toEqual(['software.refused update.manifest-bad'])
  expect(kept()).toEqual([])
})

test('connectivity that is switched off in the middle of a file ends the download at once; on again, it goes on from there', async () => {
  await subscribe(server, server.devices.mine, inForce)
  await publishLicensed(out, content, { key })
  await putBetween([1_000_000], { hold: true })
  await start()
  await expect.poll(() => proxy?.held()).toBe(1)
  device.writePolicy({ connectivity: 'off' })
  await expect.poll(() => proxy?.held()).toBe(0)
  const received = proxy?.received() ?? 0
  await sleep(500)
  // What a poll that was cut had under way may still come down, and no file.
  expect(proxy?.received()).toBeLessThan(received + 100_000)
  expect(kept()).toEqual([])
  device.writePolicy({ connectivity: 'on' })
  await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
  expect(proxy?.received()).toBeLessThan(content.length * 1.6)
})

test('whoever comes in has the line: the download waits until the session is over, and then goes on', async () => {
  const { elena } = server.people
  await subscribe(server, server.devices.mine, inForce)
  await publishLicensed(out, content, { key })
  device.writePolicy({ rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' }, instantPickup: true })
  await putBetween([1_000_000], { hold: true })
  await start()
  await expect.poll(() => proxy?.held()).toBe(1)
  const client = server.client((await server.signIn(elena)).access_token)
  const { signed } = await signedRequest(server, elena, server.devices.mine, { access: 'diagnostics' })
  const { request } = await client.call('access-request.create', { request: signed, certificate: elena.certificate })
  await expect.poll(() => proxy?.held()).toBe(0)
  expect(told()).toEqual([])
  await client.call('access-request.cancel', { requestId: request.id })
  await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
})
