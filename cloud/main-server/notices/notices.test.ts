import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccessRequestView, WellKnown } from '@gantry/shared/client-api.ts'
import { type Ca, createCa } from '@gantry/shared/node/certificates.ts'
import { verifyJws } from '@gantry/shared/node/signing.ts'
import { NoticePayload } from '@gantry/shared/notice.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { changeDirectory, eventsOf, firstCustomer } from '../../../test/support/directory.ts'
import { type MailServer, type MailServerOptions, openMailServer } from '../../../test/support/mail-server.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { type Answer, ask, form } from '../../../test/support/sign-in-browser.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'
import { openWebhookReceiver, type ReceivedPost, type WebhookReceiver } from '../../../test/support/webhook-receiver.ts'
import { openDatabase } from '../database.ts'
import { MailSettings, WebhookSettings } from '../notice-settings.ts'
import { releaseDelivery } from '../polls/store.ts'
import { NoticeContacts } from '../seed.ts'
import { createNotices } from './notices.ts'

/** The real server, a real mail server and a real HTTPS receiver: what a contact reads, says, and cannot be made to say (R084, D16). */
let ca: Ca
let caFile: string
const folder = mkdtempSync(join(tmpdir(), 'notices-'))
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  ca = await createCa('Notices')
  caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, ca.certificatePem)
  return () => rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type World = {
  server: TestServer
  agent: TestAgent
  client: ReturnType<TestServer['client']>
  mail: MailServer
  hook: WebhookReceiver
  ask(change?: Record<string, unknown>): Promise<AccessRequestView>
  show(view: AccessRequestView): Promise<AccessRequestView>
  /** Whether the device has heard of it. */
  isHeard(view: AccessRequestView): Promise<boolean>
  links(): string[]
  visit(link: string, answer?: string): Promise<Answer>
  kinds(): string[]
}
type WorldOptions = {
  rule?: 'told' | 'accepted'
  contacts?: { language?: 'en' | 'fr'; mail?: string[]; webhook?: true }
  mail?: MailServerOptions
  user?: string
  privateNetworks?: string[]
  hook?: (request: IncomingMessage, response: ServerResponse) => void
}

