import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NewDeviceEvent } from '../../shared/audit.ts'
import { AppError } from '../../shared/errors.ts'
import type { LicensedManifest } from '../../shared/licensed-software.ts'
import { generateSigningKey, privatePem } from '../../shared/node/signing.ts'
import { inForce, publishLicensed, subscribe } from '../../test/support/licensed-software.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { enrolAgent, type TestAgent } from '../../test/support/test-agent.ts'
import { realClock } from '../clock.ts'
import { silentLog } from '../log.ts'
import { openMainServer } from '../main-server.ts'
import { type LicensedSoftwareWith, startLicensedSoftware } from './licensed-software.ts'
import { openSoftwareStore } from './store.ts'

// R011: a device downloads what it is licensed for and nothing else, believes nothing but the release officer's key, and installs none of it.

const key = generateSigningKey()
const content = Buffer.alloc(1_000_000, 'the software of a licensed feature')
const { feature } = inForce
const name = 'dose-reports-1.0.0.bin'
let root: string
let server: TestServer
let device: TestAgent
let stop: AbortController
let features: string[]
let isAllowed: boolean
let events: NewDeviceEvent[]
/** From which octet on each request for a file was. */
let asked: number[]
/** How often it looked for a manifest. */
let looked: number
/** After so many octets of an answer nothing comes any more, until it is released. */
let holdAfter: number
let running: Promise<void>[]

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'licensed-software-'))
  server = await createTestServer({ licensedSoftware: join(root, 'out') })
  device = await enrolAgent(server, server.devices.mine)
  await subscribe(server, device.device, inForce)
})
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true, force: true })
})
beforeEach(() => {
  for (const name of ['out', 'state', 'software']) rmSync(join(root, name), { recursive: true, force: true })
  mkdirSync(join(root, 'state'))
  stop = new AbortController()
  ;[features, isAllowed, events, asked, looked, holdAfter, running] = [[feature], true, [], [], 0, Number.POSITIVE_INFINITY, []]
})
afterEach(async () => {
  stop.abort()
  await Promise.all(running)
})

