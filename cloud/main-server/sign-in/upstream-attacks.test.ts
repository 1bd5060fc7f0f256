import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createBrowser } from '../../../test/support/sign-in-browser.ts'
import { resign, upstreamClient } from '../../../test/support/upstream.ts'
import { createUpstreamWorld, failureOf, type UpstreamWorld } from '../../../test/support/upstream-world.ts'

let world: UpstreamWorld
beforeAll(async () => {
  world = await createUpstreamWorld({ victim: {}, thief: {} })
})
beforeEach(() => {
  world.upstream.person = { subject: 'victim', amr: ['mfa'] }
})
afterEach(() => {
  world.upstream.rewrite = null
  world.server.clock.aheadMs = 0
})
afterAll(() => world.close())

const signedIn = () => world.events().filter(({ kind }) => kind === 'specialist.signed-in').length
const reasonOf = (page: Parameters<typeof failureOf>[0]) => {
  const failure = failureOf(page)
  expect(failure.code).toBe('auth.provider-answer-bad')
  return failure.details.reason
}
const seconds = (ago: number) => Math.floor(Date.now() / 1_000) - ago
/** Changes the ID token on its way. */
const lie = (change: (token: string) => unknown) => {
  world.upstream.rewrite = async (path, body) => (path === '/token' && body.id_token ? { ...body, id_token: await change(String(body.id_token)) } : body)
}

describe('an answer of the provider that does not hold lets nobody in', () => {
  const claims: [string, Record<string, unknown>, string][] = [
    ['for another audience', { aud: 'somebody else' }, 'aud'],
    ['for another audience as well, with no party named', { aud: [upstreamClient, 'somebody else'] }, 'aud'],
    ['for two audiences, given to the other', { aud: [upstreamClient, 'somebody else'], azp: 'somebody else' }, 'azp'],
    ['for us, given to somebody else', { azp: 'somebody else' }, 'azp'],
    ['of another issuer', { iss: 'https://other.example' }, 'iss'],
    ['with the nonce of another visit', { nonce: 'another' }, 'nonce'],
    ['without a nonce', { nonce: undefined }, 'nonce'],
    ['that has run out, beyond what clocks may differ', { exp: seconds(40) }, 'exp'],
    ['that does not count yet', { nbf: seconds(-100) }, 'nbf'],
    ['of a sign-in before this visit (R069)', { auth_time: seconds(3_600) }, 'auth_time'],
    ['of no time at all', { auth_time: 0 }, 'auth_time'],
    ['of a sign-in that is yet to be', { auth_time: seconds(-3_600) }, 'auth_time'],
    ['that does not say when', { auth_time: undefined }, 'auth_time'],
  ]
  test.each(claims)('an ID token %s', async (_what, change, reason) => {
    lie((token) => resign(token, change, world.upstream.key.privateKey))
    const before = signedIn()
    const { page } = await world.signIn()
    expect(page.status).toBe(502)
    const found = reasonOf(page)
    // A missing claim is told by the library without its name.
    if (found !== 'OAUTH_INVALID_RESPONSE') expect(found).toBe(reason)
    expect(signedIn()).toBe(before)
    expect(world.events().findLast(({ kind }) => kind === 'specialist.sign-in-refused')?.data).toMatchObject({
      code: 'auth.provider-answer-bad',
      reason: found,
    })
  })

  test.each<[string, (token: string) => unknown]>([
    ['signed by another key', (token) => resign(token, {}, generateSigningKey().privateKey)],
    ['signed with the client’s own secret', (token) => resign(token, {}, 'a secret of the test, with % and : in it')],
    ['with no signature', (token) => resign(token, {}, null)],
    ['with its signature cut off', (token) => token.slice(0, token.lastIndexOf('.') + 1)],
    ['that is none', () => 'not a token'],
    ['that is missing', () => undefined],
  ])('an ID token %s', async (_what, change) => {
    lie(change)
    const before = signedIn()
    reasonOf((await world.signIn()).page)
    expect(signedIn()).toBe(before)
  })

  test('a token that nobody has touched passes through the same hands', async () => {
    lie((token) => resign(token, {}, world.upstream.key.privateKey))
    expect((await world.signIn()).page.at.protocol).toBe('http:')
  })

  test('what clocks may differ is let pass, and no more', async () => {
    lie((token) => resign(token, { auth_time: seconds(25), exp: seconds(25) }, world.upstream.key.privateKey))
    expect((await world.signIn()).page.at.protocol).toBe('http:')
  })
})