async function createWorld({ rule = 'told', contacts = { mail: ['it@riverside.example'] }, ...options }: WorldOptions = {}): Promise<World> {
  const mail = await openMailServer(ca, options.mail)
  const hook = await openWebhookReceiver(ca, options.hook)
  const passwordFile = join(folder, 'mail-password')
  writeFileSync(passwordFile, 'a word of the mail server\n', { mode: 0o600 })
  const settings = { host: '127.0.0.1', port: mail.port, tls: 'implicit', from: 'notices@norvane.example', caFile, user: options.user, passwordFile }
  const server = await createTestServer({
    notices: {
      mail: MailSettings.parse(settings),
      webhook: WebhookSettings.parse({ caFile, privateNetworks: options.privateNetworks ?? ['127.0.0.0/8'] }),
    },
  })
  closing.push(mail.close, hook.close, server.close)
  await changeDirectory(server, (seed) => {
    const { language = 'en', mail: to = [], webhook } = contacts
    firstCustomer(seed).origins = [{ country: 'CA', tiers: [1, 2, 3], onEscalation: false, notice: rule }]
    firstCustomer(seed).notices = NoticeContacts.parse({ language, mail: to, webhook: webhook ? `${hook.origin}/gantry?site=1` : null })
  })
  const { elena } = server.people
  const agent = await enrolAgent(server, server.devices.mine)
  const client = server.client((await server.signIn(elena)).access_token)
  const isHeard: World['isHeard'] = async ({ ticket }) => (await agent.poll()).some((one) => one.kind === 'access-request' && one.ticket === ticket)
  return {
    ...{ server, agent, client, mail, hook, isHeard },
    async ask(change = {}) {
      await agent.poll()
      const { signed } = await signedRequest(server, elena, server.devices.mine, change)
      return (await client.call('access-request.create', { request: signed, certificate: elena.certificate })).request
    },
    show: ({ id }) => client.call('access-request.show', { requestId: id }),
    links: () => mail.mails.flatMap(({ text }) => text.match(/https:\/\/\S+/g) ?? []),
    visit: (link, answer) => ask(link, server.ca, answer === undefined ? {} : form({ answer })),
    kinds: () =>
      eventsOf(server)
        .map(({ kind }) => kind)
        .filter((kind) => kind.startsWith('notice.')),
  }
}
/** The noun by itself, on the database of a server that stands still. */
async function openNotices({ server }: World) {
  const db = await openDatabase(join(server.stateDir, 'gantry.db'))
  const nothing = async () => undefined
  const notices = createNotices({
    ...{
      db,
      append: () => undefined,
      secret: readFileSync(join(server.stateDir, 'notice.secret'), 'utf8'),
      origin: server.origin,
      key: () => server.authority,
    },
    ...{ sendMail: null, postWebhook: nothing, moved: nothing, changed: nothing, onDefect: () => undefined, now: server.now },
    release: (queries, { deviceId, requestId }) => releaseDelivery(queries, deviceId, `access-request:${requestId}`),
  })
  return { db, notices }
}
const one = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}
const first = async (world: World, count = 1) => {
  await expect.poll(() => world.links()).toHaveLength(count)
  return world.links()[0] as string
}
async function answerAtDevice({ agent }: World, { ticket }: AccessRequestView): Promise<void> {
  await agent.answer(ticket, { kind: 'picked-up', rule: 'ask', draw: 'd'.repeat(43), hostKey: agent.hostKey })
  await agent.answer(ticket, { kind: 'approved', by: 'person', hostKey: agent.hostKey })
}

