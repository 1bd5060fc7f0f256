import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { SignInState } from '@gantry/shared/ipc.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { walkSignIn } from '../../../cli/sign-in-walk/walk.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { createServices } from '../create-services.ts'
import type { SecretName, SecretStore } from '../secret-store.ts'
import type { Services, ServicesOptions } from '../services.ts'

/** Against the real main server: its pages, its password and one-time code, its rotating refresh tokens. */
let server: TestServer
const opened: Services[] = []
let profileDir: string
let secrets: Map<SecretName, string>

beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())
beforeEach(() => {
  profileDir = mkdtempSync(join(tmpdir(), 'client-'))
  secrets = new Map()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
  rmSync(profileDir, { recursive: true, force: true })
})

const memory = (): SecretStore => ({
  kind: 'sandbox',
  get: async (name) => secrets.get(name) ?? null,
  set: async (name, value) => void secrets.set(name, value),
  delete: async (name) => void secrets.delete(name),
})
const start = async (change: Partial<ServicesOptions> = {}): Promise<Services> => {
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const openBrowser = (link: string) => {
    // Each code counts once: the server's clock goes on to the next.
    server.clock.aheadMs += 30_000
    const credentials = server.people.elena
    return walkSignIn(link, { credentials, ca: server.ca, onWait: () => undefined, now: server.now })
  }
  const services = await createServices({
    profileDir,
    mainServer: server.origin,
    ca: server.ca,
    secretStore: memory(),
    about,
    openBrowser,
    party: 'command-line',
    now: server.now,
    ...change,
  })
  opened.push(services)
  return services
}
const kept = () => JSON.parse(secrets.get('sign-in') ?? 'null') as { accessToken: string; accessExpiresMs: number; refreshToken: string }
/** Of the tests before, too. */
const endOthers = async ({ signIn }: Services) => {
  for (const { place } of signIn.state().elsewhere) await signIn.endElsewhere(place)
}
/** As it is when ten minutes have gone by. */
const letAccessRunOut = () => secrets.set('sign-in', JSON.stringify({ ...kept(), accessExpiresMs: 0 }))

