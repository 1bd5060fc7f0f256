import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UpdateSetup } from '../../main/services/services.ts'
import { generateSigningKey, signJws } from '../../shared/node/signing.ts'
import { manifestName, updatesPath } from '../../shared/update-manifest.ts'
import { type SessionWorld, startSessionWorld } from '../support/client-session.ts'

/** An update while somebody works (T15): the services as the desktop app starts them, with a real session. */
const key = generateSigningKey()
const target = { channel: 'stable', platform: 'linux', arch: 'x64' } as const
const content = randomBytes(100_000)
const file = {
  format: 'AppImage',
  name: 'Gantry-0.2.0.AppImage',
  bytes: content.length,
  sha512: createHash('sha512').update(content).digest('base64url'),
} as const
let world: SessionWorld
let installed: string[]

beforeEach(async () => {
  installed = []
  const issuedAt = Math.floor(Date.now() / 1_000)
  const times = { issuedAt, expiresAt: issuedAt + 86_400 }
  const offered = { version: 1, serial: 1, ...target, release: '0.2.0', minimum: '0.0.0', files: [file], percentage: 100, halted: false, ...times }
  const answers = new Map<string, string | Buffer>([
    [`${updatesPath}${manifestName(target)}`, await signJws('update', offered, key)],
    [`${updatesPath}${file.name}`, content],
  ])
  const extra = (request: IncomingMessage, response: ServerResponse) => {
    const body = answers.get(request.url ?? '')
    if (body === undefined) return false
    response.writeHead(200, { 'content-length': String(body.length) }).end(body)
    return true
  }
  const prepare =
    async ({ release }: { release: string }) =>
    async () =>
      void installed.push(release)
  const updates: UpdateSetup = { key: key.publicJwk, target, installer: { format: 'AppImage', runningFile: null, prepare } }
  world = await startSessionWorld({ extra, updates })
})
afterEach(() => world.close())

describe('an update', () => {
  test('is looked for at the start, and installed only when the session that is open has ended', async () => {
    const { updates } = world.services
    await expect.poll(() => updates.status()).toMatchObject({ state: 'ready', release: '0.2.0' })
    const session = await world.open()
    expect(updates.install()).toMatchObject({ state: 'waiting' })
    expect((await session.runAction('diagnostics.collect', {})) !== undefined).toBe(true)
    expect([updates.status().state, installed]).toEqual(['waiting', []])
    await session.end()
    await expect.poll(() => installed).toEqual(['0.2.0'])
    expect(await world.services.audit.verify()).toMatchObject({ stores: [{ ok: true, fault: null }] })
  })

  test('waits for a request that is on its way, and can be put off', async () => {
    const { updates } = world.services
    await expect.poll(() => updates.status().state).toBe('ready')
    const asked = await world.ask()
    asked.session.catch(() => undefined)
    expect(updates.install()).toMatchObject({ state: 'waiting' })
    expect(updates.postpone()).toMatchObject({ state: 'ready' })
    await asked.cancel()
    expect([updates.status().state, installed]).toEqual(['ready', []])
  })
})
