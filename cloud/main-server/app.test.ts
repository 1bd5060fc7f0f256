import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { WellKnown } from '@gantry/shared/client-api.ts'
import { privatePem } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { ask, askAs } from '../../test/support/sign-in-browser.ts'
import { enrolAgent, signedRequest } from '../../test/support/test-agent.ts'
import { startMainServer } from './app.ts'
import { Config } from './config.ts'
import { UpstreamSettings } from './upstream-settings.ts'

let server: TestServer
let token: string
beforeAll(async () => {
  server = await createTestServer()
  token = (await server.signIn(server.people.elena)).access_token
})
afterAll(() => server.close())

const json = { 'content-type': 'application/json' }
const post = (path: string, body: string) => askAs(token, `${server.origin}${path}`, server.ca, { method: 'POST', headers: json, body })
const postWith = (authorization: string | null) => {
  const headers = { ...json, ...(authorization === null ? {} : { authorization }) }
  return ask(`${server.origin}/api/v1/device.list`, server.ca, { method: 'POST', headers, body: '{}' })
}
const failureOf = ({ text }: { text: string }) => JSON.parse(text).failure

describe('bad input on the people’s listener', () => {
  test('a 10 MB reason is too large, and the answer arrives', async () => {
    const { signed } = await signedRequest(server, server.people.elena, server.devices.mine, { reason: 'x'.repeat(10_000_000) })
    const answer = await post('/api/v1/access-request.create', JSON.stringify({ request: signed, certificate: server.people.elena.certificate }))
    expect(answer.status).toBe(413)
    expect(failureOf(answer)).toEqual({ code: 'contract.too-large' })
    expect((await ask(`${server.origin}/healthz`, server.ca)).status).toBe(200)
  })

  test.each([
    ['not JSON', '/api/v1/device.list', '{', 400, 'contract.bad-input'],
    ['another shape', '/api/v1/device.show', '{"deviceId":"../etc"}', 400, 'contract.bad-input'],
    ['a member too many', '/api/v1/device.list', '{"all":true}', 400, 'contract.bad-input'],
    ['a name that nobody has', '/api/v1/device.erase', '{}', 404, 'contract.unknown-name'],
    ['the name of an inherited member', '/api/v1/constructor', '{}', 404, 'contract.unknown-name'],
    ['a path that nobody has', '/api/v2/device.list', '{}', 404, 'contract.unknown-name'],
  ])('%s', async (_what, path, body, status, code) => {
    const answer = await post(path, body)
    expect(answer.status).toBe(status)
    expect(failureOf(answer)).toMatchObject({ code })
  })

  test('without a token, with a token of nobody, and with two words in it', async () => {
    expect(failureOf(await postWith(null))).toEqual({ code: 'auth.not-signed-in' })
    expect(failureOf(await postWith(`DPoP ${'x'.repeat(43)}`))).toEqual({ code: 'auth.session-expired' })
    expect(failureOf(await postWith('DPoP a b'))).toEqual({ code: 'auth.not-signed-in' })
  })

  test('a request under another host name is refused, so no page can reach us by rebinding', async () => {
    const answer = await ask(`${server.origin}/.well-known/gantry`, server.ca, { headers: { host: 'gantry.example' } })
    expect(failureOf(answer)).toEqual({ code: 'contract.bad-input', details: { field: 'host' } })
  })

  test('a request under another name of its own is answered (R024)', async () => {
    const host = `main.example:${new URL(server.origin).port}`
    expect((await ask(`${server.origin}/.well-known/gantry`, server.ca, { headers: { host } })).status).toBe(200)
  })

  test('only TLS 1.2 with forward secrecy, or newer, is spoken, with people and with devices that poll alike (R059, R060, R067)', async () => {
    const { certificate: cert, key } = await enrolAgent(server, server.devices.mine)
    const dialAt = (origin: string, options: object) => {
      const identity = { cert, key: privatePem(key) }
      const socket = connect({ host: '127.0.0.1', port: Number(new URL(origin).port), ca: server.ca, ...identity, ...options })
      return Promise.race([once(socket, 'secureConnect').then(() => 'spoken'), once(socket, 'error').then(() => 'refused')])
        .catch(() => 'refused')
        .finally(() => socket.destroy())
    }
    for (const origin of [server.origin, server.agentOrigin]) {
      const dial = (options: object) => dialAt(origin, options)
      expect(await dial({ minVersion: 'TLSv1.3' })).toBe('spoken')
      expect(await dial({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toBe('spoken')
      expect(await dial({ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' })).toBe('refused')
      expect(await dial({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })).toBe('refused')
    }
  })
})

describe('what everybody may know', () => {
  test('is told before sign-in, and holds no secret', async () => {
    const { text } = await ask(`${server.origin}/.well-known/gantry`, server.ca)
    const told = WellKnown.parse(JSON.parse(text))
    expect(told).toMatchObject({ issuer: `${server.origin}/oidc`, clientId: 'gantry-desktop', sandbox: true })
    expect(Object.keys(JSON.parse(text)).sort()).toEqual([
      'auditKey',
      'clientId',
      'deviceCa',
      'issuer',
      'name',
      'revoked',
      'sandbox',
      'ticketKey',
      'timeMs',
      'version',
    ])
    expect(text).not.toContain('PRIVATE')
  })
})

describe('starting', () => {
  const configOf = (change: Partial<Config> = {}): Config => {
    const folder = join(server.stateDir, '..')
    const base = {
      name: 'Test',
      host: '127.0.0.1',
      peoplePort: 0,
      agentPort: 0,
      publicHost: '127.0.0.1',
      accessServers: [{ name: 'a', site: 'a', host: '127.0.0.1', port: 1 }],
    }
    const files = { tls: { cert: join(folder, 'tls.pem'), key: join(folder, 'tls.key') }, seedFile: join(folder, 'seed.json'), authorityIn: server.authorityIn }
    return Config.parse({ ...base, ...files, stateDir: join(folder, 'other'), authorityKey: server.authority.publicJwk, sandbox: true, ...change })
  }

  test('a second server on the same folder says so and leaves the first alone', async () => {
    await expect(startMainServer(configOf({ stateDir: server.stateDir }))).rejects.toMatchObject({ code: 'state.in-use', details: { folder: server.stateDir } })
    expect((await ask(`${server.origin}/healthz`, server.ca)).status).toBe(200)
  })

  test('a busy port is named', async () => {
    const port = Number(new URL(server.origin).port)
    await expect(startMainServer(configOf({ peoplePort: port }))).rejects.toMatchObject({ code: 'port.busy', details: { port } })
  })

  test('a sandbox’s seed never runs outside a sandbox, and a sandbox never off loopback', async () => {
    const upstream = UpstreamSettings.parse({ issuer: 'https://id.example', name: 'Norvane', clientId: 'gantry', secretFile: '/nowhere' })
    await expect(startMainServer(configOf({ sandbox: false, upstream }))).rejects.toMatchObject({
      code: 'state.unreadable',
      details: { what: 'seed', field: 'sandbox' },
    })
    await expect(startMainServer(configOf({ host: '0.0.0.0' }))).rejects.toMatchObject({
      code: 'state.unreadable',
      details: { what: 'config', field: 'sandbox' },
    })
  })

  test('outside a sandbox nobody gets in by a password that is kept here: it does not start without the organisation’s provider (R069, R070)', async () => {
    for (const publicHost of ['gantry.example', '192.0.2.1', 'test', 'gantry.test.example'])
      await expect(startMainServer(configOf({ sandbox: false, publicHost }))).rejects.toMatchObject({
        code: 'state.unreadable',
        details: { what: 'config', field: 'upstream' },
      })
  })

  test('state is for its owner alone', () => {
    expect(statSync(server.stateDir).mode & 0o777).toBe(0o700)
    for (const name of ['gantry.db', 'ticket.key', 'device-ca.key', 'identity.key', 'log-signing.key', 'cookie.secret', 'bulletin.secret']) {
      expect(statSync(join(server.stateDir, name)).mode & 0o077).toBe(0)
    }
  })
})

describe('as a process', () => {
  test('one ready line, serves again after kill -9 with the same keys, and stops on SIGTERM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'main-process-'))
    const source = join(server.stateDir, '..')
    const config = {
      ...{ stateDir: join(folder, 'state'), name: 'Test', host: '127.0.0.1', publicHost: '127.0.0.1', peoplePort: 0, agentPort: 0, sandbox: true },
      ...{ tls: { cert: join(source, 'tls.pem'), key: join(source, 'tls.key') }, authorityKey: server.authority.publicJwk, authorityIn: server.authorityIn },
      ...{ seedFile: join(source, 'seed.json'), accessServers: [{ name: 'a', site: 'a', host: '127.0.0.1', port: 1 }] },
    }
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    const start = async () => {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--config', join(folder, 'config.json')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      return { child, exit: once(child, 'exit'), ready: JSON.parse(line.toString()) as { ready: true; peopleOrigin: string; pid: number } }
    }
    try {
      const first = await start()
      expect(first.ready).toMatchObject({ ready: true, peopleOrigin: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/), pid: first.child.pid })
      const keysBefore = WellKnown.parse(JSON.parse((await ask(`${first.ready.peopleOrigin}/.well-known/gantry`, server.ca)).text))
      first.child.kill('SIGKILL')
      await first.exit
      const second = await start()
      const keysAfter = WellKnown.parse(JSON.parse((await ask(`${second.ready.peopleOrigin}/.well-known/gantry`, server.ca)).text))
      expect({ ...keysAfter, issuer: '' }).toEqual({ ...keysBefore, issuer: '', timeMs: keysAfter.timeMs })
      second.child.kill('SIGTERM')
      expect(await second.exit).toEqual([0, null])
      expect(
        createHash('sha256')
          .update(readFileSync(join(folder, 'state', 'audit.jsonl')))
          .digest('hex'),
      ).toHaveLength(64)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
