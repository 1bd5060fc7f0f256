import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestPerson, type TestServer } from '../../../test/support/main-server.ts'
import { type Authenticator, challengeOf, createAuthenticator, type Lie } from '../../../test/support/passkey.ts'
import { authorization, type Browser, createBrowser, exchange, follow, form, type Tokens } from '../../../test/support/sign-in-browser.ts'
import { throttle } from '../throttle.ts'
import { maxPasskeys } from './passkeys.ts'

// R065, R066: a second factor that a copied page cannot use.

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ publicHost: 'localhost' })
})
afterAll(() => server.close())

type Opened = { browser: Browser; address: string; text: string; started: ReturnType<typeof authorization> }

/** In front of the page of the second factor, with a new TOTP step and no failures to be throttled for. */
async function openSecond(person: TestPerson, query = ''): Promise<Opened> {
  server.clock.aheadMs += throttle.windowMs
  const browser = createBrowser(server.origin, server.ca)
  const started = authorization(server.origin)
  const first = await follow(browser, server.origin, await browser.visit(started.url))
  const address = `${first.headers.location ?? ''}${query}`
  await browser.visit(address, form({ username: person.username, password: person.password }))
  return { browser, address, started, text: (await browser.visit(address)).text }
}

function optionsOn(text: string): object {
  const written = /data-options="([^"]*)"/.exec(text)?.[1]
  if (written === undefined) throw new Error('this page asks for no passkey')
  return JSON.parse(written.replaceAll(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code))))
}

const failureOf = (answer: { headers: Record<string, unknown> }) => JSON.parse(String(answer.headers['gantry-failure'] ?? 'null'))

/** By a code, then the passkeys' page. */
async function openPasskeys(person: TestPerson): Promise<Opened> {
  const opened = await openSecond(person, '?passkeys')
  expect((await opened.browser.visit(opened.address, form({ code: server.codeFor(person) }))).status).toBe(303)
  return { ...opened, text: (await opened.browser.visit(opened.address)).text }
}

async function add(person: TestPerson, authenticator = createAuthenticator(server.origin)): Promise<Authenticator> {
  const { browser, address, text } = await openPasskeys(person)
  expect((await browser.visit(address, form({ attestation: authenticator.create(optionsOn(text)) }))).status).toBe(303)
  return authenticator
}

async function removeAll(person: TestPerson): Promise<void> {
  const { browser, address, text } = await openPasskeys(person)
  for (const [, id = ''] of text.matchAll(/name="remove" value="([^"]*)"/g)) await browser.visit(address, form({ remove: id }))
}

async function tokensOf({ browser, started }: Opened, answer: Awaited<ReturnType<Browser['visit']>>): Promise<Tokens> {
  const { left } = await follow(browser, server.origin, answer)
  const parameters = {
    grant_type: 'authorization_code',
    code: left?.searchParams.get('code') ?? '',
    code_verifier: started.verifier,
    redirect_uri: started.redirect,
  }
  return JSON.parse((await exchange(server.origin, server.ca, parameters)).text) as Tokens
}

function events() {
  const lines = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line).event as { kind: string; data?: Record<string, unknown>; actor: { id?: string } })
}

