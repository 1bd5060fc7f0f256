import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { UpdateStatus } from '@gantry/shared/update-calls.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Dial } from '../../../shared/node/dial.ts'
import { partialOf } from '../../../shared/node/download-file.ts'
import { generateSigningKey, signJws } from '../../../shared/node/signing.ts'
import { manifestName, type UpdateManifest } from '../../../shared/update-manifest.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import type { AppUpdates, VerifiedUpdate } from '../services.ts'
import { createFeed } from './feed.ts'
import { drawOf } from './judge.ts'
import { openUpdateStore } from './store.ts'
import { createAppUpdates, type UpdatesOptions } from './updates.ts'

/** The client's updates against the real main server (T15): what an altered server, a held-back list or a poor network can do. */
const key = generateSigningKey()
const target = { channel: 'stable', platform: 'linux', arch: 'x64' } as const
const content = randomBytes(3_000_000)
const file = fileOf('Gantry-0.2.0.AppImage', content)
const day = 86_400
let root: string
let published: string
let profileDir: string
let server: TestServer
let serial = 0
let opened: AppUpdates[] = []

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'updates-'))
  published = join(root, 'published')
  mkdirSync(published)
  server = await createTestServer({ desktopUpdates: published })
})
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true, force: true })
})
beforeEach(() => {
  profileDir = mkdtempSync(join(root, 'profile-'))
  writeFileSync(join(published, file.name), content)
})
afterEach(() => {
  for (const one of opened) one.close()
  opened = []
})

function fileOf(name: string, bytes: Buffer) {
  return { format: 'AppImage' as const, name, bytes: bytes.length, sha512: createHash('sha512').update(bytes).digest('base64url') }
}
async function publish(change: Partial<UpdateManifest> = {}, signer = key): Promise<void> {
  serial += 1
  const issuedAt = Math.floor(Date.now() / 1_000)
  const times = { issuedAt, expiresAt: issuedAt + 14 * day }
  const manifest: UpdateManifest = {
    ...{ version: 1, serial, ...target, release: '0.2.0', minimum: '0.0.0', files: [file], percentage: 100, halted: false, ...times },
    ...change,
  }
  writeFileSync(join(published, manifestName(target)), await signJws('update', manifest, signer))
}

type Started = { updates: AppUpdates; told: UpdateStatus[]; events: object[]; installed: VerifiedUpdate[]; busy: { now: boolean }; clock: { aheadMs: number } }
function start(change: Partial<UpdatesOptions> & { dial?: Dial } = {}): Started {
  const started: Omit<Started, 'updates'> = { told: [], events: [], installed: [], busy: { now: false }, clock: { aheadMs: 0 } }
  const updates = createAppUpdates({
    installed: '0.1.0',
    target,
    feed: createFeed({ origin: server.origin, dial: change.dial ?? server.dial, key: key.publicJwk }),
    store: openUpdateStore(profileDir),
    installer: {
      format: 'AppImage',
      runningFile: null,
      prepare: async (update) => async () => void started.installed.push(update),
    },
    isBusy: () => started.busy.now,
    onChange: (status) => started.told.push(status),
    audit: async (kind, data) => void started.events.push({ kind, ...data }),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    now: () => Date.now() + started.clock.aheadMs,
    pauseMs: () => 1,
    ...change,
  })
  opened.push(updates)
  return { updates, ...started }
}
const reaches = (updates: AppUpdates, state: UpdateStatus['state']) => expect.poll(() => updates.status().state, { interval: 10 }).toBe(state)
async function startReady(change: Parameters<typeof start>[0] = {}): Promise<Started> {
  const started = start(change)
  await started.updates.check()
  await reaches(started.updates, 'ready')
  return started
}
const kept = (release = '0.2.0') => join(profileDir, 'updates', release, file.name)
/** Connections that are cut when so many octets have come over each, as many times as there are limits. */
function cutting(...limits: number[]): Dial {
  return async (options) => {
    const socket = await server.dial(options)
    const limit = limits.shift()
    let seen = 0
    if (limit !== undefined) {
      socket.on('data', (block: Buffer) => {
        seen += block.length
        if (seen > limit) socket.destroy()
      })
    }
    return socket
  }
}