function start(change: Partial<LicensedSoftwareWith> = {}) {
  const main = openMainServer({
    servers: [{ enrolOrigin: server.origin, agentOrigin: server.agentOrigin }],
    ...{ dial: server.dial, certificate: () => device.certificate, keyPem: privatePem(device.key), keepOpen: () => false },
  })
  const note = (event: NewDeviceEvent) => events.push(event) as never
  const software = startLicensedSoftware({
    ...{ setting: { folder: join(root, 'software'), key: key.publicJwk, maxBytes: 10_000_000 }, stateDir: join(root, 'state'), onLost: () => undefined },
    ...{ features: () => features, allowed: () => isAllowed, audit: { append: note, note }, clock: realClock, log: silentLog, random: () => 0.5 },
    feed: () => {
      const feed = main.published()
      return {
        manifest(path, expected, signal) {
          looked += 1
          return feed.manifest(path, expected, signal)
        },
        async open(path, file, signal) {
          asked.push(file.from)
          return Readable.from(held(await feed.open(path, file, signal), signal))
        },
      }
    },
    ...{ signal: stop.signal, pauseMs: () => 5 },
    ...change,
  })
  running.push(software.done)
  software.look()
  return software
}
async function* held(answer: Readable, signal: AbortSignal) {
  let bytes = 0
  for await (const block of answer) {
    yield block
    bytes += (block as Buffer).length
    if (bytes >= holdAfter) await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
}
async function restart() {
  stop.abort()
  await Promise.all(running)
  stop = new AbortController()
  return start()
}
/** As if hours had passed. */
async function lookOnce(software: ReturnType<typeof start>) {
  isAllowed = false
  software.look()
  isAllowed = true
  software.look()
}

const publish = (change: Partial<LicensedManifest> & { key?: typeof key } = {}, bytes = content) =>
  publishLicensed(join(root, 'out'), bytes, { key, ...change })
const at = (...parts: string[]) => join(root, 'software', ...parts)
const told = () => events.map(({ kind, data }) => `${kind} ${data?.code ?? data?.release}`)
const partialBytes = () => {
  const folder = at('.partial', feature)
  return existsSync(folder) ? readdirSync(folder).reduce((sum, one) => sum + statSync(join(folder, one)).size, 0) : -1
}

describe('the software of a licensed feature', () => {
  test('is put in place whole, with the manifest beside it, for the device’s own software to read', async () => {
    await publish()
    start()
    await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
    await expect.poll(() => readdirSync(at(feature)).sort()).toEqual([name, 'manifest.jws'])
    expect(readFileSync(at(feature, name)).equals(content)).toBe(true)
    expect(statSync(at(feature, name)).mode & 0o777).toBe(0o644)
    expect(events[0]).toEqual({
      kind: 'software.downloaded',
      actor: { kind: 'agent' },
      data: { feature, release: '1.0.0', serial: 1, name, bytes: content.length },
    })
  })

  test('is not asked for by a device that names no folder, holds nothing as licensed, or may send nothing', async () => {
    await publish()
    let looks = 0
    const feed = () => {
      looks += 1
      throw new Error('asked')
    }
    for (const change of [{ setting: null }, { features: () => [] }, { allowed: () => false }]) start({ ...change, feed })
    start()
    await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
    expect(looks).toBe(0)
  })

  test('goes on where a cut connection, or a restart, left it', async () => {
    await publish()
    holdAfter = 300_000
    start()
    await expect.poll(partialBytes).toBeGreaterThanOrEqual(300_000)
    await restart()
    await expect.poll(partialBytes).toBeGreaterThanOrEqual(600_000)
    holdAfter = Number.POSITIVE_INFINITY
    await restart()
    await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
    expect([asked[0], asked.length]).toEqual([0, 3])
    expect(asked[1]).toBeGreaterThanOrEqual(300_000)
    expect(asked[2]).toBeGreaterThanOrEqual(600_000)
    expect(partialBytes()).toBe(0)
  })

  test('stops while nothing may be sent, keeps what came, and goes on from there', async () => {
    await publish()
    holdAfter = 300_000
    const software = start()
    await expect.poll(partialBytes).toBeGreaterThanOrEqual(300_000)
    isAllowed = false
    software.look()
    holdAfter = Number.POSITIVE_INFINITY
    await expect.poll(() => partialBytes()).toBeGreaterThanOrEqual(300_000)
    isAllowed = true
    software.look()
    await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
    expect(asked).toEqual([0, expect.any(Number)])
    expect(asked[1]).toBeGreaterThanOrEqual(300_000)
  })

  test('when the licence ends: no further octet, nothing half, and what is in place stays as it is', async () => {
    await publish()
    const software = start()
    await expect.poll(told).toHaveLength(1)
    await publish({ serial: 2, release: '1.1.0', file: { ...(await publish({ serial: 2 })).file, name: 'next.bin', bytes: content.length } }, content)
    writeFileSync(join(root, 'out', feature, 'next.bin'), content)
    holdAfter = 300_000
    rmSync(at(feature, name))
    await lookOnce(software)
    await expect.poll(partialBytes).toBeGreaterThanOrEqual(300_000)
    features = []
    software.look()
    await expect.poll(partialBytes).toBe(-1)
    expect(readdirSync(at(feature))).toEqual(['manifest.jws'])
    expect([asked, told()]).toEqual([[0, 0], ['software.downloaded 1.0.0']])
  })

  test('makes way for a newer one; a damaged one is fetched again, an unchanged one is not', async () => {
    await publish()
    const software = start()
    await expect.poll(told).toHaveLength(1)
    await publish({ serial: 2 })
    await lookOnce(software)
    await expect.poll(() => readFileSync(at(feature, 'manifest.jws'), 'utf8')).toBe(readFileSync(join(root, 'out', feature, 'manifest.jws'), 'utf8'))
    expect(asked).toEqual([0])
    writeFileSync(at(feature, name), Buffer.alloc(content.length))
    await lookOnce(software)
    await expect.poll(told).toHaveLength(2)
    expect(readFileSync(at(feature, name)).equals(content)).toBe(true)
    const { file } = await publish({ serial: 3 })
    writeFileSync(join(root, 'out', feature, 'newer.bin'), content)
    await publish({ serial: 3, release: '1.1.0', file: { ...file, name: 'newer.bin' } })
    await lookOnce(software)
    await expect.poll(() => readdirSync(at(feature)).sort()).toEqual(['manifest.jws', 'newer.bin'])
  })
})

describe('nothing is put in place, and it is told once', () => {
  const seconds = Math.floor(Date.now() / 1_000)
  const named = (change: Partial<LicensedManifest['file']>) => async () => {
    const { file } = await publish()
    await publish({ file: { ...file, ...change } })
  }
  test.each<[string, string, () => Promise<unknown>]>([
    ['under another key', 'update.manifest-bad', () => publish({ key: generateSigningKey() })],
    ['of an end that has passed', 'update.expired', () => publish({ issuedAt: seconds - 90_000, expiresAt: seconds - 3_600 })],
    ['of another feature', 'update.not-for-us', () => publish({ feature: 'other' })],
    ['of no kind', 'update.manifest-bad', async () => writeFileSync(join(root, 'out', (await publish()).feature, 'manifest.jws'), 'a.b.c')],
    ['with another content', 'update.file-bad', named({ sha512: 'A'.repeat(86) })],
    ['with another length', 'update.file-bad', named({ bytes: content.length - 1 })],
    ['that is larger than the owner allows', 'file.too-large', named({ bytes: 10_000_001 })],
    ['under a name that leads out', 'update.manifest-bad', named({ name: `../../${feature}` })],
    ['under a hidden name', 'update.manifest-bad', named({ name: '.partial' })],
    ['under the manifest’s own name', 'update.manifest-bad', named({ name: 'manifest.jws' })],
  ])('%s', async (_, code, bad) => {
    await bad()
    const software = start()
    for (let round = 1; round < 4; round++) {
      await expect.poll(() => looked).toBe(round)
      await expect.poll(told).toEqual([`software.refused ${code}`])
      await lookOnce(software)
    }
    await expect.poll(() => looked).toBe(4)
    await restart()
    await expect.poll(() => told().slice(1)).toEqual([`software.refused ${code}`])
    expect(existsSync(at(feature)) ? readdirSync(at(feature)) : []).toEqual([])
  })

  test('an older one than was there before, also after a restart; a memory that was lost begins anew', async () => {
    await publish({ serial: 7 })
    start()
    await expect.poll(told).toHaveLength(1)
    await publish({ serial: 6 }, Buffer.from('older'))
    await restart()
    await expect.poll(told).toEqual(['software.downloaded 1.0.0', 'software.refused update.older'])
    writeFileSync(join(root, 'state', 'licensed-software.json'), '{')
    await restart()
    await expect.poll(told).toHaveLength(3)
    expect(told()[2]).toBe('software.downloaded 1.0.0')
  })

  test('in a folder where somebody else may write, and no link that lies there is followed', async () => {
    await publish()
    const elsewhere = mkdtempSync(join(root, 'elsewhere-'))
    writeFileSync(join(elsewhere, 'other'), 'not ours')
    mkdirSync(at())
    chmodSync(at(), 0o777)
    symlinkSync(elsewhere, at('.partial'))
    start()
    await expect.poll(told).toEqual(['software.refused file.denied'])
    expect(readdirSync(elsewhere)).toEqual(['other'])
  })

  test('while it cannot be audited', async () => {
    await publish()
    const { promise, resolve } = Promise.withResolvers<void>()
    const append = () => {
      resolve()
      throw new AppError('audit.unavailable')
    }
    const software = start({ audit: { append, note: () => undefined } })
    await promise
    expect(readdirSync(at(feature))).toEqual([])
    await restart()
    await expect.poll(told).toEqual(['software.downloaded 1.0.0'])
    expect([software, asked]).toEqual([expect.anything(), [0]])
  })
})

test('the memory of serials knows a feature by its own name, whatever that is, and outlives a restart', () => {
  const open = () => openSoftwareStore({ stateDir: join(root, 'state'), folder: at(), maxBytes: 1, onLost: () => undefined })
  expect(open().serialOf('constructor')).toBe(0)
  open().takeSerial('constructor', 3)
  expect([open().serialOf('constructor'), open().serialOf('other')]).toEqual([3, 0])
})
