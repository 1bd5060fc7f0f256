import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSigningKey, privatePem } from '@gantry/shared/node/signing.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { form } from '../../../test/support/sign-in-browser.ts'
import { resign, upstreamClient } from '../../../test/support/upstream.ts'
import { createUpstreamWorld, failureOf, type UpstreamWorld } from '../../../test/support/upstream-world.ts'
import { readCredential, UpstreamSettings } from '../upstream-settings.ts'
import { hasSecondFactor } from './factors.ts'

let world: UpstreamWorld
beforeAll(async () => {
  // Each code counts once, so each test of codes has its own person.
  const people = {
    ...{ coder: { totpSecret: 'A'.repeat(32) }, steady: { totpSecret: 'B'.repeat(32) }, late: { totpSecret: 'C'.repeat(32) }, nofactor: {} },
    ...{ disabled: { disabled: true }, elsewhere: { identity: { issuer: 'https://other.example', subject: 'elsewhere' } } },
  }
  world = await createUpstreamWorld(people, { acr: ['urn:test:two'] })
})
afterEach(() => {
  world.upstream.rewrite = null
  world.upstream.person = { refusal: 'access_denied' }
})
afterAll(() => world.close())

const codeOfPage = (text: string) => /class="mono">(\d{3}) (\d{3})</.exec(text)?.slice(1).join('') ?? ''
const lastOf = (kind: string) => world.events().findLast((event) => event.kind === kind)?.data

describe('signing in through the organisation’s provider (R069)', () => {
  test('with a second factor there, the person is in; its time is the provider’s', async () => {
    const { upstream, server } = world
    upstream.person = { subject: 'nofactor', amr: ['pwd', 'otp'] }
    const { started, page } = await world.signIn()
    expect(page.at.origin).toBe('http://127.0.0.1:49152')
    const me = await server.client((await world.tokens(page.at, started)).access_token).call('specialist.me', {})
    expect(me.specialist.username).toBe('nofactor')
    expect(Math.abs(me.mfaAtMs - Date.now())).toBeLessThan(15_000)
    expect(lastOf('specialist.signed-in')).toMatchObject({ factors: 'provider', methods: 'pwd otp' })
    expect(Object.fromEntries(upstream.asked.at(-1) ?? [])).toMatchObject({
      ...{ client_id: upstreamClient, response_type: 'code', scope: 'openid', prompt: 'login', max_age: '60', code_challenge_method: 'S256' },
      ...{ redirect_uri: `${server.origin}/sign-in/answer`, acr_values: 'urn:test:two' },
    })
  })

  test('a listed acr is a second factor as well', async () => {
    world.upstream.person = { subject: 'nofactor', acr: 'urn:test:two' }
    expect((await world.signIn()).page.at.protocol).toBe('http:')
  })

  test('without one there, ours is asked, and counts; the older of both says how old they are (R065)', async () => {
    const signedInAt = Math.floor(Date.now() / 1_000) - 20
    world.upstream.person = { subject: 'coder', amr: ['pwd'], ts: signedInAt }
    const { browser, started, page } = await world.signIn()
    expect(page.text).toContain('name="code"')
    const wrong = await browser.visit(page.at.href, form({ code: '000000' }))
    expect(failureOf(wrong)).toMatchObject({ code: 'auth.wrong-credentials' })
    const answer = await browser.visit(page.at.href, form({ code: codeOfPage(page.text) }))
    const { at } = await world.walk(browser, new URL(answer.headers.location ?? '', world.server.origin).href)
    const me = await world.server.client((await world.tokens(at, started)).access_token).call('specialist.me', {})
    expect(me).toMatchObject({ specialist: { username: 'coder' }, mfaAtMs: signedInAt * 1_000 })
    expect(lastOf('specialist.signed-in')).toMatchObject({ factors: 'provider totp' })
  })

  test('without one there, there is no way around ours (R065)', async () => {
    world.upstream.person = { subject: 'steady', amr: ['pwd'] }
    const { browser, page } = await world.signIn()
    const resumed = await world.walk(browser, page.at.href.replace('/sign-in/', '/oidc/auth/'))
    expect(resumed.at.protocol).toBe('https:')
    expect(resumed.text).toContain('name="code"')
  })

  test('without one there and without one here, nobody gets in (R065)', async () => {
    world.upstream.person = { subject: 'nofactor', amr: ['pwd'] }
    const { page } = await world.signIn()
    expect(page.status).toBe(403)
    expect(failureOf(page)).toEqual({ code: 'auth.second-factor-missing' })
  })

  test.each(['stranger', 'elsewhere', 'disabled'])('no assignment here, no entry, and audited: %s (R068, R076)', async (subject) => {
    world.upstream.person = { subject, amr: ['mfa'] }
    const { page } = await world.signIn()
    expect(page.status).toBe(403)
    expect(failureOf(page)).toEqual({ code: 'auth.no-account', details: { subject } })
    expect(page.text).toContain(subject)
    expect(lastOf('specialist.sign-in-refused')).toEqual({ code: 'auth.no-account', subject })
  })

  test('whom the provider refuses does not get in', async () => {
    const { page } = await world.signIn()
    expect(page.status).toBe(403)
    expect(failureOf(page)).toEqual({ code: 'auth.provider-refused', details: { reason: 'access_denied' } })
    expect(page.text).toContain('Norvane SSO')
    expect(page.text).toMatch(/href="\/sign-in\/[^"]+"/)
  })

  test('a password that is kept here opens nothing (R069)', async () => {
    const { elena } = world.server.people
    const { browser, page } = await world.signIn()
    const address = page.at.href.replace(/\/answer.*/, '')
    for (const fields of [form({ username: elena.username, password: elena.password }), form({ code: world.server.codeFor(elena) })]) {
      const answer = await browser.visit(address, fields)
      expect(answer.status).toBe(400)
      expect(answer.text).not.toContain('name="code"')
    }
  })

  test('a person who is disabled between the provider and the code gets no further (D13)', async () => {
    world.upstream.person = { subject: 'late', amr: ['pwd'] }
    const { browser, page } = await world.signIn()
    const ends = () => world.events().filter(({ kind }) => kind === 'specialist.disabled').length
    const before = ends()
    world.server.changeSeed((seed) => {
      for (const person of seed.specialists) if (person.username === 'late') person.disabled = true
    })
    await expect.poll(ends).toBe(before + 1)
    const answer = await browser.visit(page.at.href, form({ code: codeOfPage(page.text) }))
    expect(answer.headers.location ?? '').not.toContain('/oidc/')
    expect(failureOf(answer)).not.toBeNull()
  })

  test('nothing with which a visit could be finished lies in the database', async () => {
    world.upstream.person = { subject: 'nofactor', amr: ['mfa'] }
    const { answer } = await world.comeBack()
    const files = readdirSync(world.server.stateDir).filter((name) => name.startsWith('gantry.db'))
    const stored = Buffer.concat(files.map((name) => readFileSync(join(world.server.stateDir, name))))
    expect(stored.includes('upstream_visits')).toBe(true)
    for (const name of ['state', 'code']) expect(stored.includes(answer.searchParams.get(name) ?? 'missing')).toBe(false)
  })
})