describe('an update that is offered', () => {
  test('is fetched with progress, verified, and handed over; nothing has the file’s name before', async () => {
    await publish()
    const { updates, told, installed, events } = start()
    expect(await updates.check()).toMatchObject({ state: 'downloading', release: '0.2.0', totalBytes: content.length, outcome: null, failure: null })
    expect(existsSync(kept())).toBe(false)
    await reaches(updates, 'ready')
    expect(told.map(({ state }) => state).slice(0, 2)).toEqual(['checking', 'downloading'])
    expect(readFileSync(kept()).equals(content)).toBe(true)
    updates.install()
    await expect.poll(() => installed).toMatchObject([{ release: '0.2.0', path: kept(), file }])
    expect(events).toEqual([{ kind: 'update.installed', release: '0.2.0', from: '0.1.0' }])
  })

  test('is fetched once: what lies there from before is verified and taken, and what was altered is fetched anew', async () => {
    await publish()
    ;(await startReady()).updates.close()
    const dials: string[] = []
    const counting: Dial = (options) => {
      dials.push(options.host)
      return server.dial(options)
    }
    ;(await startReady({ dial: counting })).updates.close()
    expect(dials.length).toBe(1)
    appendFileSync(kept(), 'more')
    await startReady({ dial: counting })
    expect(dials.length).toBe(3)
    expect(readFileSync(kept()).equals(content)).toBe(true)
  })

  test('goes on where it was after each break, without an octet lost or doubled', async () => {
    await publish()
    const limits = [Number.POSITIVE_INFINITY, 400_000, 900_000, 1_300_000]
    const { updates } = start({ dial: cutting(...limits) })
    await updates.check()
    await reaches(updates, 'ready')
    expect(readFileSync(kept()).equals(content)).toBe(true)
  })

  test('goes on in the next start where the last one was stopped, and not by itself once the person stopped it', async () => {
    await publish()
    const first = start({ dial: cutting(Number.POSITIVE_INFINITY, 1_000_000), pauseMs: () => 60_000 })
    await first.updates.check()
    await expect.poll(() => statSync(partialOf(kept()), { throwIfNoEntry: false })?.size ?? 0).toBeGreaterThan(500_000)
    expect(first.updates.cancel()).toMatchObject({ state: 'offered', failure: null })
    expect(await first.updates.check()).toMatchObject({ state: 'offered' })
    first.updates.close()
    const have = statSync(partialOf(kept())).size
    const second = start()
    await second.updates.check()
    await reaches(second.updates, 'ready')
    const progress = second.told.filter(({ state }) => state === 'downloading').map(({ bytes }) => bytes)
    expect(Math.max(...progress)).toBeGreaterThanOrEqual(have)
    expect(readFileSync(kept()).equals(content)).toBe(true)
  })
})