describe('a passkey', () => {
  test('is added by somebody who has just shown both factors, and stands for the code from then on', async () => {
    const { elena } = server.people
    const own = await add(elena, createAuthenticator(server.origin, { synced: true }))
    expect(events().at(-1)).toMatchObject({ kind: 'specialist.passkey-added', actor: { id: elena.id }, data: { passkey: own.id } })
    const opened = await openSecond(elena)
    const tokens = await tokensOf(opened, await opened.browser.visit(opened.address, form({ passkey: own.get(optionsOn(opened.text)) })))
    expect((await server.client(tokens.access_token).call('specialist.me', {})).specialist.username).toBe('elena')
    // A key that its maker copies is no hardware's (RFC 8176 section 2).
    expect(events().findLast(({ kind }) => kind === 'specialist.signed-in')?.data).toMatchObject({ factors: 'password passkey', methods: 'pwd swk' })
    await removeAll(elena)
  })

  test('is listed with when it was used, and removed; then it opens nothing', async () => {
    const { elena } = server.people
    const own = await add(elena)
    const waiting = await openSecond(elena)
    const { browser, address, text } = await openPasskeys(elena)
    expect(text).toContain(`value="${own.id}"`)
    expect(text).toContain('not used yet')
    expect((await browser.visit(address, form({ remove: own.id }))).status).toBe(303)
    expect((await browser.visit(address)).text).not.toContain(own.id)
    expect(events().at(-1)).toMatchObject({ kind: 'specialist.passkey-removed', data: { passkey: own.id } })
    const late = await waiting.browser.visit(waiting.address, form({ passkey: own.get(optionsOn(waiting.text)) }))
    expect(failureOf(late)).toMatchObject({ code: 'auth.passkey-refused', details: { reason: 'unknown' } })
    // The sign-in itself goes on where the person says so.
    const opened = await openPasskeys(elena)
    const tokens = await tokensOf(opened, await opened.browser.visit(opened.address, form({ continue: '1' })))
    expect((await server.client(tokens.access_token).call('specialist.me', {})).specialist.username).toBe('elena')
  })

  test(`of one person there are ${maxPasskeys} at most, and none twice`, async () => {
    const { elena } = server.people
    const first = await add(elena)
    const twice = await openPasskeys(elena)
    const again = await twice.browser.visit(twice.address, form({ attestation: first.create(optionsOn(twice.text)) }))
    expect(failureOf(again)).toMatchObject({ code: 'auth.passkey-refused', details: { reason: 'known' } })
    for (let count = 1; count < maxPasskeys; count += 1) await add(elena)
    const full = await openPasskeys(elena)
    expect(full.text).not.toContain('data-options')
    expect(full.text).toContain(`You have ${maxPasskeys}`)
    await removeAll(elena)
  })

  test('that is the last way in stays: nobody shuts themselves out', async () => {
    const { elena } = server.people
    const own = await add(elena)
    const { browser, address } = await openPasskeys(elena)
    const setSecret = (secret: string) => {
      const db = new DatabaseSync(join(server.stateDir, 'gantry.db'))
      db.prepare('update specialists set totp_secret = ? where id = ?').run(secret, elena.id)
      db.close()
    }
    setSecret('')
    expect((await browser.visit(address)).text).not.toContain('name="remove"')
    const answer = await browser.visit(address, form({ remove: own.id }))
    expect(failureOf(answer)).toEqual({ code: 'auth.passkey-refused', details: { reason: 'last' } })
    setSecret(elena.totpSecret)
    expect((await browser.visit(address)).text).toContain('name="remove"')
    await removeAll(elena)
  })

  test('cannot be added, nor another person’s removed, by who has shown a password alone', async () => {
    const { elena, tomas } = server.people
    const own = await add(elena)
    const { browser, address, text } = await openSecond(elena, '?passkeys')
    for (const fields of [{ attestation: createAuthenticator(server.origin).create(optionsOn(text)) }, { remove: own.id }, { continue: '1' }]) {
      const answer = await browser.visit(address, form(fields as Record<string, string>))
      expect(answer.status).toBe(400)
    }
    const stranger = await openPasskeys(tomas)
    await stranger.browser.visit(stranger.address, form({ remove: own.id }))
    const opened = await openSecond(elena)
    expect((await opened.browser.visit(opened.address, form({ passkey: own.get(optionsOn(opened.text)) }))).status).toBe(303)
    await removeAll(elena)
  })
})