describe('metadata that lead elsewhere are not followed', () => {
  test.each([
    ['issuer', 'https://other.example', 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'],
    ['authorization_endpoint', 'https://other.example/auth', 'authorization_endpoint'],
    ['authorization_endpoint', 'http://127.0.0.1/auth', 'authorization_endpoint'],
  ])('%s at %s', async (field, value, reason) => {
    await world.restartWith({})
    world.upstream.rewrite = (path, body) => (path.startsWith('/.well-known/') ? { ...body, [field]: value } : body)
    expect(reasonOf((await world.signIn()).page)).toBe(reason)
  })

  test.each(['token_endpoint', 'jwks_uri'])('%s at another host: neither the code nor our secret goes there', async (field) => {
    await world.restartWith({})
    world.upstream.rewrite = (path, body) => (path.startsWith('/.well-known/') ? { ...body, [field]: 'https://127.0.0.1:1/x' } : body)
    expect(failureOf((await world.signIn()).page)).toMatchObject({ code: 'auth.provider-unreachable', details: { reason: 'server.identity-wrong' } })
    await world.restartWith({})
  })
})

describe('an answer in the wrong hands', () => {
  test('the thief’s answer in the victim’s browser signs the victim in to nothing (login CSRF)', async () => {
    world.upstream.person = { subject: 'thief', amr: ['mfa'] }
    const { answer } = await world.comeBack()
    const before = signedIn()
    const stranger = await world.walk(world.browser(), answer.href)
    expect(stranger.status).toBe(400)
    expect(stranger.text).toContain('This sign-in is over')
    const victim = world.browser()
    const { answer: own } = await world.comeBack(victim)
    const waiting = await world.walk(victim, answer.href)
    expect(waiting.status).toBe(400)
    // Nor below the victim's own sign-in.
    const moved = await world.walk(victim, own.href, ({ pathname }) => pathname.endsWith('/answer') && pathname !== '/sign-in/answer')
    const forged = new URL(moved.at)
    forged.search = answer.search
    expect(failureOf(await world.walk(victim, forged.href))).toEqual({ code: 'auth.callback-refused' })
    expect(signedIn()).toBe(before)
  })

  test('the victim’s answer in the thief’s browser opens nothing, and the victim’s own sign-in goes on', async () => {
    const { browser, answer } = await world.comeBack()
    const before = signedIn()
    expect((await world.walk(world.browser(), answer.href)).status).toBe(400)
    expect(signedIn()).toBe(before)
    expect((await world.walk(browser, answer.href)).at.protocol).toBe('http:')
  })

  test('a sign-in that the thief began is not finished in the victim’s browser (session fixation)', async () => {
    const thief = world.browser()
    const { answer } = await world.comeBack(thief)
    const { at } = await world.walk(thief, answer.href, ({ pathname }) => pathname.endsWith('/answer') && pathname !== '/sign-in/answer')
    const began = at.href.replace(/\/answer.*/, '')
    expect((await world.walk(world.browser(), began)).status).toBe(400)
  })

  test('a stolen code in the thief’s own visit is worth nothing (PKCE, nonce)', async () => {
    const { answer: stolen } = await world.comeBack()
    world.upstream.person = { subject: 'thief', amr: ['mfa'] }
    const { browser, answer } = await world.comeBack()
    answer.searchParams.set('code', stolen.searchParams.get('code') ?? '')
    expect(reasonOf(await world.walk(browser, answer.href))).toBe('invalid_grant')
  })

  test('an answer counts once, also in its own browser', async () => {
    const { browser, answer } = await world.comeBack()
    expect((await world.walk(browser, answer.href)).at.protocol).toBe('http:')
    expect((await world.walk(browser, answer.href)).status).toBe(400)
  })

  test('an answer to an earlier visit of the same sign-in counts no more', async () => {
    const { browser, answer } = await world.comeBack()
    const { at } = await world.walk(browser, answer.href, ({ pathname }) => pathname.endsWith('/answer') && pathname !== '/sign-in/answer')
    const newer = await world.walk(browser, at.href.replace(/\/answer.*/, ''), (url) => url.pathname === '/sign-in/answer')
    expect(newer.at.searchParams.get('state')).not.toBe(answer.searchParams.get('state'))
    expect((await world.walk(browser, answer.href)).status).toBe(400)
    expect((await world.walk(browser, newer.at.href)).at.protocol).toBe('http:')
  })

  test('an answer that comes too late finds nothing', async () => {
    const { browser, answer } = await world.comeBack()
    world.server.clock.aheadMs = 16 * 60_000
    expect((await world.walk(browser, answer.href)).status).toBe(400)
  })

  test.each([
    ['another provider’s name', (query: URLSearchParams) => query.set('iss', 'https://other.example')],
    ['no provider’s name', (query: URLSearchParams) => query.delete('iss')],
    ['two states', (query: URLSearchParams) => query.append('state', 'another')],
    ['two codes', (query: URLSearchParams) => query.append('code', 'another')],
  ])('an answer with %s is refused before its code is sent anywhere (mix-up, RFC 9207)', async (_what, change) => {
    const { browser, answer } = await world.comeBack()
    let sent = 0
    world.upstream.rewrite = (path, body) => {
      if (path === '/token') sent++
      return body
    }
    change(answer.searchParams)
    expect(['auth.provider-answer-bad', 'auth.callback-refused']).toContain(failureOf(await world.walk(browser, answer.href)).code)
    expect(sent).toBe(0)
  })

  test.each(['', '?state=', '?state=unknown&code=x', `?state=${'x'.repeat(4_000)}`, '?state=%00', '?error=access_denied'])(
    'an answer to nothing is a page: %s',
    async (query) => {
      const { status, text } = await createBrowser(world.server.origin, world.server.ca).visit(`/sign-in/answer${query}`)
      expect(status).toBe(400)
      expect(text).toContain('This sign-in is over')
    },
  )
})
