import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { ask, authorization, createBrowser, exchange, follow, form, type Tokens } from '../../../test/support/sign-in-browser.ts'
import { throttle, waitSeconds } from '../throttle.ts'
import { codeOf, matchStep, stepAt } from './totp.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())

/** A browser in front of the password page. */
async function openPage(change: Record<string, string | undefined> = {}) {
  const browser = createBrowser(server.origin, server.ca)
  const started = authorization(server.origin, change)
  const page = await follow(browser, server.origin, await browser.visit(started.url))
  return { browser, started, page, address: page.headers.location ?? '' }
}

/** A browser in front of the code page, in the next TOTP step. */
async function openCodePage() {
  server.clock.aheadMs += 30_000
  const opened = await openPage()
  const { username, password } = server.people.elena
  const next = await opened.browser.visit(opened.address, form({ username, password }))
  expect(next.status).toBe(303)
  return { ...opened, page: await opened.browser.visit(opened.address) }
}

/** No test shall be throttled by another's failures. */
function aMinuteLater() {
  server.clock.aheadMs += throttle.windowMs
}

const failureOf = (answer: { headers: Record<string, unknown> }) => JSON.parse(String(answer.headers['gantry-failure'] ?? 'null'))

describe('signing in through the pages', () => {
  test('password and code lead back to the client, and its code to tokens (R065)', async () => {
    const tokens = await server.signIn(server.people.elena)
    expect(tokens).toMatchObject({ token_type: 'DPoP', scope: 'gantry', expires_in: 600 })
    const me = await server.client(tokens.access_token).call('specialist.me', {})
    expect(me).toMatchObject({ specialist: { username: 'elena', tier: 2 }, certificate: server.people.elena.certificate })
    expect(me.supportContacts).toHaveLength(1)
  })

  test('a wrong password and an unknown name get the same page', async () => {
    aMinuteLater()
    const answers = []
    for (const username of ['elena', 'nobody']) {
      const { browser, address } = await openPage()
      const answer = await browser.visit(address, form({ username, password: 'not the password' }))
      expect(answer.status).toBe(401)
      expect(failureOf(answer)).toEqual({ code: 'auth.wrong-credentials' })
      answers.push(answer.text.replace(`value="${username}"`, ''))
    }
    expect(answers[0]).toBe(answers[1])
  })

  test('there is no way to the end with the password alone, nor with a code before it (R065, R070)', async () => {
    const { browser, address } = await openPage()
    const early = await browser.visit(address, form({ code: server.codeFor(server.people.elena) }))
    expect(early.status).toBe(400)
    const { browser: other, address: waiting } = await openCodePage()
    const resumed = await follow(other, server.origin, await other.visit(waiting.replace('/sign-in/', '/oidc/auth/')))
    expect(resumed.left).toBeNull()
    expect(resumed.headers.location).toContain('/sign-in/')
  })

  test('a wrong code is refused, and the page says so in words', async () => {
    aMinuteLater()
    const { browser, address } = await openCodePage()
    const answer = await browser.visit(address, form({ code: '000000' }))
    expect(answer.status).toBe(401)
    expect(failureOf(answer)).toMatchObject({ code: 'auth.wrong-credentials' })
    expect(answer.text).toContain('The code did not match.')
  })

  test('a code counts once; the page says when the next one comes', async () => {
    aMinuteLater()
    const first = await openCodePage()
    const code = server.codeFor(server.people.elena)
    expect((await first.browser.visit(first.address, form({ code }))).status).toBe(303)
    const second = await openPage()
    await second.browser.visit(second.address, form({ username: 'elena', password: server.people.elena.password }))
    const answer = await second.browser.visit(second.address, form({ code }))
    expect(answer.status).toBe(401)
    expect(failureOf(answer)).toMatchObject({ code: 'auth.code-used', details: { seconds: expect.any(Number) } })
    expect(answer.text).toMatch(/The next one comes in \d+ s/)
  })

  test('a form that is sent twice signs in once: both answers lead to the same place (R065)', async () => {
    aMinuteLater()
    const { browser, address } = await openCodePage()
    const send = () => browser.visit(address, form({ code: server.codeFor(server.people.elena) }))
    const answers = [...(await Promise.all([send(), send()])), await send()]
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303])
    expect(new Set(answers.map(({ headers }) => new URL(headers.location ?? '', server.origin).href)).size).toBe(1)
    expect((await follow(browser, server.origin, answers[1] as (typeof answers)[0])).left?.searchParams.get('code')).toMatch(/./)
    // Another browser, with the same form, gets nothing of it.
    expect((await createBrowser(server.origin, server.ca).visit(address, form({ code: '000000' }))).status).toBe(400)
  })

  test('in the sandbox the code stands on the page, and works', async () => {
    const { browser, page, address } = await openCodePage()
    const code = /class="mono">(\d{3}) (\d{3})</.exec(page.text)?.slice(1).join('') ?? ''
    expect(code).toBe(server.codeFor(server.people.elena))
    expect((await browser.visit(address, form({ code }))).status).toBe(303)
  })

  test('after five failures in a minute nothing is looked at for that account, and who is signed in stays so (R065)', async () => {
    aMinuteLater()
    const tokens = await server.signIn(server.people.elena)
    const { browser, address } = await openPage()
    for (let count = 0; count < throttle.perAccount; count++) await browser.visit(address, form({ username: 'elena', password: 'not the password' }))
    const answer = await browser.visit(address, form({ username: 'elena', password: server.people.elena.password }))
    expect(answer.status).toBe(429)
    expect(failureOf(answer)).toMatchObject({ code: 'auth.throttled', details: { seconds: expect.any(Number) } })
    expect((await server.client(tokens.access_token).call('specialist.me', {})).specialist.username).toBe('elena')
    const refreshed = await exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
    expect(refreshed.status).toBe(200)
    aMinuteLater()
    expect((await browser.visit(address, form({ username: 'elena', password: server.people.elena.password }))).status).toBe(303)
  })

  test('the pages run no script, load nothing from elsewhere and cannot be framed', async () => {
    const { page } = await openPage()
    expect(page.headers['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http:\/\/127\.0\.0\.1:49152; frame-ancestors 'none'/,
    )
    expect(page.text).not.toMatch(/<script|style=|https?:\/\//)
    expect(page.headers['strict-transport-security']).toBeTruthy()
  })

  test('the pages speak French to a French browser, and by ?lang', async () => {
    const { browser, page, address } = await openPage()
    expect(page.text).toContain('<html lang="en">')
    expect((await browser.visit(`${address}?lang=fr`)).text).toContain('Nom d’utilisateur')
    expect((await browser.visit(address, { headers: { 'accept-language': 'fr-CA,fr;q=0.9,en;q=0.5' } })).text).toContain('<html lang="fr">')
  })

  test('a typed name is shown again only in the shape of a name, and never as markup', async () => {
    aMinuteLater()
    const { browser, address } = await openPage()
    const answer = await browser.visit(address, form({ username: '"><b>x', password: 'not the password' }))
    expect(answer.text).not.toContain('<b>x')
  })

  test('another browser cannot take over a sign-in by its address', async () => {
    const { address } = await openPage()
    const stranger = await createBrowser(server.origin, server.ca).visit(address)
    expect(stranger.status).toBe(400)
    expect(stranger.text).toContain('This sign-in is over')
  })
})