describe('sign-in in the system browser (R069)', () => {
  test('goes through password and code, keeps the tokens in the secret store, and is audited', async () => {
    const services = await start()
    const states: SignInState[] = []
    services.on('sign-in.changed', (state) => states.push(state))
    const state = await services.signIn.start()
    expect(state).toMatchObject({ phase: 'signed-in', failure: null, link: null, specialist: { username: 'elena' }, supportContacts: [{ region: 'Canada' }] })
    expect(states.map(({ phase }) => phase)).toEqual(['waiting-for-browser', 'waiting-for-browser', 'signed-in'])
    expect(states[1]?.link).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/oidc\/auth\?.*code_challenge_method=S256/)
    expect(kept().refreshToken).toBeTruthy()
    const { devices, offline } = await services.devices.list()
    expect([devices.length > 0, offline]).toEqual([true, false])
    expect(await services.audit.verify()).toMatchObject({ stores: [{ ok: true, fault: null }] })
  })

  test('asks for the page in the language of the client', async () => {
    const services = await start()
    await services.settings.change({ language: 'fr' })
    const links: (string | null)[] = []
    services.on('sign-in.changed', ({ link }) => links.push(link))
    await services.signIn.start()
    expect(links.flatMap((link) => (link ? [new URL(link).searchParams.get('ui_locales')] : []))).toContain('fr')
  })

  test('is kept for the next process, and several of them refresh it without ending its family', async () => {
    await (await start()).signIn.start()
    letAccessRunOut()
    const before = kept().refreshToken
    const several = await Promise.all([start(), start(), start()])
    expect(several.map((one) => one.signIn.state().phase)).toEqual(['signed-in', 'signed-in', 'signed-in'])
    await Promise.all(several.map((one) => one.devices.list()))
    expect(kept().refreshToken).not.toBe(before)
    letAccessRunOut()
    await (await start()).devices.list()
  })

  test('is shown a sign-in elsewhere and ends it; signed in anew it is where it was (R068)', async () => {
    const services = await start()
    await services.signIn.start()
    await endOthers(services)
    expect(services.signIn.state().elsewhere).toEqual([])
    const other = await server.signIn(server.people.elena)
    await services.signIn.start()
    const { elsewhere } = services.signIn.state()
    expect(elsewhere).toMatchObject([{ mine: false, address: '127.0.0.1' }])
    await endOthers(services)
    expect(services.signIn.state()).toMatchObject({ phase: 'signed-in', elsewhere: [] })
    await expect(server.client(other.access_token).call('specialist.me', {})).rejects.toMatchObject({ code: 'auth.session-expired' })
  })

  test('says so when it was ended from elsewhere (R068)', async () => {
    const services = await start({ party: 'desktop' })
    await services.signIn.start()
    await endOthers(services)
    const over = new Promise<SignInState>((resolve) => void services.on('sign-in.changed', (state) => state.phase === 'expired' && resolve(state)))
    const other = server.client((await server.signIn(server.people.elena)).access_token)
    await expect.poll(() => services.signIn.state().elsewhere.length).toBe(1)
    const { signIns } = await other.call('specialist.me', {})
    for (const { place, mine } of signIns) if (!mine) await other.call('specialist.end-sign-in', { place })
    expect(await over).toMatchObject({ failure: { code: 'auth.signed-in-elsewhere' }, elsewhere: [] })
  })

  test('has expired when its refresh token was used elsewhere, says so, and takes a new sign-in', async () => {
    const services = await start()
    await services.signIn.start()
    const stolen = kept()
    letAccessRunOut()
    await (await start()).devices.list()
    expect(kept().refreshToken).not.toBe(stolen.refreshToken)
    secrets.set('sign-in', JSON.stringify({ ...stolen, accessExpiresMs: 0 }))
    const other = await start()
    await expect(other.devices.show(server.devices.mine.id)).rejects.toMatchObject({ code: 'auth.session-expired' })
    expect(other.signIn.state()).toMatchObject({ phase: 'expired', failure: { code: 'auth.session-expired' } })
    expect(secrets.has('sign-in')).toBe(false)
    expect((await other.signIn.start()).phase).toBe('signed-in')
  })

  test('is revoked at the main server when the person signs out', async () => {
    const services = await start()
    await services.signIn.start()
    const stolen = kept()
    await services.signIn.out()
    expect([services.signIn.state().phase, services.signIn.state().specialist, secrets.has('sign-in')]).toEqual(['signed-out', null, false])
    await expect(services.devices.list()).rejects.toMatchObject({ code: 'auth.not-signed-in' })
    secrets.set('sign-in', JSON.stringify({ ...stolen, accessExpiresMs: 0 }))
    await expect((await start()).devices.list()).rejects.toMatchObject({ code: 'auth.session-expired' })
  })

  test('shows the last known devices with their age when the main server is away', async () => {
    const services = await start()
    await services.signIn.start()
    const { devices, atMs } = await services.devices.list()
    await server.stop()
    try {
      expect(await services.devices.list()).toEqual({ devices, atMs, offline: true })
    } finally {
      await server.start()
    }
    expect(await services.devices.list()).toMatchObject({ offline: false })
  })

  test('ends on this computer when the main server is away too', async () => {
    const services = await start()
    await services.signIn.start()
    await server.stop()
    try {
      await services.signIn.out()
      expect([services.signIn.state().phase, secrets.has('sign-in')]).toEqual(['signed-out', false])
    } finally {
      await server.start()
    }
  })

  test('by a clock that is wrong is neither refreshed nor forgotten (D14)', async () => {
    const services = await start()
    await services.signIn.start()
    letAccessRunOut()
    const before = kept().refreshToken
    const late = await start({ now: () => server.now() + 3_600_000 })
    await expect(late.devices.show(server.devices.mine.id)).rejects.toMatchObject({ code: 'access.clock-off', details: { seconds: 3_600, of: 'computer' } })
    await expect(late.signIn.start()).rejects.toMatchObject({ code: 'access.clock-off' })
    expect(kept().refreshToken).toBe(before)
    expect((await (await start()).devices.list()).offline).toBe(false)
  })
})

describe('a sign-in that cannot be', () => {
  test('refuses without a keychain, before a browser opens, and keeps nothing elsewhere', async () => {
    const missing = () => Promise.reject(new AppError('auth.keychain-missing'))
    let browsers = 0
    const services = await start({ secretStore: { kind: 'keychain', get: missing, set: missing, delete: missing }, openBrowser: () => void browsers++ })
    expect(services.signIn.state().failure).toEqual({ code: 'auth.keychain-missing' })
    await expect(services.signIn.start()).rejects.toMatchObject({ code: 'auth.keychain-missing' })
    expect([browsers, services.signIn.state().phase]).toEqual([0, 'signed-out'])
  })

  test('can be cancelled while the browser is open', async () => {
    const services = await start({ openBrowser: () => services.signIn.cancel() })
    await expect(services.signIn.start()).rejects.toMatchObject({ code: 'auth.cancelled' })
    expect(services.signIn.state()).toMatchObject({ phase: 'signed-out', failure: null })
  })

  test('shows the link where no browser could be opened', async () => {
    const links: (string | null)[] = []
    const services = await start({ openBrowser: () => Promise.reject(new Error('there is no browser')) })
    services.on('sign-in.changed', ({ link }) => {
      links.push(link)
      if (link) setTimeout(() => services.signIn.cancel(), 50)
    })
    await expect(services.signIn.start()).rejects.toMatchObject({ code: 'auth.cancelled' })
    expect(links.filter(Boolean)).toHaveLength(1)
  })

  test('believes no server under another CA', async () => {
    const other = await createTestServer()
    try {
      const services = await start({ ca: other.ca })
      await expect(services.signIn.start()).rejects.toMatchObject({ code: 'server.identity-wrong' })
    } finally {
      await other.close()
    }
  })
})