describe('a contact who is told', () => {
  test('reads a mail in the customer’s language that says who, from where and what; no reason, no patient data, no secret but the link', async () => {
    const world = await createWorld({ contacts: { language: 'fr', mail: ['it@riverside.example'] } })
    await world.ask({ reason: 'SYNTHETIC PATIENT mrn=000117', caseId: 'C-48213' })
    await first(world)
    const { from, to, headers, text } = one(world.mail.mails)
    expect([from, to]).toEqual(['notices@norvane.example', ['it@riverside.example']])
    expect(headers).toContain('Auto-Submitted: auto-generated')
    for (const part of ['elena of the test', 'Norvane Service', 'Laval, CA', 'CT Suite 3', 'Riverside Hospital', 'Fichiers', 'C-48213', '30 minutes'])
      expect(text).toContain(part)
    expect(text).toContain('Vous pouvez la refuser')
    expect(headers.join() + text).not.toMatch(/SYNTHETIC|mrn=/)
    const link = one(world.links())
    const database = readFileSync(join(world.server.stateDir, 'gantry.db'))
    const log = readFileSync(join(world.server.stateDir, 'gantry.db-wal'))
    const token = link.slice(link.lastIndexOf('/') + 1)
    for (const file of [database, log, readFileSync(join(world.server.stateDir, 'audit.jsonl'))]) expect(file.includes(token)).toBe(false)
  })

  test('has it before the device hears of the request, and the audit says to whom it went', async () => {
    let isOpen = false
    const world = await createWorld({ mail: { says: () => (isOpen ? null : [451, 'later']) } })
    const view = await world.ask()
    await expect.poll(() => world.mail.tries()).toBeGreaterThan(1)
    expect(await world.isHeard(view)).toBe(false)
    expect(await world.show(view)).toMatchObject({ state: 'requested', contact: 'telling' })
    isOpen = true
    await first(world)
    await expect.poll(() => world.isHeard(view)).toBe(true)
    expect(await world.show(view)).toMatchObject({ state: 'requested', contact: null })
    expect(eventsOf(world.server).find(({ kind }) => kind === 'notice.delivered')).toMatchObject({
      requestId: view.id,
      data: { channel: 'mail', to: 'it@riverside.example', rule: 'told' },
    })
    await answerAtDevice(world, view)
    expect(await world.show(view)).toMatchObject({ state: 'approved' })
  })

  test('refuses before it starts: the request is refused, the device never hears of it again', async () => {
    const world = await createWorld()
    const view = await world.ask()
    const link = await first(world)
    const { status, text } = await world.visit(link, 'refuse')
    expect([status, text]).toEqual([200, expect.stringContaining('Refused')])
    expect(await world.show(view)).toMatchObject({ state: 'refused', refusal: { code: 'access.contact-refused' } })
    expect(await world.isHeard(view)).toBe(false)
    await expect(answerAtDevice(world, view)).rejects.toMatchObject({ code: 'access.wrong-state' })
    expect(eventsOf(world.server).find(({ kind }) => kind === 'notice.answered')).toMatchObject({ actor: { kind: 'person' }, data: { answer: 'refuse' } })
  })

  test('refuses while the session runs: the device is told to end it, with the cause', async () => {
    const world = await createWorld()
    const view = await world.ask()
    const link = await first(world)
    await expect.poll(() => world.isHeard(view)).toBe(true)
    await answerAtDevice(world, view)
    await world.agent.report([{ kind: 'session.opened', actor: { kind: 'agent' }, requestId: view.id, deviceId: view.device.id }])
    await world.visit(link, 'refuse')
    const end = (await world.agent.poll()).find(({ kind }) => kind === 'end')
    expect(end).toMatchObject({ requestId: view.id, cause: 'revoked' })
  })

  test('does nothing by looking, as mail guards do; what is not an answer of the page counts as none', async () => {
    const world = await createWorld()
    const view = await world.ask()
    const link = await first(world)
    for (const _ of [1, 2, 3]) {
      const { status, text, headers } = await world.visit(link)
      expect([status, text]).toEqual([200, expect.stringContaining('CT Suite 3')])
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      )
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      expect(text).not.toContain('<script')
      expect(text).not.toContain('value="accept"')
    }
    expect((await world.visit(`${link}?lang=fr`)).text).toContain('Refuser')
    expect((await world.visit(link, 'maybe')).status).toBe(400)
    // Nobody asked for a yes, so none is taken.
    expect((await world.visit(link, 'accept')).status).toBe(410)
    expect(await world.show(view)).toMatchObject({ state: 'requested' })
    expect((await world.visit(link, 'refuse')).status).toBe(200)
  })
})

describe('a contact who must accept', () => {
  test('accepts: only then does the device hear of it', async () => {
    const world = await createWorld({ rule: 'accepted' })
    const view = await world.ask()
    const link = await first(world)
    await expect.poll(() => world.kinds()).toEqual(['notice.delivered'])
    expect(await world.isHeard(view)).toBe(false)
    expect(await world.show(view)).toMatchObject({ contact: 'answer' })
    expect((await world.visit(link)).text).toContain('value="accept"')
    expect((await world.visit(link, 'accept')).status).toBe(200)
    expect(await world.isHeard(view)).toBe(true)
    expect(world.kinds()).toEqual(['notice.delivered', 'notice.answered'])
  })

  test('says nothing for 120 s: a refusal, and a late yes changes nothing', async () => {
    const world = await createWorld({ rule: 'accepted' })
    const view = await world.ask()
    const link = await first(world)
    await expect.poll(() => world.kinds()).toEqual(['notice.delivered'])
    world.server.clock.aheadMs += 119_000
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    world.server.clock.aheadMs += 1_000
    await expect.poll(() => world.show(view)).toMatchObject({ state: 'refused', refusal: { code: 'access.contact-no-answer' } })
    expect((await world.visit(link, 'accept')).status).toBe(410)
    expect(await world.isHeard(view)).toBe(false)
  })

  test('of several each has a link of their own: one says yes, another still no', async () => {
    const world = await createWorld({ rule: 'accepted', contacts: { mail: ['it@riverside.example', 'desk@riverside.example'] } })
    const view = await world.ask()
    await first(world, 2)
    const [yes = '', no = ''] = world.links()
    expect(yes).not.toBe(no)
    expect((await world.visit(yes, 'accept')).status).toBe(200)
    expect(await world.isHeard(view)).toBe(true)
    expect((await world.visit(no, 'refuse')).status).toBe(200)
    expect(await world.show(view)).toMatchObject({ state: 'refused', refusal: { code: 'access.contact-refused' } })
  })
})