describe('the OpenID provider', () => {
  test('tells its keys and addresses, and offers nothing but code with S256', async () => {
    const { text } = await ask(`${server.origin}/oidc/.well-known/openid-configuration`, server.ca)
    expect(JSON.parse(text)).toMatchObject({
      issuer: `${server.origin}/oidc`,
      authorization_endpoint: `${server.origin}/oidc/auth`,
      token_endpoint: `${server.origin}/oidc/token`,
      revocation_endpoint: `${server.origin}/oidc/token/revocation`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
  })

  test.each([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['with PKCE plain', { code_challenge_method: 'plain' }],
    ['with an implicit flow', { response_type: 'id_token', nonce: 'n' }],
  ])('a request %s goes back to the client with an error', async (_how, change) => {
    const browser = createBrowser(server.origin, server.ca)
    const { left } = await follow(browser, server.origin, await browser.visit(authorization(server.origin, change).url))
    const answer = new URLSearchParams(left?.search || left?.hash.slice(1))
    expect(answer.get('error')).toMatch(/invalid_request|unsupported_response_type|unauthorized_client/)
    expect(answer.get('code')).toBeNull()
  })

  test.each(['http://localhost:49152/callback', 'http://127.0.0.1:49152/other', 'http://192.0.2.1/callback', 'https://gantry.example/callback'])(
    'a redirect to %s is refused on the spot',
    async (redirect_uri) => {
      const browser = createBrowser(server.origin, server.ca)
      const answer = await browser.visit(authorization(server.origin, { redirect_uri }).url)
      expect(answer.status).toBe(400)
      expect(answer.headers.location).toBeUndefined()
      expect(answer.text).toContain('invalid_redirect_uri')
    },
  )

  test('any loopback port will do, by IPv4 or IPv6 literal', async () => {
    for (const redirect_uri of ['http://127.0.0.1:1025/callback', 'http://[::1]:65000/callback']) {
      const { page } = await openPage({ redirect_uri })
      expect(page.text).toContain('name="password"')
    }
  })

  test('a code is good once, and only with its verifier', async () => {
    const signInCode = async () => {
      const opened = await openCodePage()
      const { left } = await follow(
        opened.browser,
        server.origin,
        await opened.browser.visit(opened.address, form({ code: server.codeFor(server.people.elena) })),
      )
      return { code: left?.searchParams.get('code') ?? '', started: opened.started, state: left?.searchParams.get('state') }
    }
    aMinuteLater()
    const { code, started, state } = await signInCode()
    expect(state).toBe('state-of-the-test')
    const parameters = { grant_type: 'authorization_code', code, redirect_uri: started.redirect, code_verifier: started.verifier }
    const first = await exchange(server.origin, server.ca, parameters)
    expect(first.status).toBe(200)
    const second = await exchange(server.origin, server.ca, parameters)
    expect(JSON.parse(second.text)).toMatchObject({ error: 'invalid_grant' })
    const { access_token } = JSON.parse(first.text) as Tokens
    await expect(server.client(access_token).call('specialist.me', {})).rejects.toMatchObject({ code: 'auth.session-expired' })
    const other = await signInCode()
    const wrong = await exchange(server.origin, server.ca, { ...parameters, code: other.code, code_verifier: 'w'.repeat(43) })
    expect(JSON.parse(wrong.text)).toMatchObject({ error: 'invalid_grant' })
  })

  test('a refresh token that is used twice ends the whole family', async () => {
    const tokens = await server.signIn(server.people.elena)
    const refresh = (refresh_token: string) => exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token })
    const next = JSON.parse((await refresh(tokens.refresh_token)).text) as Tokens
    expect(next.refresh_token).not.toBe(tokens.refresh_token)
    const me = await server.client(next.access_token).call('specialist.me', {})
    expect(me.specialist.username).toBe('elena')
    expect(JSON.parse((await refresh(tokens.refresh_token)).text)).toMatchObject({ error: 'invalid_grant' })
    await expect(server.client(next.access_token).call('specialist.me', {})).rejects.toMatchObject({ code: 'auth.session-expired' })
    expect(JSON.parse((await refresh(next.refresh_token)).text)).toMatchObject({ error: 'invalid_grant' })
  })

  test('refreshing does not make the second factor younger', async () => {
    const tokens = await server.signIn(server.people.elena)
    const before = await server.client(tokens.access_token).call('specialist.me', {})
    const next = JSON.parse((await exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })).text) as Tokens
    const after = await server.client(next.access_token).call('specialist.me', {})
    expect(after.mfaAtMs).toBe(before.mfaAtMs)
  })

  test('signing out ends every token of the sign-in', async () => {
    const tokens = await server.signIn(server.people.elena)
    const { status } = await ask(`${server.origin}/oidc/token/revocation`, server.ca, form({ client_id: 'gantry-desktop', token: tokens.refresh_token }))
    expect(status).toBe(200)
    await expect(server.client(tokens.access_token).call('specialist.me', {})).rejects.toMatchObject({ code: 'auth.session-expired' })
  })

  test('the browser stays signed in to nothing: each time both factors are asked', async () => {
    const { browser, address } = await openCodePage()
    await follow(browser, server.origin, await browser.visit(address, form({ code: server.codeFor(server.people.elena) })))
    const again = await follow(browser, server.origin, await browser.visit(authorization(server.origin).url))
    expect(again.text).toContain('name="password"')
  })

  test('no token, code or password lies in the database', async () => {
    const tokens = await server.signIn(server.people.elena)
    const files = readdirSync(server.stateDir).filter((name) => name.startsWith('gantry.db'))
    const stored = Buffer.concat(files.map((name) => readFileSync(`${server.stateDir}/${name}`)))
    expect(stored.includes(server.people.elena.username)).toBe(true)
    for (const secret of [tokens.access_token, tokens.refresh_token, server.people.elena.password]) expect(stored.includes(secret)).toBe(false)
  })
})

describe('the rules behind the pages', () => {
  test('a TOTP code is the one of RFC 6238 appendix B', () => {
    const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
    expect(codeOf(secret, stepAt(59_000))).toBe('287082')
    expect(codeOf(secret, stepAt(1_111_111_109_000))).toBe('081804')
    expect(matchStep(secret, '287 082', 59_000)).toBe(1)
    expect(matchStep(secret, '287082', 59_000 + 30_000)).toBe(1)
    expect(matchStep(secret, '287082', 59_000 + 60_000)).toBeNull()
  })

  test('the wait lasts until so many failures are old enough', () => {
    expect(waitSeconds([0, 1_000, 2_000], 5, 3_000)).toBe(0)
    expect(waitSeconds([0, 1_000, 2_000, 3_000, 4_000], 5, 5_000)).toBe(55)
    expect(waitSeconds([0, 1_000, 2_000, 3_000, 4_000, 5_000], 5, 5_000)).toBe(56)
  })
})