describe('nothing is taken', () => {
  test.each<[string, () => Promise<void>, string]>([
    ['of a manifest that another key signed', () => publish({}, generateSigningKey()), 'update.manifest-bad'],
    [
      'of one that is of another kind',
      async () => writeFileSync(join(published, manifestName(target)), await signJws('ticket', {}, key)),
      'update.manifest-bad',
    ],
    ['of something that is no manifest', async () => writeFileSync(join(published, manifestName(target)), 'version: 9.9.9\n'), 'update.manifest-bad'],
    [
      'of a list that is held back for too long',
      () => publish({ issuedAt: Math.floor(Date.now() / 1_000) - 20 * day, expiresAt: Math.floor(Date.now() / 1_000) - day }),
      'update.expired',
    ],
    ['of a manifest for another platform', () => publish({ platform: 'darwin' }), 'update.not-for-us'],
  ])('%s', async (_, put, code) => {
    await put()
    const { updates, events } = start()
    expect(await updates.check()).toMatchObject({ state: 'idle', release: null, failure: { code } })
    expect(events).toEqual([{ kind: 'update.refused', code }])
    expect(readdirSync(join(profileDir, 'updates'))).toEqual(['memory.json'])
  })

  test('of a list that is older than one seen before, also after a new start', async () => {
    await publish({ release: '0.1.0' })
    const older = readFileSync(join(published, manifestName(target)))
    await publish({ release: '0.1.0' })
    const first = start()
    expect(await first.updates.check()).toMatchObject({ outcome: 'current', failure: null })
    writeFileSync(join(published, manifestName(target)), older)
    expect(await first.updates.check()).toMatchObject({ failure: { code: 'update.older' } })
    expect(await start().updates.check()).toMatchObject({ state: 'idle', failure: { code: 'update.older' } })
  })

  test('of a release that is older than what runs, whoever signed it', async () => {
    await publish({ release: '0.2.0' })
    expect(await start({ installed: '0.3.0' }).updates.check()).toMatchObject({ state: 'idle', release: null, outcome: 'current' })
  })

  test('of a file with another content, which is thrown away, each time', async () => {
    await publish()
    const altered = Buffer.from(content)
    altered[1_500_000] = (altered[1_500_000] ?? 0) ^ 1
    writeFileSync(join(published, file.name), altered)
    const { updates, events, installed } = start()
    await updates.check()
    await expect.poll(() => updates.status().failure).toMatchObject({ code: 'update.file-bad', details: { name: file.name } })
    expect(updates.status().state).toBe('offered')
    expect(() => updates.install()).toThrow('update.not-ready')
    expect(readdirSync(join(profileDir, 'updates', '0.2.0'))).toEqual([])
    expect([events, installed]).toEqual([[{ kind: 'update.refused', code: 'update.file-bad', release: '0.2.0' }], []])
  })

  test('of a file that is longer or shorter than was signed: not one octet of it', async () => {
    await publish()
    for (const other of [Buffer.concat([content, Buffer.from('x')]), content.subarray(1)]) {
      writeFileSync(join(published, file.name), other)
      const { updates } = start()
      await updates.check()
      await expect.poll(() => updates.status().failure).toMatchObject({ code: 'update.file-bad' })
      expect(readdirSync(join(profileDir, 'updates', '0.2.0'))).toEqual([])
    }
  })

  test('of a rest that belongs to another file: the half that was here does not make it good', async () => {
    await publish()
    mkdirSync(join(profileDir, 'updates', '0.2.0'), { recursive: true })
    writeFileSync(partialOf(kept()), randomBytes(1_000_000))
    const { updates } = start()
    await updates.check()
    await expect.poll(() => updates.status().failure).toMatchObject({ code: 'update.file-bad' })
    updates.download()
    await reaches(updates, 'ready')
    expect(readFileSync(kept()).equals(content)).toBe(true)
  })

  test('where the main server has nothing, or is away', async () => {
    rmSync(join(published, manifestName(target)), { force: true })
    const { updates, events } = start()
    expect(await updates.check()).toMatchObject({ failure: { code: 'update.none' } })
    const away: Dial = (options) => server.dial({ ...options, port: 9, timeoutMs: 500 })
    expect(await start({ dial: away }).updates.check()).toMatchObject({ failure: { code: 'server.unreachable' } })
    expect(events).toEqual([])
  })
})

describe('a release is handed out step by step, and taken back', () => {
  test('whose turn it is not waits, and gets it when more do; the turn stays the same in each start', async () => {
    const { installation } = openUpdateStore(profileDir)
    const draw = drawOf(installation, '0.2.0')
    await publish({ percentage: draw })
    expect(await start().updates.check()).toMatchObject({ state: 'idle', outcome: 'later', release: null })
    await publish({ percentage: draw + 1 })
    expect(await start().updates.check()).toMatchObject({ state: 'downloading', outcome: null })
  })

  test('halted, it is offered to nobody, fetched by nobody and not installed where it is ready', async () => {
    await publish()
    const { updates, installed } = await startReady()
    await publish({ halted: true })
    updates.install()
    await expect.poll(() => updates.status()).toMatchObject({ state: 'idle', outcome: 'halted', release: null })
    expect(installed).toEqual([])
    expect(existsSync(kept())).toBe(false)
    expect(await start({ installed: '0.2.0' }).updates.check()).toMatchObject({ outcome: 'halted-here' })
  })

  test('what must not be used any more is told, and offered whatever the percentage says', async () => {
    await publish({ percentage: 0, minimum: '0.1.1' })
    expect(await start().updates.check()).toMatchObject({ state: 'downloading', isRequired: true })
  })
})

