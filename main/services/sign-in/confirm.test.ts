import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { SignInState } from '@gantry/shared/ipc.ts'
import { privatePem } from '@gantry/shared/node/signing.ts'
import type { AccessLevel } from '@gantry/shared/profile.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { walkSignIn } from '../../../cli/sign-in-walk/walk.ts'
import { createTestServer, type TestPerson, type TestServer } from '../../../test/support/main-server.ts'
import { ask as askServer, form } from '../../../test/support/sign-in-browser.ts'
import { enrolAgent, type TestAgent } from '../../../test/support/test-agent.ts'
import { createServices } from '../create-services.ts'
import type { SecretName } from '../secret-store.ts'
import type { Services, ServicesOptions } from '../services.ts'

/** The window's services against the real main server, whose policy wants a second factor of the last 15 minutes for `os` (R065, T4). */
let server: TestServer
let agent: TestAgent
let services: Services
let profileDir: string
let secrets: Map<SecretName, string>
let browsers: number
/** Who sits at the browser, and what the person does there instead of signing in. */
let atBrowser: TestPerson | (() => void)
const opened: Services[] = []

beforeEach(async () => {
  server = await createTestServer()
  // Two sign-ins later it is as far ahead: the clocks of a request must agree by 30 s.
  server.clock.aheadMs = -45_000
  agent = await enrolAgent(server, server.devices.mine)
  profileDir = mkdtempSync(join(tmpdir(), 'client-'))
  const { keys, certificate } = server.people.elena
  secrets = new Map<SecretName, string>([
    ['specialist-key', privatePem(keys.specialist)],
    ['support-key', privatePem(keys.support)],
    ['certificate', certificate],
  ])
  browsers = 0
  atBrowser = server.people.elena
  services = await start()
  await services.signIn.start()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
  rmSync(profileDir, { recursive: true, force: true })
  await server.close()
})

async function start(party: ServicesOptions['party'] = 'desktop'): Promise<Services> {
  const store = {
    kind: 'sandbox' as const,
    get: async (name: SecretName) => secrets.get(name) ?? null,
    set: async (name: SecretName, value: string) => void secrets.set(name, value),
    delete: async (name: SecretName) => void secrets.delete(name),
  }
  const openBrowser = async (link: string) => {
    browsers++
    if (typeof atBrowser === 'function') return atBrowser()
    // Each code counts once: the server's clock goes on to the next.
    server.clock.aheadMs += 30_000
    await walkSignIn(link, { credentials: atBrowser, ca: server.ca, onWait: () => undefined, now: server.now })
  }
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const one = await createServices({ profileDir, mainServer: server.origin, ca: server.ca, secretStore: store, about, openBrowser, party })
  opened.push(one)
  return one
}
const refreshToken = () => (JSON.parse(secrets.get('sign-in') ?? 'null') as { refreshToken: string }).refreshToken
const ask = async (access: AccessLevel) => {
  await agent.poll()
  return services.requests.ask({ deviceId: agent.device.id, access, serviceKind: 'support', reason: 'The console is slow', caseId: '48213', minutes: 30 })
}
/** As it is when 16 minutes have gone by since the second factor. */
function letMfaAge(): void {
  const db = new DatabaseSync(join(server.stateDir, 'gantry.db'))
  db.exec(`pragma busy_timeout = 5000`)
  const older = (path: string) => `json_set(payload_json, '${path}', json_extract(payload_json, '${path}') - 960)`
  db.exec(`update oidc_records set payload_json = ${older('$.extra.mfaAt')} where model = 'AccessToken'`)
  db.exec(`update oidc_records set payload_json = ${older('$.authTime')} where model = 'RefreshToken'`)
  db.close()
}

describe('a request for os with a second factor that is too old (R065)', () => {
  test('asks for both factors in the browser, then goes on by itself; who is signed in stays so, under other tokens alone', async () => {
    letMfaAge()
    const states: SignInState[] = []
    services.on('sign-in.changed', (state) => states.push(state))
    const before = refreshToken()
    const { requestId } = await ask('os')
    expect(browsers).toBe(2)
    expect(states.map(({ phase, confirming, link }) => [phase, confirming, link !== null])).toEqual([
      ['signed-in', 'os', false],
      ['signed-in', 'os', true],
      ['signed-in', null, false],
    ])
    expect(services.requests.list()).toMatchObject([{ requestId, access: 'os', failure: null }])
    expect(refreshToken()).not.toBe(before)
    const fields = { client_id: 'gantry-desktop', grant_type: 'refresh_token', refresh_token: before }
    expect((await askServer(`${server.origin}/oidc/token`, server.ca, form(fields))).status).toBe(400)
    expect(signIns()).toBe(1)
  })

  test('nothing is asked while it is young, nor for what does not need it', async () => {
    await ask('os')
    letMfaAge()
    await ask('application')
    expect(browsers).toBe(1)
  })

  test('given up in the browser: no request, and the sign-in is as it was', async () => {
    letMfaAge()
    const before = refreshToken()
    atBrowser = () => services.signIn.cancel()
    await expect(ask('os')).rejects.toMatchObject({ code: 'auth.cancelled' })
    expect(services.signIn.state()).toMatchObject({ phase: 'signed-in', confirming: null, link: null, failure: null })
    expect([services.requests.list(), refreshToken()]).toEqual([[], before])
    expect((await services.devices.list()).offline).toBe(false)
  })

  test('somebody else at the browser confirms nothing, and gets no sign-in here', async () => {
    letMfaAge()
    const before = refreshToken()
    atBrowser = server.people.tomas
    await expect(ask('os')).rejects.toMatchObject({ code: 'auth.other-person' })
    expect(services.signIn.state()).toMatchObject({ phase: 'signed-in', specialist: { username: 'elena' } })
    expect([services.requests.list(), refreshToken(), signIns()]).toEqual([[], before, 1])
  })

  test('on the command line it is refused, and says to sign in again', async () => {
    letMfaAge()
    services = await start('command-line')
    await expect(ask('os')).rejects.toMatchObject({ code: 'access.mfa-stale', details: { minutes: 15 } })
    expect(browsers).toBe(1)
  })
})

test('a window whose sign-in another process of its profile has replaced stays signed in (T4)', async () => {
  const before = refreshToken()
  await (await start('command-line')).signIn.start()
  expect(refreshToken()).not.toBe(before)
  expect((await services.devices.list()).offline).toBe(false)
  await expect.poll(signIns).toBe(1)
  expect(services.signIn.state().phase).toBe('signed-in')
})

/** How many sign-ins the main server holds. */
function signIns(): number {
  const db = new DatabaseSync(join(server.stateDir, 'gantry.db'))
  const row = db.prepare(`select count(distinct grant_id) as count from oidc_records where model = 'RefreshToken' and consumed_s is null`).get()
  db.close()
  return Number(row?.count)
}