describe('an answer that is not what was asked for opens nothing', () => {
  let own: Authenticator
  beforeAll(async () => {
    own = await add(server.people.elena)
  })
  afterAll(() => removeAll(server.people.elena))

  const present = 0x01
  const lies: [string, (options: object) => Lie, string][] = [
    ['made on a copied page', () => ({ origin: `https://gantry.example.attacker.example` }), 'answer'],
    ['made for another name', () => ({ rpId: 'attacker.example' }), 'answer'],
    ['to a challenge of somebody’s choice', () => ({ challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }), 'answer'],
    ['without finger, face or PIN', () => ({ flags: present }), 'answer'],
    ['that was the making of a key', () => ({ type: 'webauthn.create' }), 'answer'],
    ['by another key under its name', () => ({ signWith: createAuthenticator(server.origin) }), 'signature'],
    ['by a key that nobody has', () => ({ id: createAuthenticator(server.origin).id }), 'unknown'],
  ]
  test.each(lies)('%s', async (_name, lie, reason) => {
    const { browser, address, text } = await openSecond(server.people.elena)
    const options = optionsOn(text)
    const answer = await browser.visit(address, form({ passkey: own.get(options, lie(options)) }))
    expect(answer.status).toBe(401)
    expect(failureOf(answer)).toEqual({ code: 'auth.passkey-refused', details: { reason } })
    expect(answer.headers.location).toBeUndefined()
    expect(events().at(-1)).toMatchObject({ kind: 'specialist.sign-in-refused', data: { code: 'auth.passkey-refused', reason } })
  })

  test('a copy of the key, which counts from the same number', async () => {
    const first = await openSecond(server.people.elena)
    expect((await first.browser.visit(first.address, form({ passkey: own.get(optionsOn(first.text), { counter: 1_000 }) }))).status).toBe(303)
    const second = await openSecond(server.people.elena)
    const answer = await second.browser.visit(second.address, form({ passkey: own.get(optionsOn(second.text), { counter: 1_000 }) }))
    expect(failureOf(answer)).toMatchObject({ code: 'auth.passkey-refused', details: { reason: 'answer' } })
    const third = await openSecond(server.people.elena)
    expect((await third.browser.visit(third.address, form({ passkey: own.get(optionsOn(third.text), { counter: 1_001 }) }))).status).toBe(303)
  })

  test('one that was given before: a challenge is good once, also after a refusal', async () => {
    const { browser, address, text } = await openSecond(server.people.elena)
    const options = optionsOn(text)
    await browser.visit(address, form({ passkey: own.get(options, { flags: present, counter: 2_000 }) }))
    const right = own.get(options, { counter: 2_001 })
    const answer = await browser.visit(address, form({ passkey: right }))
    expect(failureOf(answer)).toMatchObject({ code: 'auth.passkey-refused', details: { reason: 'answer' } })
  })

  test('the same one twice at once, by an authenticator that does not count: one sign-in, to which both answers lead', async () => {
    const quiet = await add(server.people.elena)
    const { browser, address, text } = await openSecond(server.people.elena)
    const passkey = quiet.get(optionsOn(text), { counter: 0 })
    const answers = await Promise.all([1, 2].map(() => browser.visit(address, form({ passkey }))))
    expect(answers.map(({ status }) => status)).toEqual([303, 303])
    expect(new Set(answers.map(({ headers }) => new URL(headers.location ?? '', server.origin).href)).size).toBe(1)
  })

  test('one to the challenge of another browser’s sign-in', async () => {
    const victim = await openSecond(server.people.elena)
    const thief = await openSecond(server.people.elena)
    expect(challengeOf(optionsOn(victim.text))).not.toBe(challengeOf(optionsOn(thief.text)))
    const answer = await thief.browser.visit(thief.address, form({ passkey: own.get(optionsOn(victim.text), { counter: 3_000 }) }))
    expect(failureOf(answer)).toMatchObject({ code: 'auth.passkey-refused' })
  })

  test('another person’s', async () => {
    const { tomas } = server.people
    await add(tomas)
    const { browser, address, text } = await openSecond(tomas)
    const answer = await browser.visit(address, form({ passkey: own.get(optionsOn(text), { counter: 4_000 }) }))
    expect(failureOf(answer)).toMatchObject({ code: 'auth.passkey-refused', details: { reason: 'unknown' } })
    await removeAll(tomas)
  })

  const rubbish = ['', 'null', '[]', '{}', '{"id":"AA"}', `{"id":"${'A'.repeat(2_000)}"`, '{"__proto__":{}}']
  test.each(rubbish.map((text) => [text.slice(0, 20), text]))('rubbish: %s', async (_start, passkey) => {
    const { browser, address } = await openSecond(server.people.elena)
    expect(failureOf(await browser.visit(address, form({ passkey })))).toMatchObject({ code: 'auth.passkey-refused', details: { reason: 'shape' } })
  })

  test('after five in a minute nothing is looked at any more, the right one neither', async () => {
    const { browser, address } = await openSecond(server.people.elena)
    for (let count = 0; count < throttle.perAccount; count += 1) await browser.visit(address, form({ passkey: '{}' }))
    const { text } = await browser.visit(address)
    const answer = await browser.visit(address, form({ passkey: own.get(optionsOn(text), { counter: 5_000 }) }))
    expect(answer.status).toBe(429)
    expect(failureOf(answer)).toMatchObject({ code: 'auth.throttled' })
  })
})

describe('the pages', () => {
  test('run one script of this server’s, and only where a passkey is asked for or offered', async () => {
    const { elena } = server.people
    const without = await openSecond(elena)
    expect(without.text).not.toContain('<script')
    await add(elena)
    const { browser, address } = await openSecond(elena)
    const page = await browser.visit(address)
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
    expect(page.text.match(/<script[^>]*>/g)).toEqual(['<script src="/sign-in/passkey.js" defer>'])
    expect((await browser.visit('/sign-in/passkey.js')).headers['content-type']).toBe('text/javascript; charset=utf-8')
    await removeAll(elena)
  })

  test('say nothing of passkeys where the server is known by an address, to which none can belong', async () => {
    const other = await createTestServer()
    try {
      const browser = createBrowser(other.origin, other.ca)
      const first = await follow(browser, other.origin, await browser.visit(authorization(other.origin).url))
      const address = `${first.headers.location ?? ''}?passkeys`
      await browser.visit(address, form({ username: 'elena', password: other.people.elena.password }))
      expect((await browser.visit(address)).text).not.toMatch(/passkey/i)
      const passed = await browser.visit(address, form({ code: other.codeFor(other.people.elena) }))
      expect(passed.headers.location).toContain('/oidc/auth/')
    } finally {
      await other.close()
    }
  })
})