describe('installing', () => {
  test('waits while something is open, and happens as soon as nothing is', async () => {
    await publish()
    const { updates, busy, installed } = await startReady()
    busy.now = true
    expect(updates.install()).toMatchObject({ state: 'waiting' })
    updates.look()
    await updates.check()
    expect([updates.status().state, installed]).toEqual(['waiting', []])
    busy.now = false
    updates.look()
    await expect.poll(() => installed.length).toBe(1)
  })

  test('waits again when something was opened while it was made ready, and not at all when it is put off', async () => {
    await publish()
    const busy = { now: false }
    const installed: string[] = []
    const prepare = async ({ release }: VerifiedUpdate) => {
      busy.now = installed.length === 0
      return async () => void installed.push(release)
    }
    const { updates } = await startReady({ isBusy: () => busy.now, installer: { format: 'AppImage', runningFile: null, prepare } })
    updates.install()
    await reaches(updates, 'installing')
    await reaches(updates, 'waiting')
    expect(updates.postpone()).toMatchObject({ state: 'ready' })
    busy.now = false
    updates.look()
    expect([updates.status().state, installed]).toEqual(['ready', []])
  })

  test('takes no file that changed since it was verified, and nothing when its list has run out meanwhile', async () => {
    await publish()
    const changed = await startReady()
    appendFileSync(kept(), 'more')
    changed.updates.install()
    await expect.poll(() => changed.updates.status()).toMatchObject({ state: 'offered', failure: { code: 'update.file-bad' } })
    const away = { now: false }
    const dial: Dial = (options) => server.dial(away.now ? { ...options, port: 9, timeoutMs: 500 } : options)
    const late = await startReady({ dial })
    away.now = true
    late.clock.aheadMs = 15 * day * 1_000
    late.updates.install()
    await expect.poll(() => late.updates.status()).toMatchObject({ failure: { code: 'update.expired' } })
    late.clock.aheadMs = 0
    late.updates.install()
    await expect.poll(() => late.installed.length).toBe(1)
    expect(changed.installed).toEqual([])
  })

  test('does not happen when what offered it is altered afterwards', async () => {
    await publish()
    const { updates, installed } = await startReady()
    await publish({}, generateSigningKey())
    updates.install()
    await expect.poll(() => updates.status()).toMatchObject({ state: 'idle', release: null, failure: { code: 'update.manifest-bad' } })
    expect(installed).toEqual([])
  })

  test('keeps what runs, says where it is, and says so when it came to nothing', async () => {
    await publish()
    const running = join(root, 'Gantry.AppImage')
    writeFileSync(running, 'what runs')
    const prepare = async () => {
      throw new Error('no room')
    }
    const { updates } = await startReady({ installer: { format: 'AppImage', runningFile: running, prepare } })
    updates.install()
    const before = join(profileDir, 'updates', '0.1.0', 'Gantry.AppImage')
    await expect.poll(() => updates.status()).toMatchObject({ state: 'ready', failure: { code: 'update.install-failed', details: { path: before } } })
    expect(readFileSync(before, 'utf8')).toBe('what runs')
    expect(await start({ installed: '0.2.0' }).updates.check()).toMatchObject({ previous: { release: '0.1.0', path: before } })
    await publish({ release: '0.3.0' })
    const next = start({ installed: '0.2.0' })
    await next.updates.check()
    await reaches(next.updates, 'ready')
    expect(readdirSync(join(profileDir, 'updates')).sort()).toEqual(['0.1.0', '0.2.0', '0.3.0', 'memory.json'])
  })
})