describe('who tries to answer in their place', () => {
  test('with a link that was never given, or half of one: the same page as for one that is over, and nothing happens', async () => {
    const world = await createWorld({ rule: 'accepted' })
    const view = await world.ask()
    const link = await first(world)
    const forged = [
      `${link.slice(0, -1)}${link.endsWith('A') ? 'B' : 'A'}`,
      link.slice(0, -1),
      `${link}A`,
      `${link.slice(0, link.lastIndexOf('/'))}/${'A'.repeat(43)}`,
      `${link}'--`,
    ]
    for (const one of forged) {
      expect((await world.visit(one)).status).toBe(404)
      for (const answer of ['accept', 'refuse']) expect((await world.visit(one, answer)).status).toBe(410)
    }
    expect(await world.show(view)).toMatchObject({ state: 'requested' })
    expect(world.kinds()).not.toContain('notice.answered')
  })

  test('with a link that was used, twenty times at once: it counts once', async () => {
    const world = await createWorld({ rule: 'accepted' })
    await world.ask()
    const link = await first(world)
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => world.visit(link, 'accept')))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 410)).toHaveLength(19)
    expect((await world.visit(link, 'refuse')).status).toBe(410)
    expect((await world.visit(link)).status).toBe(404)
    expect(world.kinds().filter((kind) => kind === 'notice.answered')).toHaveLength(1)
  })

  test('with a yes and a no at once through one link: one of them counts', async () => {
    const world = await createWorld({ rule: 'accepted' })
    const view = await world.ask()
    const link = await first(world)
    await expect.poll(() => world.kinds()).toEqual(['notice.delivered'])
    // Over HTTPS they come one after the other; here between each other's look and step.
    await world.server.stop()
    const { db, notices } = await openNotices(world)
    const said = ['accept', 'refuse', 'accept', 'refuse'] as const
    const taken = await Promise.all(said.map((answer) => notices.take(link.slice(link.lastIndexOf('/') + 1), answer)))
    await db.destroy()
    await world.server.start()
    expect(taken.filter((counts) => counts)).toHaveLength(1)
    expect(await world.isHeard(view)).toBe(taken.indexOf(true) % 2 === 0)
  })

  test('with the link of a request that is over, or for another request', async () => {
    const world = await createWorld()
    const view = await world.ask()
    const link = await first(world)
    await world.client.call('access-request.cancel', { requestId: view.id })
    expect((await world.visit(link)).status).toBe(404)
    const other = await world.ask()
    await first(world, 2)
    expect((await world.visit(link, 'refuse')).status).toBe(410)
    expect(await world.show(other)).toMatchObject({ state: 'requested' })
  })

  test('from the page of another site: under another name the server answers nothing', async () => {
    const world = await createWorld()
    await world.ask()
    const link = await first(world)
    const { headers, ...posted } = form({ answer: 'refuse' })
    const response = await ask(link, world.server.ca, { ...posted, headers: { ...headers, host: 'evil.example' } })
    expect(response.status).toBe(400)
    expect(world.kinds()).not.toContain('notice.answered')
  })
})