describe('a provider that is down', () => {
  test('when the answer is to be exchanged: a page says so, and trying again works', async () => {
    const { upstream } = world
    upstream.person = { subject: 'nofactor', amr: ['mfa'] }
    const { browser, started, answer } = await world.comeBack()
    await upstream.down()
    const page = await world.walk(browser, answer.href).finally(() => upstream.up())
    expect(page.status).toBe(503)
    expect(failureOf(page)).toEqual({ code: 'auth.provider-unreachable', details: { host: '127.0.0.1', reason: 'ECONNREFUSED' } })
    const again = /class="button" href="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const done = await world.walk(browser, new URL(again, world.server.origin).href)
    expect((await world.tokens(done.at, started)).access_token).toBeTruthy()
  })

  test('from the start on: the main server starts, a page says so, and trying again works', async () => {
    await world.restartWith({})
    const { upstream } = world
    upstream.person = { subject: 'nofactor', amr: ['mfa'] }
    await upstream.down()
    const { browser, page } = await world.signIn().finally(() => upstream.up())
    expect(page.status).toBe(503)
    expect(failureOf(page)).toMatchObject({ code: 'auth.provider-unreachable' })
    expect((await world.walk(browser, page.at.href)).at.protocol).toBe('http:')
  })

  test('behind a proxy that answers for it: the same', async () => {
    world.upstream.person = { subject: 'nofactor', amr: ['mfa'] }
    world.upstream.rewrite = () => {
      throw new Error('not reached')
    }
    await world.restartWith({ caFile: world.upstream.caFile })
    world.upstream.unavailable = true
    const { page } = await world.signIn().finally(() => {
      world.upstream.unavailable = false
    })
    expect(failureOf(page)).toEqual({ code: 'auth.provider-unreachable', details: { host: '127.0.0.1', reason: '503' } })
  })
})

