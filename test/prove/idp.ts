import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Config } from '../../cloud/main-server/config.ts'
import { newId, type SpecialistId } from '../../shared/ids.ts'
import { callJson, type Glewlwyd, openGlewlwyd } from '../support/glewlwyd.ts'
import { createTestServer, type TestServer } from '../support/main-server.ts'
import { type Answer, authorization, type Browser, createBrowser, exchange, form, type Tokens } from '../support/sign-in-browser.ts'
import { failureOf, type Page, walk } from '../support/upstream-world.ts'
import { type Proof, type Row, row } from './proof.ts'

const clientId = 'gantry'
const secret = 'aSecretOfTheProof40CharactersLong0000000'
const password = 'a long password of the proof'
const totpSecret = 'A'.repeat(32)

export const idp: Proof = {
  name: 'idp',
  title: 'People sign in at an independent OpenID provider, and only those who should',
  covers: ['R065', 'R068', 'R069', 'R061'],
  method:
    'Debian’s glewlwyd as it is packaged (a server in C that shares nothing with this project), on loopback TLS; a real main server that is its client; a browser without a screen that keeps cookies and talks to the pages and interfaces of both. Each case is a whole sign-in, from the client’s authorization request on.',
  limits: [
    'glewlwyd 2.7.5 says auth_time 0 in the code flow. So the main server is set to let that pass and to ask its own code always; that it refuses with the usual setting is a case here. A second factor of the provider that counts is shown with oidc-provider in the unit tests.',
    'An ID token for another audience cannot be had from a provider that behaves; here it is a code that was given to another client. The token itself is in the unit tests.',
  ],
  async run({ say }) {
    const folder = mkdtempSync(join(tmpdir(), 'idp-'))
    const glewlwyd = await openGlewlwyd(folder)
    say(`glewlwyd ${glewlwyd.version}`)
    try {
      return await prove(glewlwyd, folder)
    } finally {
      await glewlwyd.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** One main server in front of the provider, with the people of `subjects` (user name there: `sub`) in its directory. */
async function openMainServer(
  glewlwyd: Glewlwyd,
  folder: string,
  more: { subjects?: Record<string, string>; authTime?: string; secret?: string } = {},
): Promise<TestServer> {
  const secretFile = join(folder, 'client.secret')
  writeFileSync(secretFile, more.secret ?? secret, { mode: 0o600 })
  const { issuer, caFile } = glewlwyd
  const upstream = Config.shape.upstream.parse({ issuer, caFile, clientId, secretFile, name: 'Norvane SSO', authTime: more.authTime ?? 'may-be-missing' })
  const server = await createTestServer({ upstream }, (seed) => {
    const [first] = seed.specialists
    for (const [username, subject] of Object.entries(more.subjects ?? {}))
      if (first)
        seed.specialists.push({
          ...first,
          id: newId<SpecialistId>('spc'),
          username,
          totpSecret,
          identity: { issuer, subject },
          disabled: username === 'disabled',
        })
  })
  await putClient(glewlwyd, clientId, `${server.origin}/sign-in/answer`)
  return server
}

/** Makes the client, or changes where it is sent back to. */
async function putClient(glewlwyd: Glewlwyd, client_id: string, redirect: string): Promise<void> {
  const client = { client_id, name: client_id, enabled: true, confidential: true, client_secret: secret, redirect_uri: [redirect], scope: ['openid'] }
  const flow = { authorization_type: ['code'], token_endpoint_auth_method: ['client_secret_basic'] }
  await glewlwyd.admin('PUT', `/api/client/${client_id}`, { ...client, ...flow }).catch(() => glewlwyd.admin('POST', '/api/client/', { ...client, ...flow }))
}

/** A person at glewlwyd's own page: password, consent, and on. Null where glewlwyd does not let the person in. */
async function passGlewlwyd(glewlwyd: Glewlwyd, browser: Browser, login: URL, username: string): Promise<URL | null> {
  const { origin } = new URL(glewlwyd.issuer)
  const callJsonThere = (method: string, path: string, body: unknown) => callJson(browser, method, `${origin}${path}`, body)
  if ((await callJsonThere('POST', '/api/auth', { username, password })).status !== 200) return null
  await callJsonThere('PUT', `/api/auth/grant/${login.searchParams.get('client_id')}`, { scope: 'openid' })
  const answer = await browser.visit(`${login.searchParams.get('callback_url')}&g_continue`)
  return new URL(answer.headers.location ?? '', origin)
}

type Visit = { browser: Browser; started: ReturnType<typeof authorization>; answer: URL | null; login: URL }
/** From the client's authorization request to the provider's answer, which has not been taken yet. */
async function comeBack(glewlwyd: Glewlwyd, server: TestServer, username: string, browser = browserOf(glewlwyd, server)): Promise<Visit> {
  const started = authorization(server.origin)
  const { at } = await walk(browser, started.url, (url) => url.pathname === '/login.html')
  return { browser, started, login: at, answer: await passGlewlwyd(glewlwyd, browser, at, username) }
}

function browserOf(glewlwyd: Glewlwyd, server: TestServer): Browser {
  return createBrowser(server.origin, `${server.ca}\n${glewlwyd.ca}`)
}

/** The whole way, with our code where it is asked. */
async function signIn(glewlwyd: Glewlwyd, server: TestServer, username: string): Promise<Page & { tokens?: Tokens }> {
  const { browser, started, answer } = await comeBack(glewlwyd, server, username)
  if (!answer) return { status: 401, headers: {}, text: '', at: new URL(glewlwyd.issuer) }
  return finish(server, browser, started, await walk(browser, answer.href))
}

async function finish(server: TestServer, browser: Browser, started: Visit['started'], page: Page): Promise<Page & { tokens?: Tokens }> {
  const code = /class="mono">(\d{3}) (\d{3})</.exec(page.text)?.slice(1).join('')
  if (code === undefined) return page
  const sent = await browser.visit(page.at.href, form({ code }))
  const { at } = await walk(browser, new URL(sent.headers.location ?? '', server.origin).href)
  const parameters = {
    grant_type: 'authorization_code',
    code: at.searchParams.get('code') ?? '',
    code_verifier: started.verifier,
    redirect_uri: started.redirect,
  }
  return { ...page, at, tokens: JSON.parse((await exchange(server.origin, server.ca, parameters)).text) as Tokens }
}

async function prove(glewlwyd: Glewlwyd, folder: string): Promise<Row[]> {
  for (const username of ['anna', 'disabled', 'stranger', 'gone'])
    await glewlwyd.admin('POST', '/api/user/', { username, name: username, password, enabled: true, scope: ['openid'] })
  // Otherwise its answer says "session" for a method, whoever has typed what.
  await glewlwyd.admin('PUT', '/api/scope/openid', {
    name: 'openid',
    display_name: 'OpenID',
    description: 'Sign-in',
    password_required: true,
    password_max_age: 0,
    scheme: {},
  })
  const subjects = await findSubjects(glewlwyd, folder)
  const rows: Row[] = []
  const add = (what: string, bound: string, answer: Pick<Answer, 'headers' | 'status'>, holds = codeOf(answer) === bound) =>
    rows.push(row(what, bound, codeOf(answer), holds))

  const usual = await openMainServer(glewlwyd, folder, { subjects, authTime: 'required' })
  try {
    const page = await signIn(glewlwyd, usual, 'anna')
    add('with the usual setting, which asks when the person signed in: refused', 'auth.provider-answer-bad auth_time', page)
  } finally {
    await usual.close()
  }

  const server = await openMainServer(glewlwyd, folder, { subjects })
  try {
    const done = await signIn(glewlwyd, server, 'anna')
    const me = await server.client(done.tokens?.access_token ?? '').call('specialist.me', {})
    rows.push(row('password there, our code: signed in as', 'anna', me.specialist.username, me.specialist.username === 'anna'))
    const half = await comeBack(glewlwyd, server, 'anna')
    const waiting = await walk(half.browser, half.answer?.href ?? '')
    add('a wrong code', 'auth.wrong-credentials', await half.browser.visit(waiting.at.href, form({ code: '000000' })))
    const around = await walk(half.browser, waiting.at.href.replace('/sign-in/', '/oidc/auth/'))
    rows.push(
      row('password there and no code: the client gets', 'nothing', around.at.protocol === 'http:' ? 'a code' : 'nothing', around.at.protocol !== 'http:'),
    )
    add('known there, no line in the directory', 'auth.no-account', await signIn(glewlwyd, server, 'stranger'))
    add('known there, disabled in the directory', 'auth.no-account', await signIn(glewlwyd, server, 'disabled'))

    await glewlwyd.admin('PUT', '/api/user/gone', { username: 'gone', name: 'gone', enabled: false, scope: ['openid'] })
    const gone = await signIn(glewlwyd, server, 'gone')
    rows.push(row('disabled there: glewlwyd’s own answer to the password', '401', String(gone.status), gone.status === 401))

    await putClient(glewlwyd, 'other', `${server.origin}/sign-in/answer`)
    const browser = browserOf(glewlwyd, server)
    const { at } = await walk(browser, authorization(server.origin).url, (url) => url.pathname === '/login.html')
    const forOther = new URL(at)
    forOther.searchParams.set('client_id', 'other')
    forOther.searchParams.set('callback_url', (at.searchParams.get('callback_url') ?? '').replace(`client_id=${clientId}`, 'client_id=other'))
    const other = await passGlewlwyd(glewlwyd, browser, forOther, 'anna')
    rows.push(
      row(
        'the provider gives another client a code for our visit',
        'yes',
        other?.searchParams.has('code') ? 'yes' : 'no',
        other?.searchParams.has('code') ?? false,
      ),
    )
    add('that code, brought to us (wrong audience)', 'auth.provider-answer-bad invalid_code', await walk(browser, other?.href ?? ''), undefined)

    const victim = await comeBack(glewlwyd, server, 'anna')
    const thief = await comeBack(glewlwyd, server, 'stranger')
    const mixed = new URL(thief.answer ?? '')
    mixed.searchParams.set('code', victim.answer?.searchParams.get('code') ?? '')
    add('a stolen code in the thief’s own visit (PKCE)', 'auth.provider-answer-bad invalid_code', await walk(thief.browser, mixed.href), undefined)
    add('somebody else’s answer in this browser (login CSRF)', '400', await walk(browserOf(glewlwyd, server), victim.answer?.href ?? ''))

    const left = await comeBack(glewlwyd, server, 'anna')
    const again = await walk(left.browser, authorization(server.origin).url, (url) => url.pathname === '/login.html')
    rows.push(
      row(
        'its session left open in the browser: the next sign-in asks there',
        'anew',
        again.at.pathname === '/login.html' ? 'anew' : 'nothing',
        again.at.pathname === '/login.html',
      ),
    )
    const silent = new URL(again.at.searchParams.get('callback_url') ?? '')
    for (const name of ['prompt', 'max_age']) silent.searchParams.delete(name)
    const page = await walk(left.browser, `${silent.href}&g_continue`)
    rows.push(
      row(
        'and with that request taken out on the way: our code is asked',
        'yes',
        page.text.includes('name="code"') ? 'yes' : 'no',
        page.text.includes('name="code"'),
      ),
    )

    const before = await comeBack(glewlwyd, server, 'anna')
    await glewlwyd.stop()
    add('down when its answer is to be exchanged', 'auth.provider-unreachable ECONNREFUSED', await walk(before.browser, before.answer?.href ?? ''))
    await server.stop()
    await server.start()
    add(
      'down, and the main server newly started',
      'auth.provider-unreachable ECONNREFUSED',
      await walk(browserOf(glewlwyd, server), authorization(server.origin).url),
    )
    await glewlwyd.start()
    const up = await comeBack(glewlwyd, server, 'anna')
    const asked = await walk(up.browser, up.answer?.href ?? '')
    rows.push(row('up again: our code is asked', 'yes', asked.text.includes('name="code"') ? 'yes' : 'no', asked.text.includes('name="code"')))
  } finally {
    await server.close()
  }

  const wrong = await openMainServer(glewlwyd, folder, { subjects, secret: 'notTheSecret' })
  try {
    add('with a wrong client secret', 'auth.provider-answer-bad unauthorized_client', await signIn(glewlwyd, wrong, 'anna'), undefined)
  } finally {
    await wrong.close()
  }
  return rows
}

/** Which `sub` each person has there: a refusal for want of a line tells it, as it would tell an administrator. */
async function findSubjects(glewlwyd: Glewlwyd, folder: string): Promise<Record<string, string>> {
  const server = await openMainServer(glewlwyd, folder)
  try {
    const subjects: Record<string, string> = {}
    for (const username of ['anna', 'disabled', 'gone']) subjects[username] = failureOf(await signIn(glewlwyd, server, username)).details.subject
    return subjects
  } finally {
    await server.close()
  }
}

function codeOf(answer: Pick<Answer, 'headers' | 'status'>): string {
  const failure = failureOf(answer)
  if (!failure) return String(answer.status)
  const reason = failure.details?.reason
  return reason === undefined ? failure.code : `${failure.code} ${reason}`
}