describe('a contact who cannot be told', () => {
  test('has no address: refused before anything is stored, by name', async () => {
    const world = await createWorld()
    await changeDirectory(world.server, (seed) => delete firstCustomer(seed).notices)
    await expect(world.ask()).rejects.toMatchObject({ code: 'access.contact-missing' })
    expect(eventsOf(world.server).at(-1)).toMatchObject({ kind: 'access.refused', data: { step: 'requireContact' } })
  })

  test('is unknown to the mail server: refused at once, with the reason, and never tried again', async () => {
    const world = await createWorld({ mail: { says: () => [550, 'no such user'] } })
    const view = await world.ask()
    await expect
      .poll(() => world.show(view))
      .toMatchObject({ state: 'refused', refusal: { code: 'access.notice-undelivered', details: { reason: 'mail-refused' } } })
    expect(world.mail.tries()).toBe(1)
    expect(eventsOf(world.server).find(({ kind }) => kind === 'notice.failed')?.data).toMatchObject({ reason: 'mail-refused', to: 'it@riverside.example' })
    expect(await world.isHeard(view)).toBe(false)
  })

  test('is not reached in the time there is, since nothing listens: refused, and no try more than the limit', async () => {
    const world = await createWorld()
    await world.mail.close()
    const view = await world.ask()
    world.server.clock.aheadMs += 61_000
    await expect.poll(() => world.show(view)).toMatchObject({ state: 'refused', refusal: { code: 'access.notice-undelivered' } })
  })

  test('is told after a restart: what was to be sent outlives the server, with the same link', async () => {
    let isOpen = false
    const world = await createWorld({ mail: { says: () => (isOpen ? null : [451, 'later']) } })
    const view = await world.ask()
    await expect.poll(() => world.mail.tries()).toBeGreaterThan(0)
    await world.server.stop()
    isOpen = true
    await world.server.start()
    const link = await first(world)
    expect((await world.visit(link, 'refuse')).status).toBe(200)
    expect(await world.show(view)).toMatchObject({ state: 'refused', refusal: { code: 'access.contact-refused' } })
  })

  test('is not asked more than six times an hour for one device', async () => {
    const world = await createWorld()
    for (const _ of [1, 2, 3, 4, 5, 6]) {
      const { id } = await world.ask()
      await world.client.call('access-request.cancel', { requestId: id })
    }
    await expect(world.ask()).rejects.toMatchObject({ code: 'access.too-many-notices', details: { max: 6 } })
  })
})