describe('the client of the provider', () => {
  test('proves itself with a key of its own, where one is set', async () => {
    const key = generateSigningKey()
    const keyFile = join(world.folder, 'upstream.key')
    await world.restartWith({ keyFile: put(keyFile, privatePem(key)) }, key.publicJwk)
    world.upstream.person = { subject: 'nofactor', amr: ['mfa'] }
    expect((await world.signIn()).page.at.protocol).toBe('http:')
    await world.restartWith({ keyFile: put(keyFile, privatePem(generateSigningKey())) }, key.publicJwk)
    expect(failureOf((await world.signIn()).page)).toEqual({ code: 'auth.provider-answer-bad', details: { reason: 'invalid_client' } })
  })

  test('may be told to ask our second factor whatever the provider says', async () => {
    await world.restartWith({ secondFactor: 'always' })
    world.upstream.person = { subject: 'coder', amr: ['mfa'] }
    expect((await world.signIn()).page.text).toContain('name="code"')
  })

  test('may be told that the provider cannot say when: then ours is always asked, and a time that it does say must fit', async () => {
    await world.restartWith({ authTime: 'may-be-missing' })
    world.upstream.person = { subject: 'steady', amr: ['mfa'] }
    const say = (auth_time: unknown) => {
      world.upstream.rewrite = (path, body) => {
        return path === '/token' ? { ...body, id_token: resign(String(body.id_token), { auth_time }, world.upstream.key.privateKey) } : body
      }
    }
    for (const unknown of [0, undefined]) {
      say(unknown)
      expect((await world.signIn()).page.text).toContain('name="code"')
    }
    say(Math.floor(Date.now() / 1_000) - 3_600)
    expect(failureOf((await world.signIn()).page)).toEqual({ code: 'auth.provider-answer-bad', details: { reason: 'auth_time' } })
    say(Math.floor(Date.now() / 1_000))
    expect((await world.signIn()).page.at.protocol).toBe('http:')
  })

  test('trusts only who may vouch for the provider’s address (R061)', async () => {
    await world.restartWith({ caFile: put(join(world.folder, 'other-ca.pem'), world.server.ca) })
    const { page } = await world.signIn()
    expect(page.status).toBe(503)
    expect(failureOf(page)).toMatchObject({ code: 'auth.provider-unreachable', details: { reason: expect.stringMatching(/CERT|SIGNATURE|VERIFY/) } })
  })

  test('takes its secret only from a file that nobody else may read', () => {
    const settings = UpstreamSettings.parse({ issuer: 'https://login.example', name: 'Login', clientId: 'gantry', secretFile: world.upstream.secretFile })
    expect(readCredential(settings)).toEqual({ secret: 'a secret of the test, with % and : in it', in: 'header' })
    chmodSync(world.upstream.secretFile, 0o640)
    expect(() => readCredential(settings)).toThrow(expect.objectContaining({ code: 'state.unreadable', details: { what: 'upstream', field: 'secretFile' } }))
    chmodSync(world.upstream.secretFile, 0o600)
  })

  test.each([
    ['without https', { issuer: 'http://login.example' }],
    ['with a secret in the config', { secret: 'in clear' }],
    ['without a credential', { secretFile: undefined }],
    ['with two', { keyFile: '/etc/gantry/upstream.key' }],
  ])('is not set up %s', (_how, change) => {
    const settings = { issuer: 'https://login.example', name: 'Login', clientId: 'gantry', secretFile: '/etc/gantry/upstream.secret' }
    expect(UpstreamSettings.safeParse(settings).success).toBe(true)
    expect(UpstreamSettings.safeParse({ ...settings, ...change }).success).toBe(false)
  })
})

describe('what counts as a second factor (RFC 8176)', () => {
  const policy = { acr: ['urn:two'], secondFactor: 'when-missing' as const }
  test.each([
    ...[['mfa'], ['pwd', 'otp'], ['pwd', 'hwk', 'user'], ['pin', 'sc'], ['fpt', 'swk']].map((amr) => ({ amr })),
    ...[{ acr: 'urn:two' }, { amr: ['pwd'], acr: 'urn:two' }],
  ])('%j does', (claims) => expect(hasSecondFactor(claims, policy)).toBe(true))
  test.each([
    ...[[], ['pwd'], ['otp'], ['otp', 'hwk'], ['pwd', 'pin'], ['pwd', 'sms'], ['pwd', 'tel'], ['pwd', 'kba'], ['pwd', 'geo'], ['pwd', 'rba']].map((amr) => ({
      amr,
    })),
    ...[{}, { amr: 'mfa' }, { amr: { 0: 'mfa' } }, { amr: [['mfa']] }, { amr: ['MFA'] }, { amr: ['pwd', 'constructor'] }],
    ...[{ acr: 'urn:two ' }, { acr: ['urn:two'] }, { acr: 'urn:one urn:two' }, { acr: '' }],
  ])('%j does not', (claims) => expect(hasSecondFactor(claims, policy)).toBe(false))
})

function put(path: string, content: string): string {
  writeFileSync(path, content, { mode: 0o600 })
  return path
}