describe('a webhook', () => {
  const viaHook = { contacts: { webhook: true as const } }
  const keyOf = async ({ server }: World) => WellKnown.parse(JSON.parse((await ask(`${server.origin}/.well-known/gantry`, server.ca)).text)).ticketKey
  const checked = async (world: World, jws: string) =>
    verifyJws(jws as CompactJws, { type: 'notice', schema: NoticePayload, key: await keyOf(world), failure: 'access.signature-bad' })
  const firstPost = async ({ hook }: World) => {
    await expect.poll(() => hook.posts.length).toBeGreaterThan(0)
    return hook.posts[0] as ReceivedPost
  }

  test('is signed by the key that the server publishes, for this address and moment alone, and its answer counts', async () => {
    const world = await createWorld(viaHook)
    const view = await world.ask({ reason: 'SYNTHETIC PATIENT' })
    const post = await firstPost(world)
    expect(post).toMatchObject({ path: '/gantry?site=1', type: 'application/jose' })
    const payload = await checked(world, post.body)
    expect(payload).toMatchObject({
      audience: `${world.hook.origin}/gantry?site=1`,
      rule: 'told',
      answerBefore: null,
      facts: { requestId: view.id, caseId: '48213', specialist: { name: 'elena of the test', country: 'CA' }, device: { name: 'CT Suite 3' } },
    })
    expect(Math.abs(payload.issuedAt - world.server.now() / 1000)).toBeLessThan(60)
    expect(JSON.stringify(payload)).not.toContain('SYNTHETIC')
    await expect.poll(() => world.isHeard(view)).toBe(true)
    expect((await world.visit(payload.answerUrl, 'refuse')).status).toBe(200)
    expect(await world.show(view)).toMatchObject({ refusal: { code: 'access.contact-refused' } })
  })

  test('that is altered, or is no notice, does not hold; one that is sent again has the same id', async () => {
    let count = 0
    const world = await createWorld({ ...viaHook, hook: (_request, response) => response.writeHead(++count === 1 ? 503 : 204).end() })
    const view = await world.ask()
    const { body } = await firstPost(world)
    const payload = await checked(world, body)
    await expect.poll(() => world.hook.posts.length).toBe(2)
    const again = await checked(world, world.hook.posts[1]?.body ?? '')
    expect([again.id, again.answerUrl]).toEqual([payload.id, payload.answerUrl])
    const [head, content = '', signature] = body.split('.')
    const altered = Buffer.from(content, 'base64url').toString('utf8').replace('"told"', '"accepted"')
    await expect(checked(world, `${head}.${Buffer.from(altered).toString('base64url')}.${signature}`)).rejects.toMatchObject({ code: 'access.signature-bad' })
    await expect(checked(world, view.ticket)).rejects.toMatchObject({ code: 'access.signature-bad' })
    await expect.poll(() => world.isHeard(view)).toBe(true)
  })

  test('follows no redirect', async () => {
    const other = await openWebhookReceiver(ca)
    closing.push(other.close)
    const world = await createWorld({ ...viaHook, hook: (_request, response) => response.writeHead(307, { location: `${other.origin}/elsewhere` }).end() })
    const view = await world.ask()
    await expect
      .poll(() => world.show(view))
      .toMatchObject({ state: 'refused', refusal: { code: 'access.notice-undelivered', details: { reason: 'webhook-refused' } } })
    expect(other.posts).toEqual([])
  })

  test('goes to no address that is not public, unless the operator named its network', async () => {
    const world = await createWorld({ ...viaHook, privateNetworks: ['10.0.0.0/8'] })
    const view = await world.ask()
    await expect.poll(() => world.show(view)).toMatchObject({ state: 'refused', refusal: { details: { reason: 'webhook-address' } } })
    expect(world.hook.posts).toEqual([])
  })

  test('whose receiver talks without end is told after its first line, and one that is silent holds up nobody else', async () => {
    const endless = await createWorld({
      ...viaHook,
      hook(_request, response) {
        response.writeHead(200)
        const timer = setInterval(() => response.write('x'.repeat(60_000)), 1)
        response.on('close', () => clearInterval(timer))
      },
    })
    const view = await endless.ask()
    await expect.poll(() => endless.isHeard(view)).toBe(true)
    const silent = await createWorld({ contacts: { webhook: true, mail: ['it@riverside.example'] }, hook: () => undefined })
    const asked = await silent.ask()
    await first(silent)
    await expect.poll(() => silent.isHeard(asked)).toBe(true)
    expect(silent.kinds()).toEqual(['notice.delivered'])
  })
})

describe('the mail server', () => {
  test('is given user and password out of a file that nobody else can read; a wrong one is a refusal by name', async () => {
    const login = { user: 'gantry', password: 'a word of the mail server' }
    const world = await createWorld({ user: 'gantry', mail: { login } })
    await world.ask()
    await first(world)
    expect(world.mail.mails[0]?.user).toBe('gantry')
    const wrong = await createWorld({ user: 'gantry', mail: { login: { ...login, password: 'another' } } })
    const view = await wrong.ask()
    wrong.server.clock.aheadMs += 61_000
    await expect.poll(() => wrong.show(view)).toMatchObject({ state: 'refused', refusal: { code: 'access.notice-undelivered' } })
    expect(wrong.mail.mails).toEqual([])
  })
})
